/**
 * The one sentence at the top of the overview: how much is protected, what went wrong, what comes next. It is judged by
 * the worst that is known: a running job never hides a failed one, and an unreachable engine comes before everything,
 * because nothing else can then be known. Pure.
 */
import type { Schemas } from '@/api/client'
import { type Attention, type AttentionStack, troubleOf } from './attention'
import { count, list } from './format'
import type { Tone } from './job'
import { nextWord, pastWord } from './when'

export interface Verdict {
  tone: Tone
  title: string
  detail: string
}

export interface Known {
  now: number
  isReachable: boolean
  stacks: readonly AttentionStack[]
  found: readonly Attention[]
  nextRun: Pick<Schemas['NextRun'], 'at'> | undefined
}

/** Whether the last finished job of a stack left something to look after. */
export function isFailing(stack: { last_job?: Pick<Schemas['Job'], 'state'> | null }): boolean {
  return troubleOf(stack.last_job) !== null
}

const toneOf = (found: readonly Attention[]): Tone =>
  found.some((one) => one.tone === 'bad') ? 'bad' : found.length > 0 ? 'warn' : 'ok'

function protection(stacks: readonly AttentionStack[]): string {
  const safe = stacks.filter((stack) => stack.protected).length
  if (stacks.length === 1) return safe === 1 ? 'Your stack is protected' : 'Your stack is not protected yet'
  if (safe === stacks.length) return `All ${count(safe, 'stack')} protected`
  return `${safe} of ${count(stacks.length, 'stack')} protected`
}

/** `blog failed last night`, or how many did. */
function trouble(stacks: readonly AttentionStack[], now: number): string {
  const failing = stacks.filter(isFailing)
  const [only] = failing
  if (!only?.last_job) return ''
  if (failing.length > 1) return `${list(failing.map((stack) => stack.name))} need attention`
  return `${only.name} ${troubleOf(only.last_job)} ${pastWord(only.last_job.finished_at ?? only.last_job.queued_at, now)}`
}

export function verdict({ now, isReachable, stacks, found, nextRun }: Known): Verdict {
  const next = nextRun ? `next run ${nextWord(nextRun.at, now)}` : ''
  if (!isReachable) {
    return {
      tone: 'bad',
      title: 'Docker cannot be reached',
      detail: 'No stack can be backed up until it answers.',
    }
  }
  if (stacks.length === 0) {
    return {
      tone: found.length > 0 ? toneOf(found) : 'none',
      title: ['No stacks found yet', next].filter(Boolean).join('; '),
      detail: 'Mainstay looks again whenever Docker reports a change.',
    }
  }
  const failed = trouble(stacks, now)
  const others = found.length - (failed ? 1 : 0)
  const more = !failed && others > 0 ? `${count(others, 'thing')} to look at` : ''
  return {
    tone: toneOf(found),
    title: [protection(stacks), failed, more, next].filter(Boolean).join('; '),
    detail: found.length === 0 ? 'Nothing needs you.' : 'What to look at first is below.',
  }
}
