import { CirclePause } from 'lucide-react'
import type { Job } from '@/api/client'
import { stopwatch } from '@/lib/format'
import { stoppedSince } from '@/lib/job'
import { useNow } from '@/lib/now'

/** Tells for how long the stack has been held at rest; nothing while it runs. */
export function StopClock({ job }: { job: Pick<Job, 'state' | 'steps' | 'stack'> }) {
  const since = stoppedSince(job)
  const now = useNow(since ? 500 : null)
  if (!since) return null
  return (
    <p className="inline-flex items-center gap-1.5 rounded-md bg-warn/10 px-2 py-1 font-medium text-warn">
      <CirclePause className="size-4 shrink-0" aria-hidden />
      <span>
        {job.stack ?? 'What it captures'} is stopped:{' '}
        <span role="timer" className="tabular-nums">
          {stopwatch(now - Date.parse(since))}
        </span>
      </span>
    </p>
  )
}
