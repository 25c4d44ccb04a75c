/**
 * The one sentence at the top of the dashboard. It is judged by the worst that is known: a running job never hides a
 * failed one, and an unreachable engine comes before everything, because nothing else can then be known.
 */
import type { Job, Stack } from '@/api/client'
import { count, list } from './format'
import type { Tone } from './job'

export interface Verdict {
  tone: Tone
  title: string
  detail: string
}

export type VerdictStack = Pick<Stack, 'name' | 'protected'> & {
  last_job?: Pick<Job, 'state'> | null
}

/** Whether the last finished job of a stack left something to look after. */
export function isFailing(stack: VerdictStack): boolean {
  const state = stack.last_job?.state
  return state === 'failed' || state === 'partial' || state === 'interrupted'
}

export function verdict(input: { isReachable: boolean; stacks: readonly VerdictStack[] }): Verdict {
  const { isReachable, stacks } = input
  if (!isReachable) {
    return {
      tone: 'bad',
      title: 'Docker cannot be reached',
      detail: 'No stack can be backed up until it answers.',
    }
  }
  if (stacks.length === 0) {
    return {
      tone: 'none',
      title: 'No stacks found yet',
      detail: 'Mainstay looks again whenever Docker reports a change.',
    }
  }
  const failing = stacks.filter(isFailing)
  const bare = stacks.filter((stack) => !stack.protected && !isFailing(stack))
  const all = count(stacks.length, 'stack')
  const missing = bare.length > 0 ? `No good backup yet: ${list(bare.map((stack) => stack.name))}.` : ''
  if (failing.length > 0) {
    const verb = failing.length === 1 ? 'needs' : 'need'
    const names = `Last job not good: ${list(failing.map((stack) => stack.name))}.`
    return {
      tone: 'bad',
      title: `${failing.length} of ${all} ${verb} attention`,
      detail: [names, missing].filter(Boolean).join(' '),
    }
  }
  if (bare.length > 0) {
    const verb = bare.length === 1 ? 'has' : 'have'
    return { tone: 'warn', title: `${bare.length} of ${all} ${verb} no good backup`, detail: missing }
  }
  const title = stacks.length === 1 ? 'Your stack is protected' : `All ${all} are protected`
  return { tone: 'ok', title, detail: 'Every stack has a good backup.' }
}
