/** Turns whatever a failed call threw into words for people. */
import { sentence } from '@/lib/format'
import type { Problem } from './client'

/** Whether `error` is a problem document of the service. */
export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'status' in error
}

/** The HTTP status of `error`, when the service answered at all. */
export function problemStatus(error: unknown): number | null {
  return isProblem(error) ? error.status : null
}

const UNREACHABLE = 'The service cannot be reached. Check that Mainstay is running and that you are online.'

/** One or two sentences on what went wrong; never empty. */
export function problemText(error: unknown): string {
  if (isProblem(error)) {
    const fields = (error.errors ?? []).map((field) => field.detail).join(' ')
    return (
      sentence([error.detail || error.title, fields].filter(Boolean).join(' ')) || 'Something went wrong.'
    )
  }
  // `fetch` throws a TypeError when there was no answer, each browser with its own words.
  if (error instanceof TypeError) return UNREACHABLE
  if (error instanceof Error && error.message) return error.message
  return 'Something went wrong.'
}
