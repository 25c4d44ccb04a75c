import { describe, expect, it } from 'vitest'
import type { Attention, AttentionStack } from './attention'
import { isFailing, type Known, verdict } from './verdict'

const now = new Date(2026, 10, 28, 9, 30).getTime()
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString()
const stack = (
  name: string,
  state: 'succeeded' | 'failed' | 'partial',
  isProtected = true,
): AttentionStack => ({
  name,
  protected: isProtected,
  last_success_at: at(28, 2),
  last_job: { id: `job_${name}`, state, error: null, queued_at: at(28, 2), finished_at: at(28, 2) },
})
const entry = (tone: Attention['tone']): Attention => ({
  key: tone,
  tone,
  title: '',
  reason: '',
  remedies: [],
})
const known = (over: Partial<Known>): Known => ({
  now,
  isReachable: true,
  stacks: [stack('blog', 'succeeded'), stack('wiki', 'succeeded')],
  found: [],
  nextRun: { at: at(29, 2) },
  ...over,
})

describe('verdict', () => {
  it('is one sentence when all is well', () => {
    expect(verdict(known({}))).toMatchObject({ tone: 'ok', title: 'All 2 stacks protected; next run 02:00' })
  })

  it('names what failed and when', () => {
    const stacks = [stack('blog', 'failed'), stack('wiki', 'succeeded'), stack('shop', 'succeeded', false)]
    expect(verdict(known({ stacks, found: [entry('bad'), entry('warn')] }))).toMatchObject({
      tone: 'bad',
      title: '2 of 3 stacks protected; blog failed last night; next run 02:00',
    })
  })

  it('names several that failed', () => {
    const stacks = [stack('blog', 'failed'), stack('wiki', 'partial')]
    expect(verdict(known({ stacks, found: [entry('bad'), entry('warn')] })).title).toBe(
      'All 2 stacks protected; blog and wiki need attention; next run 02:00',
    )
  })

  it('does not call it well when only a plan is in trouble', () => {
    expect(verdict(known({ found: [entry('warn')], nextRun: undefined }))).toMatchObject({
      tone: 'warn',
      title: 'All 2 stacks protected; 1 thing to look at',
    })
  })

  it('puts an engine that cannot be reached before everything', () => {
    expect(verdict(known({ isReachable: false, stacks: [stack('blog', 'failed')] })).title).toBe(
      'Docker cannot be reached',
    )
  })

  it('says that there are no stacks', () => {
    expect(verdict(known({ stacks: [], nextRun: undefined }))).toMatchObject({
      tone: 'none',
      title: 'No stacks found yet',
    })
  })
})

describe('isFailing', () => {
  it.each([
    ['failed', true],
    ['partial', true],
    ['succeeded', false],
  ] as const)('%s: %s', (state, expected) => expect(isFailing(stack('blog', state))).toBe(expected))

  it('knows of no job', () => expect(isFailing({ last_job: null })).toBe(false))
})
