/** What plans and instances show in the same way: where they come from, their targets, their next runs. */
import { Link } from '@tanstack/react-router'
import type { Plan, PlanTarget, Schemas } from '@/api/client'
import { exactTime, list, sentence, zonedTime } from '@/lib/format'
import { jobTone } from '@/lib/job'
import { retentionText } from '@/lib/retention'
import { originWord, planTargetWord } from '@/lib/words'
import { Empty } from '@/ui/card'
import { cn } from '@/ui/cn'
import { JobStatus, toneClass } from '@/ui/status'
import { Ago, When } from '@/ui/time'

type Origin = Schemas['Origin']

export function OriginBadge({ origin }: { origin: Origin }) {
  return (
    <span className="inline-flex items-center rounded border border-line px-1.5 text-muted text-xs leading-5">
      {originWord[origin]}
    </span>
  )
}

/** What a page is about, and where that is changed. */
export function OriginLine({ what, origin }: { what: string; origin: Origin }) {
  const where = origin === 'api' ? 'It is changed here.' : 'It is changed there, not here.'
  return (
    <>
      {what} {originWord[origin]}. {where}
    </>
  )
}

/** What is kept, in words; as it is written on hover. */
export function RetentionText({ rule }: { rule: string }) {
  return <span title={rule}>{retentionText(rule)}</span>
}

function about(target: PlanTarget): string {
  const parts = [
    planTargetWord[target.kind],
    target.db_kind ?? '',
    target.paths.length > 0 ? `only ${list(target.paths)}` : '',
    target.stop_attached === true ? 'its writers rest meanwhile' : '',
    target.has_pre_hook || target.has_post_hook ? 'with hooks' : '',
    target.exclude.length > 0 ? `without ${list(target.exclude)}` : '',
  ]
  return parts.filter(Boolean).join(', ')
}

export function PlanTargets({ targets }: { targets: readonly PlanTarget[] }) {
  if (targets.length === 0) {
    return (
      <Empty title="No targets">
        Name some in the configuration, or label volumes and containers with <code>mainstay.enable</code> and{' '}
        <code>mainstay.instance</code>.
      </Empty>
    )
  }
  return (
    <ul className="divide-y divide-line">
      {targets.map((target) => (
        <li
          key={`${target.kind} ${target.name}`}
          className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2.5"
        >
          <div className="min-w-0 flex-1 basis-48">
            <p className="font-medium [overflow-wrap:anywhere]">{target.name}</p>
            <p className="break-words text-muted text-xs">{about(target)}</p>
          </div>
          <OriginBadge origin={target.origin} />
        </li>
      ))}
    </ul>
  )
}

const here = Intl.DateTimeFormat().resolvedOptions().timeZone

/** When the next runs are, in the plan's own zone; where that is another one than the reader's, in both. */
export function NextRuns({ runs, zone }: { runs: readonly string[]; zone: string }) {
  if (runs.length === 0) return <Empty title="No next run">It runs only when somebody asks for it.</Empty>
  return (
    <>
      <ol className="divide-y divide-line">
        {runs.map((at) => (
          <li key={at} className="flex justify-between gap-4 px-4 py-2">
            <span>
              <time dateTime={at} title={exactTime(at)}>
                {zonedTime(at, zone)}
              </time>
              {zone !== here && (
                <span className="block text-muted text-xs">
                  <When at={at} /> for you
                </span>
              )}
            </span>
            <span className="text-muted">
              <Ago at={at} />
            </span>
          </li>
        ))}
      </ol>
      <p className="border-line border-t px-4 py-2 text-muted text-xs">In the zone of the plan, {zone}.</p>
    </>
  )
}

type Timed = Pick<Plan, 'enabled' | 'schedule' | 'schedule_text' | 'timezone' | 'next_run_at'>

/** When something runs, in words, with the zone in which that is read. */
export function ScheduleText({ plan }: { plan: Timed }) {
  if (!plan.schedule) return <>only on demand</>
  const words = `${plan.schedule_text ?? plan.schedule}, ${plan.timezone}`
  return <span title={plan.schedule}>{plan.enabled ? words : `${words} (switched off)`}</span>
}

/** The outcome of the newest job and the time of the last good backup. */
export function LastRun({ of }: { of: Pick<Plan, 'last_job' | 'last_success_at'> }) {
  const job = of.last_job
  return (
    <div className="flex flex-wrap gap-x-3 sm:block">
      <p>
        <span className="text-muted sm:hidden">Last good backup: </span>
        <Ago at={of.last_success_at} />
      </p>
      {job && job.state !== 'succeeded' && (
        <Link to="/jobs/$id" params={{ id: job.id }} className="relative underline-offset-4 hover:underline">
          <JobStatus state={job.state} />
        </Link>
      )}
    </div>
  )
}

/** Why the newest job did not simply succeed. */
export function LastTrouble({ of }: { of: Pick<Plan, 'last_job'> }) {
  const job = of.last_job
  if (!job?.error || job.state === 'cancelled') return null
  return (
    <p className={cn('mt-1 line-clamp-3 break-words text-xs', toneClass[jobTone[job.state]])}>
      {sentence(job.error)}
    </p>
  )
}

/** The names of the targets, the first few. */
export function targetNames(targets: readonly PlanTarget[]): string {
  return targets.length === 0 ? 'no targets' : list(targets.map((target) => target.name))
}

/** The next run as a cell of a list. */
export function NextRun({ plan }: { plan: Timed }) {
  return (
    <div className="min-w-0 max-sm:w-full">
      <p>
        <span className="text-muted sm:hidden">Next run: </span>
        <Ago at={plan.next_run_at} never="none" />
      </p>
      <p className="break-words text-muted text-xs">
        <ScheduleText plan={plan} />
      </p>
    </div>
  )
}
