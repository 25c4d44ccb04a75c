/** What can be said of an instance from its record. Pure. */
import type { Instance } from '@/api/client'

/** Where its data goes, in the user's own words; empty for archives, which go to the backup directory. */
export function placeOf(instance: Pick<Instance, 'repository' | 'custom_image'>): string {
  return instance.repository ?? instance.custom_image ?? ''
}

/** The beginning of a long hash, by which people tell snapshots apart; the name of an archive is left as it is. */
export function shortId(reference: string): string {
  if (/^[0-9a-f]{16,}$/.test(reference)) return reference.slice(0, 8)
  return reference.split('/').at(-1) ?? reference
}
