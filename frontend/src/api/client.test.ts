// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest'
import { http } from './client'
import { problemStatus, problemText } from './problem'

afterEach(() => vi.unstubAllGlobals())

it.each(['', '<h1>Bad Gateway</h1>'])('takes what a proxy answers for a failure: %j', async (body) => {
  vi.stubGlobal('fetch', async () => new Response(body, { status: 502 }))
  const { data, error } = await http.GET('/api/v1/status')
  expect(data).toBeUndefined()
  expect(problemStatus(error)).toBe(502)
  expect(problemText(error)).toContain('cannot be reached')
})
