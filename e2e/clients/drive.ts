// Drives a service through types that were generated from the document: sign in, back up, follow, list.
// MAINSTAY_E2E_URL, MAINSTAY_E2E_PASSWORD and MAINSTAY_E2E_STACK say where; `schema.d.ts` lies beside this file.
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type LogLine = components['schemas']['LogLine']

const setting = (name: string): string => process.env[name] ?? assert.fail(`${name} is not set`)
const baseUrl = setting('MAINSTAY_E2E_URL')
const stack = setting('MAINSTAY_E2E_STACK')

const anonymous = createClient<paths>({ baseUrl })
const { data: session } = await anonymous.POST('/api/v1/auth/login', {
  body: { password: setting('MAINSTAY_E2E_PASSWORD') },
})
assert.ok(session, 'no session')
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${session.token}` } })

const { data: job, response } = await api.POST('/api/v1/stacks/{name}/backup', {
  params: { path: { name: stack } },
  body: {},
})
assert.ok(job, `no job: ${response.status}`)
assert.equal(response.headers.get('location'), `/api/v1/jobs/${job.id}`)

const { data: stream } = await api.GET('/api/v1/jobs/{id}/log/stream', {
  params: { path: { id: job.id } },
  parseAs: 'text',
})
assert.ok(stream, 'no stream')
const blocks = stream.split('\n\n').filter((block) => block.includes('event: '))
const field = (block: string, name: string) =>
  block
    .split('\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2)
const lines = blocks
  .filter((block) => field(block, 'event') === 'log')
  .flatMap((block): LogLine[] => JSON.parse(field(block, 'data') ?? '[]'))
lines.forEach((line, index) => {
  assert.equal(line.n, (lines[0]?.n ?? 0) + index, 'a gap in the log')
})
assert.equal(field(blocks.at(-1) ?? '', 'event'), 'end')

const { data: ended } = await api.GET('/api/v1/jobs/{id}', { params: { path: { id: job.id } } })
assert.equal(ended?.state, 'succeeded')
const { data: snapshots } = await api.GET('/api/v1/snapshots', { params: { query: { stack } } })
assert.ok(snapshots?.items.some((snapshot) => snapshot.id === ended?.snapshot_id), 'the snapshot is not in the list')

const { error } = await api.GET('/api/v1/stacks/{name}', { params: { path: { name: 'no-such-stack' } } })
assert.equal(error?.code, 'stack_not_found')
console.log(`${lines.length} lines, snapshot ${ended?.snapshot_id}`)
