/** What the service found wrong with single fields of what it was sent, by their JSON pointers. */
import { sentence } from '@/lib/format'
import { isProblem, problemText } from './problem'

export interface FieldErrors {
  /** What is wrong with the field at `pointer`; or with something in it, which no field of its own shows. */
  at: (pointer: string, isWhole?: boolean) => string | undefined
  /** What has no field of the form to stand at. */
  rest: (shown: readonly string[]) => string[]
}

interface Found {
  pointer: string
  detail: string
}

function foundIn(error: unknown): Found[] {
  if (!error) return []
  const fields = isProblem(error) ? (error.errors ?? []) : []
  if (fields.length === 0) return [{ pointer: '', detail: problemText(error) }]
  return fields.map((field) => ({ pointer: field.pointer ?? '', detail: sentence(field.detail) }))
}

const isAt = (found: Found, pointer: string) =>
  found.pointer === pointer || found.pointer.startsWith(`${pointer}/`)

/** `isOld` tells of which fields the service's word no longer counts, because they were changed since. */
export function fieldErrors(error: unknown, isOld: (pointer: string) => boolean = () => false): FieldErrors {
  const all = foundIn(error).filter((one) => !isOld(one.pointer))
  return {
    at: (pointer, isWhole = true) => {
      const here = all.filter((one) => (isWhole ? isAt(one, pointer) : one.pointer === pointer))
      return here.length > 0 ? here.map((one) => one.detail).join(' ') : undefined
    },
    rest: (shown) =>
      all.filter((one) => !shown.some((pointer) => isAt(one, pointer))).map((one) => one.detail),
  }
}
