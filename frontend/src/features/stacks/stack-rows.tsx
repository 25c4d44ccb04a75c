import { Link } from '@tanstack/react-router'
import { CircleAlert, CirclePlay } from 'lucide-react'
import { memo, useMemo } from 'react'
import type { Stack } from '@/api/client'
import { type PastJob, useHistory } from '@/features/jobs/history'
import { usePlans } from '@/features/plans/use-plans'
import { count, sentence } from '@/lib/format'
import { jobTone } from '@/lib/job'
import { useNow } from '@/lib/now'
import type { Ticked } from '@/lib/selection'
import { jobsByStack, stripOf } from '@/lib/strip'
import { isFailing } from '@/lib/verdict'
import { Checkbox } from '@/ui/checkbox'
import { cn } from '@/ui/cn'
import { JobStatus, StackStatus, Status, toneClass } from '@/ui/status'
import { Strip } from '@/ui/strip'
import { Ago } from '@/ui/time'
import { RestoreLink } from './restore-link'

function SkipStop() {
  return (
    <span className="inline-flex items-center gap-1 rounded border border-line px-1.5 text-muted text-xs leading-5">
      <CirclePlay className="size-3.5 shrink-0" aria-hidden /> captured without a stop
    </span>
  )
}

function WarningList({ warnings }: { warnings: readonly string[] }) {
  return (
    <ul className="mt-1 space-y-0.5">
      {warnings.map((warning) => (
        <li key={warning} className="flex items-start gap-1.5 text-warn text-xs">
          <CircleAlert className="mt-px size-3.5 shrink-0" aria-hidden />
          <span className="min-w-0 break-words">{sentence(warning)}</span>
        </li>
      ))}
    </ul>
  )
}

/** Many more than this push aside what they are about. */
const WARNINGS_SHOWN = 5

/** Doubts about a stack, a plan or all of them, in sentences; the first few, and the others on request. */
export function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null
  // One more is not worth a line that says so.
  const shown = warnings.length > WARNINGS_SHOWN + 1 ? WARNINGS_SHOWN : warnings.length
  const rest = warnings.slice(shown)
  return (
    <>
      <WarningList warnings={warnings.slice(0, shown)} />
      {rest.length > 0 && (
        <details className="mt-1 text-warn text-xs">
          <summary className="cursor-pointer py-1 font-medium">{count(rest.length, 'more warning')}</summary>
          <WarningList warnings={rest} />
        </details>
      )}
    </>
  )
}

/** Whether it is safe, since when, and what the last job says when it did not end well. */
function Protection({ stack }: { stack: Stack }) {
  const job = stack.last_job
  return (
    <div className="flex flex-wrap gap-x-3 sm:block">
      <p>
        {stack.protected ? <Status tone="ok">Protected</Status> : <Status tone="warn">Not protected</Status>}
      </p>
      <p className="text-muted text-xs max-sm:leading-5">
        <Ago at={stack.last_success_at} never="never backed up" />
      </p>
      {job && job.state !== 'succeeded' && (
        <Link to="/jobs/$id" params={{ id: job.id }} className="relative underline-offset-4 hover:underline">
          <JobStatus state={job.state} />
        </Link>
      )}
    </div>
  )
}

/** The last month of a stack; a place of the same height while it is not known. */
function Month({ jobs }: { jobs: readonly PastJob[] | undefined }) {
  const day = new Date(useNow(600_000)).setHours(23, 59, 59, 0)
  const cells = useMemo(() => jobs && stripOf(jobs, day), [jobs, day])
  return <div className="h-[22px] max-sm:w-full">{cells && <Strip cells={cells} />}</div>
}

const COLUMNS =
  'sm:grid sm:gap-x-6 sm:grid-cols-[minmax(0,1fr)_7rem_8.5rem_6.5rem] lg:grid-cols-[minmax(0,1fr)_180px_7rem_8.5rem_6.5rem]'

function Facts({ stack, past }: { stack: Stack; past: readonly PastJob[] | undefined }) {
  return (
    <div className={`flex min-w-0 flex-1 flex-wrap items-start gap-x-4 gap-y-1.5 ${COLUMNS}`}>
      <div className="min-w-0 max-sm:w-full">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Link
            to="/stacks/$name"
            params={{ name: stack.name }}
            className="break-all font-medium underline-offset-4 hover:underline"
          >
            {stack.name}
          </Link>
          {stack.skip_stop && <SkipStop />}
        </p>
        <p className="text-muted text-xs">
          {count(stack.services.length, 'service')}, {count(stack.volumes.length, 'volume')}
        </p>
        {isFailing(stack) && stack.last_job?.error && (
          <p
            className={cn('mt-1 line-clamp-3 break-words text-xs', toneClass[jobTone[stack.last_job.state]])}
          >
            {sentence(stack.last_job.error)}
          </p>
        )}
        <Warnings warnings={stack.warnings} />
      </div>
      <div className="max-sm:w-full sm:max-lg:col-span-4 sm:max-lg:row-start-2 lg:pt-0.5">
        <Month jobs={past} />
      </div>
      <StackStatus state={stack.state} />
      <Protection stack={stack} />
      <div className="max-sm:w-full sm:text-right">
        <RestoreLink stack={stack} size="sm" />
      </div>
    </div>
  )
}

interface RowProps {
  stack: Stack
  past: readonly PastJob[] | undefined
  isTicked: boolean
  onToggle: (name: string) => void
}

/** Drawn again only when something of it changes: there may be hundreds. */
const Row = memo(function Row({ stack, past, isTicked, onToggle }: RowProps) {
  return (
    <li
      data-stack={stack.name}
      className="flex items-start gap-3 px-4 py-3 [contain-intrinsic-size:auto_4rem] [content-visibility:auto]"
    >
      <Checkbox
        state={isTicked ? 'all' : 'none'}
        label={`Select ${stack.name}`}
        onToggle={() => onToggle(stack.name)}
      />
      <Facts stack={stack} past={past} />
    </li>
  )
})

const NONE: readonly PastJob[] = []

/** Stacks as a list that reads the same on every width; on wide screens its columns line up. */
export function StackRows({
  stacks,
  ticked,
  onToggle,
}: {
  stacks: readonly Stack[]
  ticked: Ticked
  /** The same function every time, so that rows need not be drawn again. */
  onToggle: (name: string) => void
}) {
  const history = useHistory().data
  const plans = usePlans().data?.items
  const byStack = useMemo(() => history && jobsByStack(history, plans ?? []), [history, plans])
  return (
    <ul className="divide-y divide-line">
      {stacks.map((stack) => (
        <Row
          key={stack.name}
          stack={stack}
          past={byStack && (byStack.get(stack.name) ?? NONE)}
          isTicked={ticked.has(stack.name)}
          onToggle={onToggle}
        />
      ))}
    </ul>
  )
}

/** The names of the columns, for those who see them; each row says everything in words. */
export function StackColumns() {
  return (
    <div aria-hidden className="flex gap-3 border-line border-b px-4 py-2 text-muted text-xs max-sm:hidden">
      <span className="-mx-2 w-10" />
      <div className={`flex-1 ${COLUMNS}`}>
        <span>Stack</span>
        <span className="max-lg:hidden">Last 30 days</span>
        <span>State</span>
        <span>Protection</span>
        <span />
      </div>
    </div>
  )
}
