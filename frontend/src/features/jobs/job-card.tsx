import { Link } from '@tanstack/react-router'
import type { Job } from '@/api/client'
import { jobTitle, leftText, phaseText, progressText } from '@/lib/job'
import { useNow } from '@/lib/now'
import { triggerWord } from '@/lib/words'
import { ProgressBar } from '@/ui/progress'
import { JobStatus } from '@/ui/status'
import { Ago } from '@/ui/time'
import { CancelJob } from './actions'
import { StopClock } from './stop-clock'

/** What is read at the moment, without the archive's top directory, which is the same for everything in it. */
function currentName(path: string | null | undefined): string | undefined {
  return path?.replace(/^[^/]+\//, '')
}

/** How far a job is: what it does, a bar, the amounts. */
export function JobProgress({ job }: { job: Job }) {
  const fraction = job.state === 'queued' ? 0 : (job.progress.fraction ?? null)
  const left = leftText(job, useNow(job.state === 'running' ? 1_000 : null))
  return (
    <div className="space-y-1.5">
      <p className="flex min-h-7 flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <span>{phaseText(job)}</span>
        <span className="text-muted tabular-nums">
          {fraction !== null && job.state === 'running' && `${Math.floor(fraction * 100)} %`}
          {left && `, ${left}`}
        </span>
      </p>
      <ProgressBar fraction={fraction} label={`Progress of ${jobTitle(job)}`} />
      <p className="flex min-h-4 justify-between gap-4 text-muted text-xs tabular-nums">
        <span className="shrink-0">{progressText(job)}</span>
        <span className="min-w-0 truncate font-mono">{currentName(job.progress.current)}</span>
      </p>
    </div>
  )
}

/** A job at work, for the overview. */
export function JobCard({ job }: { job: Job }) {
  return (
    <article aria-label={jobTitle(job)} className="min-w-0 rounded-xl border border-accent/40 bg-panel p-4">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <h3 className="break-words font-semibold">
            <Link to="/jobs/$id" params={{ id: job.id }} className="underline-offset-4 hover:underline">
              {jobTitle(job)}
            </Link>
          </h3>
          <p className="text-muted text-xs">
            {triggerWord[job.trigger]}, <Ago at={job.started_at ?? job.queued_at} />
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-3">
          <JobStatus state={job.state} />
          <CancelJob job={job} size="sm" />
        </div>
      </div>
      <div className="mt-2">
        <JobProgress job={job} />
      </div>
      <div className="mt-2 min-h-7">
        <StopClock job={job} />
      </div>
    </article>
  )
}
