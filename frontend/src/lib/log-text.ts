/** Lines of a log file as the viewer shows them. */
import type { Level } from '@/api/client'
import type { ViewLine } from './log-store'
import { levelWord } from './words'

const SHAPE =
  /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\]?\s+\[?([A-Z]+)\]?:?\s+(?:\(([^)]*)\) )?(.*)$/

function isLevel(word: string): word is Level {
  return Object.hasOwn(levelWord, word)
}

/** One line; what does not look like ours is kept as it is. */
export function parseLogText(text: string, n: number): ViewLine {
  const match = SHAPE.exec(text)
  const [, at, level, target, message] = match ?? []
  if (at && level && message !== undefined && isLevel(level)) {
    const iso = at.replace(',', '.').replace(' ', 'T')
    const isTime = !Number.isNaN(Date.parse(iso))
    return isTime
      ? { n, at: iso, level, target: target ?? null, message }
      : { n, at: null, level, message: text }
  }
  return { n, at: null, level: null, message: text }
}

/** Every line of a file; a last empty one is none. */
export function parseLogFile(text: string): ViewLine[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line, i) => parseLogText(line, i + 1))
}
