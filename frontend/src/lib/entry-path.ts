/** Paths within a snapshot, as the address carries them. Pure. */
import type { Schemas } from '@/api/client'

type Entry = Schemas['ArchiveEntry']

/** A place within a snapshot: by its path, or by its bytes in hexadecimal where those are no UTF-8. */
export interface Place {
  path?: string
  path_bytes?: string
}

/** Where an entry is. */
export function placeOfEntry(entry: Pick<Entry, 'path' | 'path_bytes'>): Place {
  return entry.path_bytes ? { path_bytes: entry.path_bytes } : { path: entry.path }
}

export interface Crumb {
  name: string
  place: Place
}

function textOf(hex: string): string {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return new TextDecoder().decode(bytes)
}

/** The parts of the way to a place; each leads to its directory. */
export function crumbsOf({ path, path_bytes }: Place): Crumb[] {
  if (path_bytes) {
    const parts =
      path_bytes
        .match(/../g)
        ?.join(' ')
        .split(/ ?2f ?/) ?? []
    return parts.filter(Boolean).map((part, i) => ({
      name: textOf(part.replaceAll(' ', '')),
      place: {
        path_bytes: parts
          .slice(0, i + 1)
          .join('2f')
          .replaceAll(' ', ''),
      },
    }))
  }
  const parts = (path ?? '').split('/').filter(Boolean)
  return parts.map((name, i) => ({ name, place: { path: parts.slice(0, i + 1).join('/') } }))
}

/** Where the service hands out a file of a snapshot, or all of it. */
export function downloadUrl(snapshot: string, place: Place = {}): string {
  const query = new URLSearchParams(Object.entries(place)).toString()
  return `/api/v1/snapshots/${encodeURIComponent(snapshot)}/download${query && `?${query}`}`
}

/** Where the service hands out a directory of a snapshot as a tar; all of it when no place is named. */
export function tarUrl(snapshot: string, place: Place = {}): string {
  const query = new URLSearchParams({ ...place, archive: 'tar' }).toString()
  return `/api/v1/snapshots/${encodeURIComponent(snapshot)}/download?${query}`
}

/** What is small enough to be shown in the page, in bytes. */
export const PREVIEW_BYTES = 256 * 1024

/** The text of a file, or null when it is none. */
export function textOfFile(content: ArrayBuffer): string | null {
  const bytes = new Uint8Array(content)
  if (bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
