/**
 * What somebody should look at, the worst first. Each entry says what is wrong and why, and names what can be done
 * about it; the page only draws it. Pure.
 */
import type { Job, Plan, Schemas, Snapshot, Stack, Status } from '@/api/client'
import { bytes, list, sentence } from './format'
import { pastWord } from './when'

export type Remedy =
  | { act: 'back_up'; stack: string }
  | { act: 'run_plan'; plan: string }
  | { act: 'open_job'; job: string }
  | { act: 'open_plan'; plan: string }
  | { act: 'open_snapshot'; snapshot: string }
  | { act: 'start_again' }
  | { act: 'open_doctor' }

export interface Attention {
  key: string
  tone: 'bad' | 'warn'
  title: string
  reason: string
  remedies: Remedy[]
}

type LastJob = Pick<Job, 'id' | 'state' | 'error' | 'queued_at' | 'finished_at'>
export type AttentionStack = Pick<Stack, 'name' | 'protected' | 'last_success_at'> & {
  last_job: LastJob | null
}
export type AttentionPlan = Pick<Plan, 'id' | 'enabled' | 'schedule' | 'next_runs' | 'last_success_at'> & {
  backrest: Pick<Schemas['BackrestPlan'], 'in_step' | 'differences'> | null
  targets: Pick<Plan['targets'][number], 'kind' | 'name'>[]
  last_job: LastJob | null
}
export type AttentionSnapshot = Pick<
  Snapshot,
  'id' | 'stack' | 'plan' | 'instance' | 'created_at' | 'removed_at' | 'damage'
>
export type AtRest = Pick<Schemas['AtRest'], 'container' | 'stack' | 'state' | 'message'>

export interface Facts {
  now: number
  stacks: readonly AttentionStack[]
  plans: readonly AttentionPlan[]
  /** What is at rest by our doing. */
  atRest: readonly AtRest[]
  disk: Pick<Status['backup_disk'], 'path' | 'free_bytes'>
  /** The newest snapshots; of interest are those that were found damaged. */
  snapshots: readonly AttentionSnapshot[]
}

const OUTCOME = { failed: 'failed', partial: 'was only partial', interrupted: 'was interrupted' } as const

/** How the last job went wrong, as a verb; null when it did not. */
export function troubleOf(job: Pick<Job, 'state'> | null | undefined): string | null {
  const state = job?.state
  return state === 'failed' || state === 'partial' || state === 'interrupted' ? OUTCOME[state] : null
}

/** The longest time between two of the next runs, in milliseconds; null when fewer than two are known. */
function longestGapMs(runs: readonly string[]): number | null {
  const gaps = runs.slice(1).map((at, i) => Date.parse(at) - Date.parse(runs[i] ?? at))
  return gaps.length > 0 ? Math.max(...gaps) : null
}

/** More than this over its time and a plan is late: a run takes a while, and clocks are reset twice a year. */
const GRACE_MS = 3 * 3_600_000

/** Whether a plan that once succeeded has had no good backup for longer than its schedule lets pass. */
export function isOverdue(plan: AttentionPlan, now: number): boolean {
  const gap = longestGapMs(plan.next_runs)
  if (!plan.enabled || !plan.schedule || gap === null || !plan.last_success_at) return false
  return now - Date.parse(plan.last_success_at) > gap + GRACE_MS
}

function ofJob(name: string, job: LastJob, now: number, remedy: Remedy): Attention {
  return {
    key: `job ${name}`,
    tone: job.state === 'partial' ? 'warn' : 'bad',
    title: `${name} ${troubleOf(job)} ${pastWord(job.finished_at ?? job.queued_at, now)}`,
    reason: job.error ? sentence(job.error) : 'The job and its log say why.',
    remedies: [{ act: 'open_job', job: job.id }, remedy],
  }
}

