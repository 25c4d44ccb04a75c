import { describe, expect, it } from 'vitest'
import { nextWord, pastWord } from './when'

/** A time in the reader's zone, on day `day` of November 2026; the 28th is a Saturday. */
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).toISOString()
const now = new Date(2026, 10, 28, 9, 30).getTime()

describe('pastWord', () => {
  it.each([
    [at(28, 9, 30), 'just now'],
    [at(28, 2), 'last night'],
    [at(27, 23), 'last night'],
    [at(28, 7, 5), 'today at 07:05'],
    [at(27, 14), 'yesterday at 14:00'],
    [at(23, 2), 'on Monday'],
    [at(3, 2), 'on 3 Nov'],
  ])('%s is %s', (iso, text) => expect(pastWord(iso, now)).toBe(text))

  it('does not call the night that still lasts the last one', () => {
    expect(pastWord(at(28, 2), new Date(2026, 10, 28, 3).getTime())).toBe('today at 02:00')
  })
})

describe('nextWord', () => {
  it.each([
    [at(28, 22), '22:00'],
    [at(29, 2), '02:00'],
    [at(29, 12), 'tomorrow at 12:00'],
    [at(30, 2), 'Monday at 02:00'],
    [new Date(2026, 11, 24, 2).toISOString(), '24 Dec'],
  ])('%s is %s', (iso, text) => expect(nextWord(iso, now)).toBe(text))
})
