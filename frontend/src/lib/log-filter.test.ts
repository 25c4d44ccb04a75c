import { expect, it } from 'vitest'
import type { Level } from '@/api/client'
import { filterLines, firstProblem } from './log-filter'
import type { ViewLine } from './log-store'
import { parseLogFile } from './log-text'

const line = (n: number, level: Level | null, message: string, target: string | null = null): ViewLine => ({
  n,
  at: null,
  level,
  message,
  target,
})
const lines = [
  line(1, 'DEBUG', 'looking'),
  line(2, 'INFO', 'Reading', 'blog_db'),
  line(3, 'WARNING', 'a file vanished'),
  line(4, 'ERROR', 'it failed'),
  line(5, null, 'a stray line'),
]
const numbers = (shown: readonly ViewLine[]) => shown.map((one) => one.n)

it('hands out the same array when nothing is asked', () => {
  expect(filterLines(lines, '  ', 'all')).toBe(lines)
})

it('filters by level and by words, whatever their case', () => {
  expect(numbers(filterLines(lines, '', 'no_debug'))).toEqual([2, 3, 4, 5])
  expect(numbers(filterLines(lines, '', 'problems'))).toEqual([3, 4])
  expect(numbers(filterLines(lines, '', 'errors'))).toEqual([4])
  expect(numbers(filterLines(lines, 'READ', 'all'))).toEqual([2])
  expect(numbers(filterLines(lines, 'blog_', 'all'))).toEqual([2])
})

it('finds the first error before any warning', () => {
  expect(firstProblem(lines)).toBe(3)
  expect(firstProblem(lines.slice(0, 3))).toBe(2)
  expect(firstProblem(lines.slice(0, 2))).toBeNull()
})

it('reads the target of a line', () => {
  const [read] = parseLogFile("2026-11-21T03:00:02.000Z [INFO] (blog) stack 'blog' is being stopped\n")
  expect(read).toMatchObject({ level: 'INFO', target: 'blog', message: "stack 'blog' is being stopped" })
})

it('reads a log file, and keeps what it does not understand', () => {
  const text =
    '2026-11-21T03:00:02.000Z WARNING [blog] slow\n2026-11-21 03:00:03,123 [INFO] ok\nTraceback\n\n2026-99-99T00:00:00Z INFO x\n'
  const read = parseLogFile(text)
  expect(read.map((one) => [one.n, one.level, one.message])).toEqual([
    [1, 'WARNING', '[blog] slow'],
    [2, 'INFO', 'ok'],
    [3, null, 'Traceback'],
    [4, null, ''],
    [5, 'INFO', '2026-99-99T00:00:00Z INFO x'],
  ])
  expect(parseLogFile('')).toEqual([])
})
