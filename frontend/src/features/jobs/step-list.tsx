import { Circle, CircleCheck, CircleMinus, CircleX, LoaderCircle } from 'lucide-react'
import type { Job, Step } from '@/api/client'
import { clockTime, duration, exactTime } from '@/lib/format'
import { useNow } from '@/lib/now'
import { stepStateWord, stepWord } from '@/lib/words'
import { cn } from '@/ui/cn'

const ICON = {
  pending: Circle,
  running: LoaderCircle,
  succeeded: CircleCheck,
  skipped: CircleMinus,
  failed: CircleX,
}
const TONE = {
  pending: 'text-muted',
  running: 'text-accent animate-spin',
  succeeded: 'text-ok',
  skipped: 'text-muted',
  failed: 'text-bad',
}

function took(step: Step, now: number): string {
  if (step.state === 'skipped' || step.state === 'pending' || !step.started_at)
    return stepStateWord[step.state]
  const end = step.finished_at ? Date.parse(step.finished_at) : now
  return duration(Math.max(0, end - Date.parse(step.started_at)))
}

/** The steps of a job in their order, with what each took. */
export function StepList({ job }: { job: Job }) {
  const isRunning = job.steps.some((step) => step.state === 'running')
  const now = useNow(isRunning ? 500 : null)
  return (
    <ol className="px-4 py-3">
      {job.steps.map((step) => {
        const Icon = ICON[step.state]
        return (
          <li
            key={step.name}
            aria-current={step.state === 'running' ? 'step' : undefined}
            data-step={step.name}
            data-state={step.state}
            className="grid grid-cols-[1.25rem_minmax(0,1fr)_auto] gap-x-2.5 py-1.5"
          >
            <Icon className={cn('mt-0.5 size-4', TONE[step.state])} aria-hidden />
            <div className="min-w-0">
              <p
                className={cn(
                  step.state === 'running' && 'font-semibold',
                  step.state === 'pending' && 'text-muted',
                )}
              >
                {stepWord[step.name]}
                <span className="sr-only">: {stepStateWord[step.state]}</span>
              </p>
              {step.detail && (
                <p className={cn('break-words text-xs', step.state === 'failed' ? 'text-bad' : 'text-muted')}>
                  {step.detail}
                </p>
              )}
            </div>
            <div className="text-right text-muted text-xs tabular-nums">
              <p>{took(step, now)}</p>
              {step.started_at && step.state !== 'skipped' && (
                <time dateTime={step.started_at} title={exactTime(step.started_at)}>
                  {clockTime(step.started_at)}
                </time>
              )}
            </div>
          </li>
        )
      })}
    </ol>
  )
}
