/**
 * Plans and instances as they stand in a form, and as they are written down for the service. The service judges what is
 * written; here is only how the one becomes the other, so that a replacement keeps what the form does not show. Pure.
 */
import type { Instance, Plan, PlanTarget, Schemas } from '@/api/client'

type PlanSpec = Schemas['PlanSpec']
type InstanceSpec = Schemas['InstanceSpec']
type TargetSpec = Schemas['PlanTargetSpec']

/** A target in a form; `kept` is what it had and the form does not show. */
export interface TargetForm {
  key: string
  kind: Schemas['PlanTargetKind']
  name: string
  /** Parts of it, one a line. */
  paths: string
  kept?: Omit<TargetSpec, 'kind' | 'name' | 'paths'>
}

/** What plans and instances have in common. */
export interface CommonForm {
  id: string
  schedule: string
  timezone: string
  retention: string
  missedRun: Schemas['MissedRun']
  quiesce: Schemas['Quiesce'] | ''
  stopAttached: 'yes' | 'no' | ''
  enabled: boolean
  targets: readonly TargetForm[]
  /** Patterns of what is left out, one a line. */
  excludes: string
  /** Commands before and after, one a line; empty keeps those that are there. */
  before: string
  after: string
}

export interface PlanForm extends CommonForm {
  instance: string
}

export interface Variable {
  key: string
  name: string
  value: string
  /** Whether the service has a value that stays while none is typed. */
  isKept: boolean
}

export interface InstanceForm extends CommonForm {
  backend: Schemas['BackendKind']
  repository: string
  customImage: string
  env: readonly Variable[]
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

let lastKey = 0
/** A key for a row of a form: rows are alike, and move. */
export function rowKey(): string {
  lastKey += 1
  return `row-${lastKey}`
}

export const emptyTarget = (): TargetForm => ({ key: rowKey(), kind: 'stack', name: '', paths: '' })

/** What labels add is not written down here, and stays with the labels. */
function targetForms(targets: readonly PlanTarget[]): TargetForm[] {
  return targets
    .filter((target) => target.origin !== 'label')
    .map(({ kind, name, paths, stop_attached, db_kind, exclude, tags }) => ({
      key: rowKey(),
      kind,
      name,
      paths: paths.join('\n'),
      kept: { stop_attached, db_kind, exclude, tags },
    }))
}

function targetSpec({ kind, name, paths, kept }: TargetForm): TargetSpec {
  return { ...kept, kind, name: name.trim(), paths: lines(paths) }
}

const EMPTY: CommonForm = {
  id: '',
  schedule: '0 2 * * *',
  timezone: '',
  retention: '7d:4w:6m',
  missedRun: 'skip',
  quiesce: '',
  stopAttached: '',
  enabled: true,
  targets: [],
  excludes: '',
  before: '',
  after: '',
}

const flag = (value: boolean | null): CommonForm['stopAttached'] =>
  value === null ? '' : value ? 'yes' : 'no'

export function planForm(plan: Plan | null, instance = ''): PlanForm {
  if (!plan) return { ...EMPTY, instance, targets: [emptyTarget()] }
  return {
    ...EMPTY,
    id: plan.id,
    instance: plan.instance ?? '',
    schedule: plan.schedule ?? '',
    timezone: plan.timezone,
    retention: plan.retention,
    missedRun: plan.missed_run,
    quiesce: plan.quiesce,
    stopAttached: flag(plan.stop_attached),
    enabled: plan.enabled,
    targets: targetForms(plan.targets),
    excludes: plan.excludes.join('\n'),
  }
}

export function instanceForm(instance: Instance | null): InstanceForm {
  if (!instance) {
    // What no repository of restic does without.
    const env = [{ key: rowKey(), name: 'RESTIC_PASSWORD', value: '', isKept: false }]
    return { ...EMPTY, backend: 'restic', repository: '', customImage: '', env }
  }
  return {
    ...EMPTY,
    id: instance.id,
    backend: instance.backend,
    repository: instance.repository ?? '',
    customImage: instance.custom_image ?? '',
    env: instance.env_keys.map((name) => ({ key: rowKey(), name, value: '', isKept: true })),
    schedule: instance.schedule ?? '',
    timezone: instance.timezone,
    retention: instance.retention,
    missedRun: instance.missed_run,
    quiesce: instance.quiesce ?? '',
    stopAttached: flag(instance.stop_attached),
    enabled: instance.enabled,
    targets: targetForms(instance.targets),
    excludes: instance.exclude.join('\n'),
  }
}

/** Commands are sent only when some are typed: left out they stay. */
function hooksSpec({ before, after }: CommonForm): Pick<PlanSpec, 'hooks'> {
  const commands = (text: string) => lines(text).map((command) => ({ command }))
  if (!before.trim() && !after.trim()) return {}
  return { hooks: { pre: commands(before), post: commands(after) } }
}

function commonSpec(form: CommonForm) {
  return {
    id: form.id.trim(),
    schedule: form.schedule.trim() || null,
    timezone: form.timezone.trim() || null,
    retention: form.retention.trim() || null,
    missed_run: form.missedRun,
    quiesce: form.quiesce || null,
    stop_attached: form.stopAttached === '' ? null : form.stopAttached === 'yes',
    enabled: form.enabled,
    targets: form.targets.map(targetSpec),
    ...hooksSpec(form),
  }
}

export function planSpec(form: PlanForm): PlanSpec {
  return { ...commonSpec(form), instance: form.instance, excludes: lines(form.excludes) }
}

/** A variable without a new value keeps the one it has; a new one without a value is empty. */
function envSpec(env: readonly Variable[]): Record<string, string | null> {
  const named = env.filter((one) => one.name.trim())
  return Object.fromEntries(named.map((one) => [one.name.trim(), one.value || (one.isKept ? null : '')]))
}

/** `before` is the instance that is replaced: what the form does not show stays as it is there. */
export function instanceSpec(form: InstanceForm, before: Instance | null): InstanceSpec {
  const kept = before && {
    pull: before.pull,
    timeout: before.timeout,
    memory_bytes: before.memory_bytes,
    cpus: before.cpus,
    check: before.check,
    adopt_old_snapshots: before.adopt_old_snapshots,
    restic_timeout: before.restic_timeout,
    tags: before.tags,
  }
  return {
    ...kept,
    ...commonSpec(form),
    backend: form.backend,
    repository: form.backend === 'restic' ? form.repository.trim() : null,
    custom_image: form.backend === 'custom_image' ? form.customImage.trim() : null,
    env: form.backend === 'archive' ? {} : envSpec(form.env),
    exclude: lines(form.excludes),
  }
}

/** Where the value of a field of the wire stands in a form; those that are not here are called alike. */
const FORM_KEY: Record<string, string> = {
  missed_run: 'missedRun',
  stop_attached: 'stopAttached',
  custom_image: 'customImage',
  exclude: 'excludes',
}

/**
 * Whether what `pointer` names was changed since `sent` was sent: what the service said of it then is old. Commands
 * share their errors; a target has its own.
 */
export function hasChanged<T extends CommonForm>(pointer: string, form: T, sent: T | null): boolean {
  if (!sent || form === sent) return false
  const [, field = '', index] = pointer.split('/')
  if (field === 'hooks') return form.before !== sent.before || form.after !== sent.after
  if (field === 'targets' && index) return form.targets[Number(index)] !== sent.targets[Number(index)]
  const key = (FORM_KEY[field] ?? field) as keyof T
  return key in form && form[key] !== sent[key]
}
