import { afterEach, expect, it, vi } from 'vitest'
import { login, retryAfterSeconds } from './login'

const answer = (status: number, body: unknown = {}, headers: Record<string, string> = {}) =>
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => new Response(JSON.stringify(body), { status, headers })),
  )
afterEach(() => vi.unstubAllGlobals())

it('sends the header that another site cannot send', async () => {
  answer(200)
  await login('secret')
  const [, init] = vi.mocked(fetch).mock.calls[0] ?? []
  expect(new Headers(init?.headers).get('x-requested-with')).toBe('mainstay')
})

it('tells a wrong password from too many attempts and from a fault', async () => {
  answer(401)
  expect(await login('x')).toEqual({ outcome: 'wrong' })
  answer(429, {}, { 'retry-after': '10' })
  expect(await login('x')).toEqual({ outcome: 'wait', seconds: 10 })
  answer(500, { status: 500, code: 'internal', title: 'Internal', detail: 'the store is locked' })
  expect(await login('x')).toEqual({ outcome: 'failed', message: 'The store is locked' })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  expect(await login('x')).toMatchObject({ outcome: 'failed' })
})

it('reads both forms of Retry-After', () => {
  const now = Date.parse('2026-11-21T03:00:00Z')
  expect(retryAfterSeconds('7', now)).toBe(7)
  expect(retryAfterSeconds('0', now)).toBe(1)
  expect(retryAfterSeconds('Sat, 21 Nov 2026 03:00:12 GMT', now)).toBe(12)
  expect(retryAfterSeconds(null, now)).toBe(60)
  expect(retryAfterSeconds('soon', now)).toBe(60)
})
