import { describe, expect, it } from 'vitest'
import { aJob } from '../../test/samples'
import { hasShrunk, median, type Point, trendOf } from './trend'

const points = (...values: number[]): Point[] =>
  values.map((value, i) => ({ job: `${i}`, at: `${i}`, value }))

describe('trendOf', () => {
  const good = (id: string, day: number, over = {}) =>
    aJob({
      id,
      state: 'succeeded',
      started_at: `2026-11-${day}T02:00:00.000Z`,
      finished_at: `2026-11-${day}T02:01:00.000Z`,
      bytes_stored: day,
      stopped_ms: day * 10,
      ...over,
    })

  it('takes good backups only, the oldest first', () => {
    const jobs = [
      good('b', 21),
      good('failed', 20, { state: 'failed' }),
      good('dry', 20, { dry_run: true }),
      good('verify', 20, { kind: 'verify' }),
      good('a', 19),
    ]
    expect(trendOf(jobs, 'size').map((point) => [point.job, point.value])).toEqual([
      ['a', 19],
      ['b', 21],
    ])
    expect(trendOf(jobs, 'duration').map((point) => point.value)).toEqual([60_000, 60_000])
  })

  it('leaves out what was not measured', () => {
    expect(trendOf([good('a', 19, { stopped_ms: null }), good('b', 20)], 'stopped')).toHaveLength(1)
  })
})

it('knows the middle', () => {
  expect(median([5, 1, 9])).toBe(5)
  expect(median([])).toBe(0)
})

describe('hasShrunk', () => {
  it.each([
    ['half and less', points(100, 110, 105, 40), true],
    ['a little less', points(100, 110, 105, 80), false],
    ['too few to tell', points(100, 10), false],
    ['nothing', [], false],
  ])('%s', (_, of, expected) => expect(hasShrunk(of)).toBe(expected))
})
