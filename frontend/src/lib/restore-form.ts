/** What somebody has chosen on the restore page, as a request, as a command, and as a word to type. Pure. */
import type { Schemas } from '@/api/client'
import { shellQuote } from './restore'

type Options = Schemas['RestoreOptions']
export type TargetName = Schemas['TargetName']
export type Destination = Schemas['RestoreDestination']

export interface RestoreForm {
  destination: Destination
  /** Only with the destination `directory`. */
  directory: string
  /** Only with the destination `new_stack`. */
  stackName: string
  /** The targets that are left out; none is the whole snapshot. */
  without: ReadonlySet<string>
  /** Only these paths of the snapshot; empty for all. */
  paths: readonly string[]
  keepsOld: boolean
}

export const targetKey = (target: TargetName): string => `${target.kind}:${target.name}`

/** Those of a snapshot's targets that it has something of. */
export function restorable<T extends Pick<Schemas['TargetResult'], 'state'>>(targets: readonly T[]): T[] {
  return targets.filter((target) => target.state === 'succeeded' || target.state === 'partial')
}

/** The targets that are restored; empty means all, which is what the service takes an empty list for. */
export function targetsOf(form: RestoreForm, all: readonly TargetName[]): TargetName[] {
  if (form.paths.length > 0 || form.without.size === 0) return []
  return all
    .filter((target) => !form.without.has(targetKey(target)))
    .map(({ kind, name }) => ({ kind, name }))
}

/** Why there is nothing to ask for yet; null when there is. */
export function missing(form: RestoreForm, all: readonly TargetName[]): string | null {
  if (form.destination === 'directory' && !form.directory.trim()) return 'Name the directory first.'
  if (form.destination === 'directory' && !form.directory.trim().startsWith('/'))
    return 'The directory begins with a slash.'
  if (form.destination === 'new_stack' && !form.stackName.trim()) return 'Name the new stack first.'
  const isNothing = form.without.size > 0 && targetsOf(form, all).length === 0
  return isNothing && form.paths.length === 0 ? 'Choose at least one thing to restore.' : null
}

export function optionsOf(form: RestoreForm, all: readonly TargetName[]): Options {
  const { destination, paths, keepsOld } = form
  return {
    destination,
    targets: targetsOf(form, all),
    paths: [...paths],
    ...(destination === 'directory' ? { directory: form.directory.trim() } : {}),
    ...(destination === 'new_stack' ? { stack_name: form.stackName.trim() } : {}),
    // What is replaced is said, and confirmed by a typed word, before this is sent.
    overwrite: destination === 'in_place',
    safety_copy: keepsOld,
  }
}

/** The command line that does the same. */
export function commandOf(snapshot: string, form: RestoreForm, all: readonly TargetName[]): string {
  const to = {
    in_place: ['--in-place', '--overwrite', ...(form.keepsOld ? [] : ['--no-safety-copy'])],
    directory: ['--to', shellQuote(form.directory.trim() || 'DIRECTORY')],
    new_stack: ['--as-stack', shellQuote(form.stackName.trim() || 'NAME')],
  }[form.destination]
  const targets = targetsOf(form, all).flatMap((target) => ['--target', shellQuote(targetKey(target))])
  const paths = form.paths.flatMap((path) => ['--path', shellQuote(path)])
  return ['mainstay restore', snapshot, ...targets, ...paths, ...to].join(' ')
}
