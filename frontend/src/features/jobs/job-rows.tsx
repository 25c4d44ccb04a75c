import { Link } from '@tanstack/react-router'
import type { Job } from '@/api/client'
import { bytes, duration, sentence } from '@/lib/format'
import { isFinal, jobMs, jobTitle, jobTone, phaseText } from '@/lib/job'
import { useNow } from '@/lib/now'
import { cn } from '@/ui/cn'
import { JobStatus, toneClass } from '@/ui/status'
import { Ago } from '@/ui/time'

function Details({ job }: { job: Job }) {
  const now = useNow(job.state === 'running' ? 1_000 : null)
  const ms = jobMs(job, now)
  const parts = [
    ms === null ? null : `took ${duration(ms)}`,
    job.stopped_ms ? `stopped for ${duration(job.stopped_ms)}` : null,
    job.bytes_stored > 0 ? bytes(job.bytes_stored) : null,
  ]
  if (!isFinal(job.state)) return <>{phaseText(job)}</>
  return <>{parts.filter(Boolean).join(', ')}</>
}

/** Jobs as a list: one row each, the same on every width. */
export function JobRows({ jobs }: { jobs: readonly Job[] }) {
  return (
    <ul className="divide-y divide-line">
      {jobs.map((job) => (
        <li
          key={job.id}
          className="relative flex flex-wrap gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-raised/60 sm:grid sm:grid-cols-[minmax(0,1fr)_9rem_9rem] sm:items-center sm:gap-x-6"
        >
          <div className="min-w-0 max-sm:w-full">
            <Link
              to="/jobs/$id"
              params={{ id: job.id }}
              className="break-words font-medium underline-offset-4 after:absolute after:inset-0 hover:underline"
            >
              {jobTitle(job)}
            </Link>
            <p className="text-muted text-xs">
              <Details job={job} />
            </p>
            {job.error && job.state !== 'cancelled' && (
              <p className={cn('line-clamp-2 break-words text-xs', toneClass[jobTone[job.state]])}>
                {sentence(job.error)}
              </p>
            )}
          </div>
          <JobStatus state={job.state} />
          <span className="text-muted sm:text-right">
            <Ago at={job.finished_at ?? job.started_at ?? job.queued_at} />
          </span>
        </li>
      ))}
    </ul>
  )
}
