/** The last days of a stack, one cell a day: how its last backup of that day came out. In the reader's zone. Pure. */
import type { Job, Plan } from '@/api/client'
import { count } from './format'
import { isFinal, type Tone } from './job'
import { jobStateWord } from './words'

export const STRIP_DAYS = 30
const DAY_MS = 86_400_000

export interface Cell {
  /** Noon of the day, in milliseconds: the same day in every zone's summer time. */
  day: number
  tone: Extract<Tone, 'ok' | 'warn' | 'bad' | 'none'>
  text: string
}

type StripJob = Pick<Job, 'kind' | 'state' | 'stack' | 'plan' | 'dry_run' | 'finished_at' | 'queued_at'>

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const noon = (ms: number) => new Date(ms).setHours(12, 0, 0, 0)

/** Noon of each of the last `days` days, the oldest first. */
function lastDays(now: number, days: number): number[] {
  const today = noon(now)
  return Array.from({ length: days }, (_, i) => noon(today - (days - 1 - i) * DAY_MS))
}

/** The stacks that a job captured: its own, or those among the targets of its plan. */
function stacksOf(job: StripJob, plans: ReadonlyMap<string, Pick<Plan, 'targets'>>): string[] {
  if (job.stack) return [job.stack]
  const targets = job.plan ? (plans.get(job.plan)?.targets ?? []) : []
  return targets.filter((target) => target.kind === 'stack').map((target) => target.name)
}

/** The jobs that count for a strip, by stack. */
export function jobsByStack<T extends StripJob>(
  jobs: readonly T[],
  plans: readonly Pick<Plan, 'id' | 'targets'>[],
): Map<string, T[]> {
  const byId = new Map(plans.map((plan) => [plan.id, plan]))
  const found = new Map<string, T[]>()
  for (const job of jobs) {
    if (job.kind !== 'backup' || job.dry_run || !isFinal(job.state)) continue
    for (const name of stacksOf(job, byId)) {
      const list = found.get(name)
      if (list) list.push(job)
      else found.set(name, [job])
    }
  }
  return found
}

const TONE = { succeeded: 'ok', partial: 'warn', failed: 'bad', interrupted: 'bad' } as const

/** One day: what its last job that came to an end says; a cancelled one says nothing. */
function cellOf(day: number, jobs: readonly StripJob[]): Cell {
  const name = dayFormat.format(day)
  const last = jobs.filter((job) => job.state in TONE).at(-1)
  if (!last) return { day, tone: 'none', text: `${name}: no backup` }
  const more = jobs.length > 1 ? `, ${count(jobs.length, 'job')}` : ''
  const tone = TONE[last.state as keyof typeof TONE]
  return { day, tone, text: `${name}: ${jobStateWord[last.state].toLowerCase()}${more}` }
}

/** The cells of the last days out of jobs in any order. */
export function stripOf(jobs: readonly StripJob[], now: number, days = STRIP_DAYS): Cell[] {
  const endOf = (job: StripJob) => Date.parse(job.finished_at ?? job.queued_at)
  const sorted = [...jobs].sort((a, b) => endOf(a) - endOf(b))
  return lastDays(now, days).map((day) =>
    cellOf(
      day,
      sorted.filter((job) => noon(endOf(job)) === day),
    ),
  )
}

/** The strip in words, for those who do not see it. */
export function stripText(cells: readonly Cell[]): string {
  const of = (tone: Cell['tone']) => cells.filter((cell) => cell.tone === tone).length
  const parts = [
    [of('ok'), 'good'],
    [of('warn'), 'partial'],
    [of('bad'), 'failed'],
    [of('none'), 'without a backup'],
  ] as const
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`)
  return `Last ${count(cells.length, 'day')}: ${said.join(', ')}`
}
