/** Signs in and out. Written with `fetch`, because a refusal's `Retry-After` header is needed. */
import { WRITE_HEADER } from '@/api/client'
import { problemText } from '@/api/problem'

export type LoginAnswer =
  | { outcome: 'ok' }
  | { outcome: 'wrong' }
  | { outcome: 'wait'; seconds: number }
  | { outcome: 'failed'; message: string }

/** Seconds to wait as a `Retry-After` header tells them: a number or a date. At least one. */
export function retryAfterSeconds(header: string | null, now: number): number {
  const seconds = Number(header)
  if (header && Number.isFinite(seconds)) return Math.max(1, Math.ceil(seconds))
  const at = Date.parse(header ?? '')
  return Number.isNaN(at) ? 60 : Math.max(1, Math.ceil((at - now) / 1_000))
}

export async function login(password: string): Promise<LoginAnswer> {
  try {
    const answer = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...WRITE_HEADER },
      body: JSON.stringify({ password }),
    })
    if (answer.ok) return { outcome: 'ok' }
    if (answer.status === 401) return { outcome: 'wrong' }
    if (answer.status === 429) {
      return { outcome: 'wait', seconds: retryAfterSeconds(answer.headers.get('retry-after'), Date.now()) }
    }
    return { outcome: 'failed', message: problemText(await answer.json().catch(() => null)) }
  } catch (error) {
    return { outcome: 'failed', message: problemText(error) }
  }
}
