/**
 * Carries the service's events into the query cache: a changed job is put where it is shown at once, and whatever
 * else depends on it is fetched again. To follow one more kind of event, add it to `openEvents`.
 */
import type { QueryClient } from '@tanstack/react-query'
import type { Job, Progress } from '@/api/client'
import { addToHistory } from '@/features/jobs/history'
import { isFinal } from '@/lib/job'

type Paged = { items: Job[] }
type Cached = Paged | { pages: Paged[] } | undefined

const JOBS = ['get', '/api/v1/jobs'] as const
const JOB = ['get', '/api/v1/jobs/{id}'] as const

function mapJobs(cached: Cached, change: (job: Job) => Job): Cached {
  if (!cached) return cached
  if ('pages' in cached) {
    return { ...cached, pages: cached.pages.map((page) => ({ ...page, items: page.items.map(change) })) }
  }
  return { ...cached, items: cached.items.map(change) }
}

/** Queries whose answers change with a job's state. */
const JOB_DEPENDENT = [
  '/api/v1/jobs',
  '/api/v1/status',
  '/api/v1/journal',
  '/api/v1/jobs/{id}/restore',
  '/api/v1/stacks',
  '/api/v1/stacks/{name}',
  '/api/v1/plans',
  '/api/v1/plans/{id}',
  '/api/v1/instances',
  '/api/v1/instances/{id}',
] as const

/** Fetches again, soon and once, however many events ask for it meanwhile. */
export class Refresher {
  private readonly wanted = new Set<string>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly client: QueryClient
  private readonly waitMs: number

  constructor(client: QueryClient, waitMs = 300) {
    this.client = client
    this.waitMs = waitMs
  }

  want(...paths: string[]): void {
    for (const path of paths) this.wanted.add(path)
    this.timer ??= setTimeout(() => this.run(), this.waitMs)
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private run(): void {
    this.timer = undefined
    const paths = [...this.wanted]
    this.wanted.clear()
    for (const path of paths) void this.client.invalidateQueries({ queryKey: ['get', path] })
  }
}

export class JobApplier {
  private readonly states = new Map<string, Job['state']>()
  private readonly client: QueryClient
  private readonly refresher: Refresher

  constructor(client: QueryClient, refresher: Refresher) {
    this.client = client
    this.refresher = refresher
  }

  /** Puts how far a job is where it is shown. */
  progress(id: string, progress: Progress): void {
    const move = (job: Job): Job => (job.id === id ? { ...job, progress } : job)
    this.client.setQueriesData<Cached>({ queryKey: JOBS }, (cached) => mapJobs(cached, move))
    this.client.setQueriesData<Job>(
      { queryKey: JOB, predicate: (query) => isAbout(query.queryKey, id) },
      (job) => job && move(job),
    )
  }

  /** Puts `job` into the cache; answers whether it ended just now, while we were watching. */
  apply(job: Job): boolean {
    const before = this.states.get(job.id)
    this.states.set(job.id, job.state)
    this.client.setQueriesData<Cached>({ queryKey: JOBS }, (cached) =>
      mapJobs(cached, (one) => (one.id === job.id ? job : one)),
    )
    this.client.setQueriesData<Job>(
      { queryKey: JOB, predicate: (query) => isAbout(query.queryKey, job.id) },
      job,
    )
    if (before !== job.state) {
      this.refresher.want(...JOB_DEPENDENT)
      if (isFinal(job.state)) {
        addToHistory(this.client, job)
        this.refresher.want('/api/v1/snapshots', '/api/v1/logs/files')
      }
    }
    return before !== undefined && !isFinal(before) && isFinal(job.state)
  }
}

function isAbout(key: readonly unknown[], id: string): boolean {
  const init = key[2] as { params?: { path?: { id?: string } } } | undefined
  return init?.params?.path?.id === id
}