function ofRest(atRest: readonly AtRest[]): Attention[] {
  const stuck = atRest.filter((one) => one.state === 'failed' || one.state === 'gone')
  if (stuck.length === 0) return []
  const reason = stuck.find((one) => one.message)?.message
  return [
    {
      key: 'at-rest',
      tone: 'bad',
      title: `${list(stuck.map((one) => one.container))} ${stuck.length === 1 ? 'is' : 'are'} still stopped`,
      reason: reason ? sentence(reason) : 'A backup stopped it, and it could not be started again.',
      remedies: [{ act: 'start_again' }],
    },
  ]
}

/** Less than this is low, whatever the backups take. */
const LOW_BYTES = 2 * 1024 ** 3

function ofDisk({ path, free_bytes }: Facts['disk']): Attention[] {
  if (free_bytes === null || free_bytes >= LOW_BYTES) return []
  return [
    {
      key: 'disk',
      tone: 'bad',
      title: `Only ${bytes(free_bytes)} free for backups`,
      reason: `Backups fail when ${path} is full. Make room, or keep less.`,
      remedies: [{ act: 'open_doctor' }],
    },
  ]
}

function ofSnapshot(snapshot: AttentionSnapshot, now: number): Attention[] {
  if (!snapshot.damage || snapshot.removed_at) return []
  const subject = snapshot.stack ?? snapshot.plan ?? snapshot.instance ?? 'something'
  return [
    {
      key: `damaged ${snapshot.id}`,
      tone: 'bad',
      title: `A snapshot of ${subject}, taken ${pastWord(snapshot.created_at, now)}, is damaged`,
      reason: sentence(snapshot.damage.reason),
      remedies: [
        { act: 'open_snapshot', snapshot: snapshot.id },
        ...(snapshot.stack ? [{ act: 'back_up' as const, stack: snapshot.stack }] : []),
      ],
    },
  ]
}

function ofStack(stack: AttentionStack, now: number): Attention[] {
  const remedy: Remedy = { act: 'back_up', stack: stack.name }
  if (stack.last_job && troubleOf(stack.last_job)) return [ofJob(stack.name, stack.last_job, now, remedy)]
  if (stack.protected) return []
  return [
    {
      key: `bare ${stack.name}`,
      tone: 'warn',
      title: `${stack.name} has no good backup`,
      reason: stack.last_success_at
        ? 'Its last one is gone, or does not hold everything.'
        : 'It was never backed up, and no plan takes all of it.',
      remedies: [remedy],
    },
  ]
}

function ofDrift(plan: string, differences: readonly string[]): Attention {
  const reason = differences.length > 0 ? list(differences) : 'Labels want it otherwise than Backrest has it.'
  return {
    key: `drift ${plan}`,
    tone: 'warn',
    title: `Plan ${plan} is not in step with Backrest`,
    reason: sentence(reason),
    remedies: [{ act: 'open_plan', plan }],
  }
}

function ofPlan(plan: AttentionPlan, now: number): Attention[] {
  const run: Remedy = { act: 'run_plan', plan: plan.id }
  if (plan.last_job && troubleOf(plan.last_job)) return [ofJob(`Plan ${plan.id}`, plan.last_job, now, run)]
  if (plan.backrest && !plan.backrest.in_step) return [ofDrift(plan.id, plan.backrest.differences)]
  if (!isOverdue(plan, now) || !plan.last_success_at) return []
  return [
    {
      key: `late ${plan.id}`,
      tone: 'warn',
      title: `Plan ${plan.id} is overdue`,
      reason: `Its last good backup was ${pastWord(plan.last_success_at, now)}, longer ago than its schedule lets pass.`,
      remedies: [{ act: 'open_plan', plan: plan.id }, run],
    },
  ]
}

/** Everything that needs somebody, the worst first and otherwise in the order given. */
export function attention(facts: Facts): Attention[] {
  const { now, stacks, plans, atRest, disk, snapshots } = facts
  const all = [
    ...ofRest(atRest),
    ...ofDisk(disk),
    ...snapshots.flatMap((snapshot) => ofSnapshot(snapshot, now)),
    ...stacks.flatMap((stack) => ofStack(stack, now)),
    ...plans.flatMap((plan) => ofPlan(plan, now)),
  ]
  return [...all.filter((one) => one.tone === 'bad'), ...all.filter((one) => one.tone === 'warn')]
}
