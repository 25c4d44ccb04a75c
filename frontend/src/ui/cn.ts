/** Joins class names; falsy ones drop out. Wrappers take no overriding classes, so nothing has to be merged. */
export function cn(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}
