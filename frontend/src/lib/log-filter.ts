/** Which lines of a log are shown. Pure. */
import type { Level } from '@/api/client'
import type { ViewLine } from './log-store'

export type LevelChoice = 'all' | 'no_debug' | 'problems' | 'errors'

export const LEVEL_CHOICES: readonly { value: LevelChoice; label: string }[] = [
  { value: 'all', label: 'All levels' },
  { value: 'no_debug', label: 'Without debug' },
  { value: 'problems', label: 'Warnings and errors' },
  { value: 'errors', label: 'Errors only' },
]

const HIDDEN: Record<LevelChoice, ReadonlySet<Level | null>> = {
  all: new Set(),
  no_debug: new Set<Level>(['DEBUG']),
  problems: new Set<Level | null>(['DEBUG', 'INFO', 'SUCCESS', null]),
  errors: new Set<Level | null>(['DEBUG', 'INFO', 'SUCCESS', 'WARNING', null]),
}

/** The lines of the chosen levels that contain `words`, whatever their case; all of them as they are when nothing is asked. */
export function filterLines(
  lines: readonly ViewLine[],
  words: string,
  level: LevelChoice,
): readonly ViewLine[] {
  const wanted = words.trim().toLowerCase()
  if (!wanted && level === 'all') return lines
  const hidden = HIDDEN[level]
  return lines.filter(
    (line) =>
      !hidden.has(line.level) &&
      (!wanted ||
        line.message.toLowerCase().includes(wanted) ||
        Boolean(line.target?.toLowerCase().includes(wanted))),
  )
}

/** Where the first error (or else the first warning) stands; null when there is neither. */
export function firstProblem(lines: readonly ViewLine[]): number | null {
  const error = lines.findIndex((line) => line.level === 'ERROR')
  const index = error >= 0 ? error : lines.findIndex((line) => line.level === 'WARNING')
  return index >= 0 ? index : null
}
