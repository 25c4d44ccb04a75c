/** Which stacks are ticked. Pure; names that no longer exist drop out by themselves. */
import type { Stack } from '@/api/client'

export type Ticked = ReadonlySet<string>
export type TickState = 'none' | 'some' | 'all'

export function toggle(ticked: Ticked, name: string): Ticked {
  const next = new Set(ticked)
  if (!next.delete(name)) next.add(name)
  return next
}

/** Those of `names` that are ticked, in the order of `names`. */
export function chosen(ticked: Ticked, names: readonly string[]): string[] {
  return names.filter((name) => ticked.has(name))
}

export function tickState(ticked: Ticked, names: readonly string[]): TickState {
  const n = chosen(ticked, names).length
  if (n === 0) return 'none'
  return n === names.length ? 'all' : 'some'
}

/** Ticks every one of `names`, or none of them when all are ticked; others keep their tick. */
export function toggleAll(ticked: Ticked, names: readonly string[]): Ticked {
  const next = new Set(ticked)
  const isAll = tickState(ticked, names) === 'all'
  for (const name of names) isAll ? next.delete(name) : next.add(name)
  return next
}

export interface BackupEffect {
  /** Stacks whose running containers will be stopped and started again. */
  stopped: string[]
  /** Stacks that run on, because the configuration says so. */
  runOn: string[]
  /** Stacks that do not run now, and so are captured as they lie. */
  atRest: string[]
}

/** What a backup of `stacks` will do to them. */
export function backupEffect(stacks: readonly Pick<Stack, 'name' | 'skip_stop' | 'state'>[]): BackupEffect {
  const effect: BackupEffect = { stopped: [], runOn: [], atRest: [] }
  for (const stack of stacks) {
    if (stack.state === 'stopped') effect.atRest.push(stack.name)
    else if (stack.skip_stop) effect.runOn.push(stack.name)
    else effect.stopped.push(stack.name)
  }
  return effect
}
