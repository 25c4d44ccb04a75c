import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Job } from '@/api/client'
import { aJob } from '../../../test/samples'
import { JobApplier, Refresher } from './apply'

let client: QueryClient
let jobs: JobApplier
beforeEach(() => {
  vi.useFakeTimers()
  client = new QueryClient()
  jobs = new JobApplier(client, new Refresher(client))
})
afterEach(() => {
  client.clear()
  vi.useRealTimers()
})

const one = (id: string) => ['get', '/api/v1/jobs/{id}', { params: { path: { id } } }]

it('puts a changed job where it is shown, in pages and alone', () => {
  const before = aJob({ id: 'job_1', state: 'queued' })
  const other = aJob({ id: 'job_2' })
  client.setQueryData(['get', '/api/v1/jobs', {}], { items: [before, other], next_cursor: null })
  client.setQueryData(['get', '/api/v1/jobs', {}, 'more'], {
    pages: [{ items: [before] }],
    pageParams: [null],
  })
  client.setQueryData(one('job_1'), before)
  client.setQueryData(one('job_2'), other)
  const after = aJob({ id: 'job_1', state: 'running' })
  jobs.apply(after)
  expect(client.getQueryData<{ items: Job[] }>(['get', '/api/v1/jobs', {}])?.items).toEqual([after, other])
  expect(
    client.getQueryData<{ pages: { items: Job[] }[] }>(['get', '/api/v1/jobs', {}, 'more'])?.pages[0]?.items,
  ).toEqual([after])
  expect(client.getQueryData(one('job_1'))).toEqual(after)
  expect(client.getQueryData(one('job_2'))).toEqual(other)
})

it('moves the progress of one job and of no other', () => {
  client.setQueryData(['get', '/api/v1/jobs', {}], {
    items: [aJob({ id: 'a' }), aJob({ id: 'b' })],
    next_cursor: null,
  })
  client.setQueryData(one('a'), aJob({ id: 'a' }))
  const progress = { ...aJob().progress, fraction: 0.5 }
  jobs.progress('a', progress)
  const items = client.getQueryData<{ items: Job[] }>(['get', '/api/v1/jobs', {}])?.items
  expect(items?.map((job) => job.progress.fraction)).toEqual([0.5, null])
  expect(client.getQueryData<Job>(one('a'))?.progress).toEqual(progress)
})

it('says that a job ended only when it was seen at work', () => {
  expect(jobs.apply(aJob({ id: 'old', state: 'succeeded' }))).toBe(false)
  expect(jobs.apply(aJob({ id: 'new', state: 'running' }))).toBe(false)
  expect(jobs.apply(aJob({ id: 'new', state: 'failed' }))).toBe(true)
  expect(jobs.apply(aJob({ id: 'new', state: 'failed' }))).toBe(false)
})

it('fetches again what depends on a state, once for many events, and not for mere progress', () => {
  const invalidate = vi.spyOn(client, 'invalidateQueries')
  for (let i = 0; i < 20; i += 1) jobs.apply(aJob({ id: 'a', state: 'running' }))
  vi.advanceTimersByTime(1_000)
  const first = invalidate.mock.calls.length
  expect(first).toBeGreaterThan(0)
  for (let i = 0; i < 20; i += 1) jobs.apply(aJob({ id: 'a', state: 'running' }))
  vi.advanceTimersByTime(1_000)
  expect(invalidate.mock.calls.length).toBe(first)
})
