/**
 * Filters that live in the address, so that a view can be linked and the back button works. Parsers take whatever
 * somebody typed into the address and keep what makes sense.
 */
import type { JobKind, JobState } from '@/api/client'
import type { Place } from './entry-path'
import { jobKindWord, jobStateWord } from './words'

export interface JobFilters {
  state?: JobState
  kind?: JobKind
  stack?: string
  plan?: string
  instance?: string
}

function isKey<T extends object>(record: T, key: unknown): key is keyof T {
  return typeof key === 'string' && Object.hasOwn(record, key)
}

/** A text from the address; numbers count, because a stack may be called `404` and the router reads that as one. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function parseJobFilters(search: Record<string, unknown>): JobFilters {
  const [stack, plan, instance] = [text(search.stack), text(search.plan), text(search.instance)]
  return {
    ...(isKey(jobStateWord, search.state) ? { state: search.state } : {}),
    ...(isKey(jobKindWord, search.kind) ? { kind: search.kind } : {}),
    ...(stack ? { stack } : {}),
    ...(plan ? { plan } : {}),
    ...(instance ? { instance } : {}),
  }
}

export interface SnapshotFilters {
  stack?: string
  plan?: string
  instance?: string
  /** Only those with everything in them, or only the others. */
  complete?: boolean
}

export function parseSnapshotFilters(search: Record<string, unknown>): SnapshotFilters {
  const [stack, plan, instance] = [text(search.stack), text(search.plan), text(search.instance)]
  return {
    ...(stack ? { stack } : {}),
    ...(plan ? { plan } : {}),
    ...(instance ? { instance } : {}),
    ...(typeof search.complete === 'boolean' ? { complete: search.complete } : {}),
  }
}

/** A place in a snapshot, and the file there that is shown beside the list. */
export interface BrowserPlace extends Place {
  file?: string
}

export function parseBrowserPlace(search: Record<string, unknown>): BrowserPlace {
  const [path, bytes, file] = [text(search.path), text(search.path_bytes), text(search.file)]
  return {
    ...(bytes ? { path_bytes: bytes } : path ? { path } : {}),
    ...(file ? { file } : {}),
  }
}

/** What is to be restored: a snapshot, or the newest good one of a stack; and of it only some paths. */
export interface RestoreSearch {
  snapshot?: string
  stack?: string
  path?: string[]
}

export function parseRestoreSearch(search: Record<string, unknown>): RestoreSearch {
  const [snapshot, stack] = [text(search.snapshot), text(search.stack)]
  const paths = (Array.isArray(search.path) ? search.path : [search.path])
    .map(text)
    .filter((one) => one !== undefined)
  return {
    ...(snapshot ? { snapshot } : {}),
    ...(stack ? { stack } : {}),
    ...(paths.length > 0 ? { path: paths } : {}),
  }
}

export const LOG_TABS = ['live', 'files'] as const
export type LogTab = (typeof LOG_TABS)[number]

export function parseLogTab(search: Record<string, unknown>): { tab?: LogTab } {
  return search.tab === 'files' ? { tab: 'files' } : {}
}
