import { describe, expect, it } from 'vitest'
import type { Job, Step, StepName } from '@/api/client'
import { jobMs, jobTitle, leftText, phaseText, progressText, stoppedSince } from './job'

const AT = '2026-11-21T03:00:00.000Z'
const step = (name: StepName, state: Step['state']): Step => ({
  name,
  state,
  started_at: AT,
  finished_at: null,
  detail: null,
})
const progress: Job['progress'] = {
  phase: null,
  fraction: null,
  bytes_done: 0,
  bytes_total: null,
  files_done: 0,
  current: null,
}

describe('stoppedSince', () => {
  it.each([
    ['before the stop', [step('quiesce', 'pending'), step('resume', 'pending')], null],
    ['while stopping', [step('quiesce', 'running'), step('resume', 'pending')], AT],
    ['while capturing', [step('quiesce', 'succeeded'), step('resume', 'pending')], AT],
    ['while starting', [step('quiesce', 'succeeded'), step('resume', 'running')], AT],
    ['when the start failed', [step('quiesce', 'succeeded'), step('resume', 'failed')], AT],
    ['after the start', [step('quiesce', 'succeeded'), step('resume', 'succeeded')], null],
    ['without a stop', [step('quiesce', 'skipped'), step('resume', 'skipped')], null],
    ['without steps', [], null],
  ])('%s', (_, steps, since) => expect(stoppedSince({ state: 'running', steps })).toBe(since))

  it('is over when the job is over', () => {
    expect(stoppedSince({ state: 'failed', steps: [step('quiesce', 'succeeded')] })).toBeNull()
  })
})

it('says what a job does now', () => {
  expect(phaseText({ state: 'queued', progress, steps: [] })).toBe('Waiting for its turn')
  expect(phaseText({ state: 'running', progress, steps: [step('capture', 'running')] })).toBe(
    'Capturing the data',
  )
  expect(phaseText({ state: 'running', progress: { ...progress, phase: 'verify' }, steps: [] })).toBe(
    'Verifying what was stored',
  )
})

it('invents no totals', () => {
  expect(progressText({ progress })).toBe('')
  expect(progressText({ progress: { ...progress, bytes_done: 2048, files_done: 1 } })).toBe('2.0 KiB, 1 file')
  expect(
    progressText({ progress: { ...progress, bytes_done: 2048, bytes_total: 4096, files_done: 3 } }),
  ).toBe('2.0 KiB of 4.0 KiB, 3 files')
})

describe('leftText', () => {
  const job = (fraction: number | null) => ({
    state: 'running' as const,
    progress: { ...progress, fraction },
    steps: [step('capture', 'running')],
  })
  const after = (seconds: number) => Date.parse(AT) + seconds * 1_000
  it.each([
    ['the rate so far', job(0.25), 20, 'about 1 min 00 s left'],
    ['whole seconds', job(0.5), 12.4, 'about 12 s left'],
    ['nothing in the first moments', job(0.5), 9, ''],
    ['nothing of the first bytes', job(0.04), 60, ''],
    ['nothing without a total', job(null), 60, ''],
    ['nothing at the end', job(1), 60, ''],
  ])('tells %s', (_, of, seconds, text) => expect(leftText(of, after(seconds))).toBe(text))
})

it('names a job by what it works on', () => {
  expect(jobTitle({ kind: 'backup', stack: 'blog', instance: null })).toBe('Backup of blog')
  expect(jobTitle({ kind: 'reconcile', stack: null, instance: null })).toBe('Reconcile')
  expect(jobTitle({ kind: 'backup', stack: 'blog', instance: null, dry_run: true })).toBe(
    'Backup of blog (dry run)',
  )
})

it('measures a job that still works up to now', () => {
  const now = Date.parse(AT) + 5_000
  expect(jobMs({ started_at: null, finished_at: null }, now)).toBeNull()
  expect(jobMs({ started_at: AT, finished_at: null }, now)).toBe(5_000)
  expect(jobMs({ started_at: AT, finished_at: '2026-11-21T03:00:01.000Z' }, now)).toBe(1_000)
})
