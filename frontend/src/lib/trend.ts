/** How a number of a stack's backups went over time, for small pictures. Pure. */
import type { Job } from '@/api/client'
import { jobMs } from './job'

export interface Point {
  job: string
  at: string
  value: number
}

type PastJob = Pick<
  Job,
  | 'id'
  | 'kind'
  | 'state'
  | 'dry_run'
  | 'queued_at'
  | 'started_at'
  | 'finished_at'
  | 'stopped_ms'
  | 'bytes_stored'
>

export type Measure = 'size' | 'duration' | 'stopped'

const VALUE: Record<Measure, (job: PastJob) => number | null> = {
  size: (job) => job.bytes_stored,
  duration: (job) => jobMs(job, 0),
  stopped: (job) => job.stopped_ms,
}

/** The good backups among `jobs`, the oldest first, with what is measured of each. */
export function trendOf(jobs: readonly PastJob[], measure: Measure): Point[] {
  return jobs
    .filter((job) => job.kind === 'backup' && job.state === 'succeeded' && !job.dry_run)
    .map((job) => ({ job: job.id, at: job.finished_at ?? job.queued_at, value: VALUE[measure](job) }))
    .filter((point): point is Point => point.value !== null)
    .sort((a, b) => a.at.localeCompare(b.at))
}

/** The value in the middle; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** So many are needed before one of them can be called unusual. */
const ENOUGH = 4

/** Whether the newest is less than half of what it usually is: then something is missing. */
export function hasShrunk(points: readonly Point[]): boolean {
  const newest = points.at(-1)
  if (!newest || points.length < ENOUGH) return false
  return newest.value < median(points.slice(0, -1).map((point) => point.value)) / 2
}
