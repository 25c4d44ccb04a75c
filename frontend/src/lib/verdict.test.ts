import { expect, it } from 'vitest'
import { type VerdictStack, verdict } from './verdict'

const stack = (name: string, over: Partial<VerdictStack> = {}): VerdictStack => ({
  name,
  protected: true,
  last_job: { state: 'succeeded' },
  ...over,
})
const judge = (...stacks: VerdictStack[]) => verdict({ isReachable: true, stacks })

it('says first that Docker cannot be reached', () => {
  const said = verdict({ isReachable: false, stacks: [stack('a', { last_job: { state: 'failed' } })] })
  expect(said).toMatchObject({ tone: 'bad', title: 'Docker cannot be reached' })
})

it('says when there is nothing to protect', () => {
  expect(judge()).toMatchObject({ tone: 'none', title: 'No stacks found yet' })
})

it('says that all is well only when it is', () => {
  expect(judge(stack('a'))).toMatchObject({ tone: 'ok', title: 'Your stack is protected' })
  expect(judge(stack('a'), stack('b'))).toMatchObject({ tone: 'ok', title: 'All 2 stacks are protected' })
})

it.each(['failed', 'partial', 'interrupted'] as const)('a job that is %s needs attention', (state) => {
  const said = judge(stack('a'), stack('b', { last_job: { state } }))
  expect(said).toMatchObject({ tone: 'bad', title: '1 of 2 stacks needs attention' })
  expect(said.detail).toContain('b')
})

it('tells of stacks without a good backup, also beside failing ones', () => {
  const bare = stack('new', { protected: false, last_job: null })
  expect(judge(stack('a'), bare)).toMatchObject({ tone: 'warn', title: '1 of 2 stacks has no good backup' })
  const said = judge(
    stack('a', { last_job: { state: 'failed' } }),
    stack('b', { last_job: { state: 'failed' } }),
    bare,
  )
  expect(said.title).toBe('2 of 3 stacks need attention')
  expect(said.detail).toContain('new')
})

it('does not call a cancelled or running job a failure', () => {
  expect(
    judge(stack('a', { last_job: { state: 'cancelled' } }), stack('b', { last_job: { state: 'running' } }))
      .tone,
  ).toBe('ok')
})
