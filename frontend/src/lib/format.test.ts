import { describe, expect, it } from 'vitest'
import { ago, bytes, count, duration, list, sentence, shortTime, stopwatch, zonedTime } from './format'

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [200 * 1024 ** 2, '200 MiB'],
    [5 * 1024 ** 6, '5120 PiB'],
  ])('%d is %s', (n, text) => expect(bytes(n)).toBe(text))
})

describe('ago', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  it.each([
    ['2026-11-21T11:59:30Z', 'just now'],
    ['2026-11-21T12:00:20Z', 'in moments'],
    ['2026-11-21T11:55:00Z', '5 minutes ago'],
    ['2026-11-21T11:00:20Z', '1 hour ago'],
    ['2026-11-21T18:00:00Z', 'in 6 hours'],
    ['2026-11-18T12:00:00Z', '3 days ago'],
    ['2026-08-21T12:00:00Z', '3 months ago'],
  ])('%s is %s', (at, text) => expect(ago(at, now)).toBe(text))
})

describe('duration', () => {
  it.each([
    [-5, '0 ms'],
    [850, '850 ms'],
    [2_449, '2.4 s'],
    [59_999, '59.9 s'],
    [185_000, '3 min 05 s'],
    [7_380_000, '2 h 03 min'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text))
})

describe('stopwatch', () => {
  it.each([
    [-100, '00:00'],
    [41_900, '00:41'],
    [3_723_000, '1:02:03'],
  ])('%d ms is %s', (ms, text) => expect(stopwatch(ms)).toBe(text))
})

it('counts with the right word', () => {
  expect([count(0, 'stack'), count(1, 'stack'), count(1_204, 'entry', 'entries')]).toEqual([
    '0 stacks',
    '1 stack',
    '1,204 entries',
  ])
})

it('lists names, and only their number from the fourth on', () => {
  expect(list([])).toBe('')
  expect(list(['a'])).toBe('a')
  expect(list(['a', 'b', 'c'])).toBe('a, b and c')
  expect(list(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b and 4 more')
})

it('begins a text of the service as a sentence, and leaves names as they are', () => {
  expect(sentence('it was cancelled')).toBe('It was cancelled')
  expect(sentence('/srv/blog is gone')).toBe('/srv/blog is gone')
  expect(sentence('blog_db is gone')).toBe('blog_db is gone')
  expect(sentence('')).toBe('')
})

it('tells the time of another zone, and the own one for a zone that nobody knows', () => {
  expect(zonedTime('2026-11-28T01:00:00Z', 'Europe/Berlin')).toMatch(/0?2:00/)
  expect(zonedTime('2026-11-28T01:00:00Z', 'Mars/Olympus')).toBe(shortTime('2026-11-28T01:00:00Z'))
})
