/** The one event stream of a tab: opened while somebody is signed in, closed while the tab is hidden. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Job, Progress } from '@/api/client'
import { sentence } from '@/lib/format'
import { jobTitle } from '@/lib/job'
import { openStream, type StreamStatus } from '@/lib/sse'
import { jobStateWord } from '@/lib/words'
import { tell } from '@/ui/toast'
import { JobApplier, Refresher } from './apply'

export function useEvents(): StreamStatus {
  const client = useQueryClient()
  const [status, setStatus] = useState<StreamStatus>('connecting')
  useEffect(() => {
    const refresher = new Refresher(client)
    const jobs = new JobApplier(client, refresher)
    let hasBeenLive = false
    const close = openStream({
      url: (after) => `/api/v1/events${after ? `?after=${encodeURIComponent(after)}` : ''}`,
      onStatus: (now) => {
        setStatus(now)
        // What happened while nothing was heard may not be told again.
        if (now !== 'live') return
        if (hasBeenLive) void client.invalidateQueries()
        hasBeenLive = true
      },
      onRefused: () => refresher.want('/api/v1/auth/me'),
      on: {
        job: (data) => {
          const job = data as Job
          if (jobs.apply(job))
            tell(
              jobTitle(job),
              `${jobStateWord[job.state]}.${job.error && job.state !== 'cancelled' ? ` ${sentence(job.error)}` : ''}`,
            )
        },
        progress: (data) => {
          const told = data as { job_id: string; progress: Progress }
          jobs.progress(told.job_id, told.progress)
        },
        stack: () => refresher.want('/api/v1/stacks', '/api/v1/stacks/{name}', '/api/v1/status'),
        engine: () => refresher.want('/api/v1/stacks', '/api/v1/stacks/{name}', '/api/v1/status'),
        reset: () => void client.invalidateQueries(),
      },
    })
    return () => {
      close()
      refresher.stop()
    }
  }, [client])
  return status
}

/** Whether the link has been down long enough to say so: a short cut is nobody's business. */
export function useIsOffline(status: StreamStatus, afterMs = 2_500): boolean {
  const [isOffline, setOffline] = useState(false)
  useEffect(() => {
    if (status !== 'retrying') {
      setOffline(false)
      return
    }
    const timer = setTimeout(() => setOffline(true), afterMs)
    return () => clearTimeout(timer)
  }, [status, afterMs])
  return isOffline
}
