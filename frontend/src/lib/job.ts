/** What can be said of a job from its record. Pure. */
import type { Job, JobState, Step, StepName } from '@/api/client'
import { bytes, duration } from './format'
import { jobKindWord, phaseWord } from './words'

/** Whether nothing more will happen to the job. */
export function isFinal(state: JobState): boolean {
  return state !== 'queued' && state !== 'running'
}

/** `Backup of blog`. */
export function jobTitle(
  job: Pick<Job, 'kind' | 'stack' | 'instance'> & Partial<Pick<Job, 'dry_run' | 'plan'>>,
): string {
  const subject = job.stack ?? job.plan ?? job.instance
  const what = subject ? `${jobKindWord[job.kind]} of ${subject}` : jobKindWord[job.kind]
  return job.dry_run ? `${what} (dry run)` : what
}

const step = (job: Pick<Job, 'steps'>, name: StepName): Step | undefined =>
  job.steps.find((one) => one.name === name)

/**
 * Since when the stack is held at rest, or null while it is not. The window opens with the quiesce step and closes
 * with the resume step; a job that skips the stop never opens it.
 */
export function stoppedSince(job: Pick<Job, 'state' | 'steps'>): string | null {
  if (isFinal(job.state)) return null
  const quiesce = step(job, 'quiesce')
  const resume = step(job, 'resume')
  const isOpen = quiesce?.state === 'running' || quiesce?.state === 'succeeded'
  const isClosed = resume?.state === 'succeeded' || resume?.state === 'skipped'
  return isOpen && !isClosed ? (quiesce?.started_at ?? null) : null
}

/** The step at work, from the progress or else from the steps. */
export function phaseOf(job: Pick<Job, 'progress' | 'steps'>): StepName | null {
  return job.steps.find((one) => one.state === 'running')?.name ?? job.progress.phase ?? null
}

/** What a job is doing now, as a sentence part. */
export function phaseText(job: Pick<Job, 'state' | 'progress' | 'steps'>): string {
  if (job.state === 'queued') return 'Waiting for its turn'
  const phase = phaseOf(job)
  return phase ? phaseWord[phase] : 'Starting'
}

/** How much was done: `1.2 GiB of 4.5 GiB, 310 files`. Empty while nothing was counted. */
export function progressText({ progress }: Pick<Job, 'progress'>): string {
  const { bytes_done: done, bytes_total: total, files_done: files } = progress
  const parts: string[] = []
  if (total) parts.push(`${bytes(done)} of ${bytes(total)}`)
  else if (done > 0) parts.push(bytes(done))
  if (files > 0) parts.push(`${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}`)
  return parts.join(', ')
}

/** A rate measured over less than this says nothing yet. */
const KNOWN_AFTER_MS = 10_000
const KNOWN_FROM = 0.05

/** How long the step at work still takes at the rate so far: `about 4 min 10 s left`; empty while that is a guess. */
export function leftText(job: Pick<Job, 'state' | 'progress' | 'steps'>, now: number): string {
  const started = job.steps.find((one) => one.state === 'running')?.started_at
  const fraction = job.progress.fraction ?? 0
  if (job.state !== 'running' || !started || fraction < KNOWN_FROM || fraction >= 1) return ''
  const spent = now - Date.parse(started)
  if (spent < KNOWN_AFTER_MS) return ''
  const seconds = Math.max(1, Math.round((spent * (1 - fraction)) / fraction / 1_000))
  return `about ${duration(seconds * 1_000).replace(/\.0 s$/, ' s')} left`
}

/** Milliseconds from the start of the work to its end, or to `now`; null before it started. */
export function jobMs(job: Pick<Job, 'started_at' | 'finished_at'>, now: number): number | null {
  if (!job.started_at) return null
  const end = job.finished_at ? Date.parse(job.finished_at) : now
  return Math.max(0, end - Date.parse(job.started_at))
}

/** The outcome as the colour of a mark. */
export type Tone = 'ok' | 'warn' | 'bad' | 'busy' | 'none'

export const jobTone: Record<JobState, Tone> = {
  queued: 'none',
  running: 'busy',
  succeeded: 'ok',
  partial: 'warn',
  failed: 'bad',
  cancelled: 'none',
  interrupted: 'bad',
}
