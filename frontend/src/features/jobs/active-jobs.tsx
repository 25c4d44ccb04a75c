import { api, type Job } from '@/api/client'
import { isFinal } from '@/lib/job'
import { cn } from '@/ui/cn'
import { JobCard } from './job-card'

function useJobsIn(state: 'running' | 'queued', stack?: string) {
  return api.useQuery('get', '/api/v1/jobs', {
    params: { query: { state, limit: 50, ...(stack ? { stack } : {}) } },
  })
}

/** Jobs at work and waiting, the oldest first; `isKnown` tells that the service has answered. */
export function useActiveJobs(stack?: string): { jobs: Job[]; isKnown: boolean } {
  const running = useJobsIn('running', stack)
  const queued = useJobsIn('queued', stack)
  const byId = new Map<string, Job>()
  // A queued job that has begun meanwhile may be in both answers; the running one is newer.
  for (const job of [...(queued.data?.items ?? []), ...(running.data?.items ?? [])]) {
    if (!isFinal(job.state)) byId.set(job.id, job)
  }
  const jobs = [...byId.values()].sort((a, b) => a.id.localeCompare(b.id))
  return { jobs, isKnown: !running.isPending && !queued.isPending }
}

/** A card for each job at work; nothing while there is none. */
export function ActiveJobs({ stack }: { stack?: string }) {
  const { jobs } = useActiveJobs(stack)
  if (jobs.length === 0) return null
  return (
    <section aria-labelledby="active-jobs" className="mb-5">
      <h2 id="active-jobs" className="mb-2 font-semibold">
        At work now
      </h2>
      <div className={cn('grid gap-3', jobs.length > 1 && 'xl:grid-cols-2')}>
        {jobs.map((job) => (
          <JobCard key={job.id} job={job} />
        ))}
      </div>
    </section>
  )
}
