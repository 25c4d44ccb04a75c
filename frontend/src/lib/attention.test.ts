import { describe, expect, it } from 'vitest'
import { type AttentionPlan, attention, type Facts, isOverdue } from './attention'

const now = new Date(2026, 10, 28, 9, 30).getTime()
const hours = (n: number) => new Date(now + n * 3_600_000).toISOString()
const last = (state: 'failed' | 'partial' | 'succeeded', error: string | null = null) => ({
  id: `job_${state}`,
  state,
  error,
  queued_at: hours(-7.5),
  finished_at: hours(-7.4),
})
const stack = (name: string, over: Partial<Facts['stacks'][number]> = {}) => ({
  name,
  protected: true,
  last_success_at: hours(-31),
  last_job: last('succeeded'),
  ...over,
})
const plan = (id: string, over: Partial<AttentionPlan> = {}): AttentionPlan => ({
  id,
  enabled: true,
  schedule: '0 2 * * *',
  next_runs: [hours(16.5), hours(40.5), hours(64.5)],
  last_success_at: hours(-7.5),
  targets: [],
  backrest: null,
  last_job: null,
  ...over,
})
const facts = (over: Partial<Facts> = {}): Facts => ({
  now,
  stacks: [],
  plans: [],
  atRest: [],
  disk: { path: '/opt/backups', free_bytes: 2e12 },
  snapshots: [],
  ...over,
})

describe('attention', () => {
  it('finds nothing where all is well', () => {
    expect(attention(facts({ stacks: [stack('wiki')], plans: [plan('nas')] }))).toEqual([])
  })

  it('says what failed, when and why, and offers the job and another try', () => {
    const [one] = attention(facts({ stacks: [stack('blog', { last_job: last('failed', 'no space left') })] }))
    expect(one).toMatchObject({ tone: 'bad', title: 'blog failed last night', reason: 'No space left' })
    expect(one?.remedies).toEqual([
      { act: 'open_job', job: 'job_failed' },
      { act: 'back_up', stack: 'blog' },
    ])
  })

  it('puts what failed before what is only doubtful', () => {
    const found = attention(
      facts({
        stacks: [
          stack('bare', { protected: false, last_success_at: null, last_job: null }),
          stack('half', { last_job: last('partial') }),
          stack('blog', { last_job: last('failed') }),
        ],
      }),
    )
    expect(found.map((one) => one.title)).toEqual([
      'blog failed last night',
      'bare has no good backup',
      'half was only partial last night',
    ])
  })

  it('puts containers that stayed down before everything', () => {
    const atRest = [
      { container: 'blog-db-1', stack: 'blog', state: 'failed' as const, message: 'the port is taken' },
      { container: 'blog-web-1', stack: 'blog', state: 'held' as const, message: null },
    ]
    const [one] = attention(facts({ atRest, stacks: [stack('blog', { last_job: last('failed') })] }))
    expect(one).toMatchObject({ title: 'blog-db-1 is still stopped', reason: 'The port is taken' })
  })

  it('tells of a snapshot that was found damaged, and not of one that is gone', () => {
    const damaged = {
      id: 'snap_1',
      stack: 'blog',
      plan: null,
      instance: null,
      created_at: hours(-7.5),
      removed_at: null,
      damage: { at: hours(-1), reason: 'the archive is cut short' },
    }
    const [one] = attention(facts({ snapshots: [damaged] }))
    expect(one).toMatchObject({
      title: 'A snapshot of blog, taken last night, is damaged',
      reason: 'The archive is cut short',
    })
    expect(attention(facts({ snapshots: [{ ...damaged, removed_at: hours(0) }] }))).toEqual([])
    expect(attention(facts({ snapshots: [{ ...damaged, damage: null }] }))).toEqual([])
  })

  it('warns of a disk that is nearly full, and not of one that cannot be measured', () => {
    const disk = { path: '/opt/backups', free_bytes: 300 * 1024 ** 2 }
    expect(attention(facts({ disk }))[0]?.title).toBe('Only 300 MiB free for backups')
    expect(attention(facts({ disk: { ...disk, free_bytes: null } }))).toEqual([])
  })
})

it('tells of a plan that Backrest has otherwise than its labels want it', () => {
  const backrest = { in_step: false, differences: ['the schedule differs'] }
  expect(attention(facts({ plans: [plan('blog-db', { backrest })] }))[0]).toMatchObject({
    tone: 'warn',
    title: 'Plan blog-db is not in step with Backrest',
    reason: 'The schedule differs',
  })
})

describe('isOverdue', () => {
  it.each([
    ['ran last night', {}, false],
    ['missed a night, within the grace', { last_success_at: hours(-26.5) }, false],
    ['missed a night', { last_success_at: hours(-31.5) }, true],
    ['is switched off', { last_success_at: hours(-310), enabled: false }, false],
    ['runs on demand', { last_success_at: hours(-310), schedule: null, next_runs: [] }, false],
    ['never succeeded: said by its last job', { last_success_at: null }, false],
    ['is weekly', { last_success_at: hours(-100), next_runs: [hours(68), hours(236)] }, false],
  ])('a plan that %s', (_, over, expected) => expect(isOverdue(plan('nas', over), now)).toBe(expected))
})
