import { describe, expect, it } from 'vitest'
import { aJob, aPlanTarget } from '../../test/samples'
import { jobsByStack, stripOf, stripText } from './strip'

const now = new Date(2026, 10, 28, 9, 30).getTime()
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString()
const job = (day: number, hour: number, state: 'succeeded' | 'failed' | 'partial' | 'cancelled') =>
  aJob({ state, finished_at: at(day, hour) })

describe('stripOf', () => {
  it('has a cell for each day, the newest last', () => {
    const cells = stripOf([job(28, 2, 'succeeded'), job(27, 2, 'failed')], now, 4)
    expect(cells.map((cell) => cell.tone)).toEqual(['none', 'none', 'bad', 'ok'])
    expect(cells.at(-1)?.text).toBe('28 Nov: succeeded')
  })

  it('counts how a day ended: a retry that succeeded mends it, in whatever order the jobs come', () => {
    const [cell] = stripOf([job(28, 7, 'succeeded'), job(28, 2, 'failed')], now, 1)
    expect(cell).toMatchObject({ tone: 'ok', text: '28 Nov: succeeded, 2 jobs' })
    expect(stripOf([job(28, 7, 'failed'), job(28, 2, 'succeeded')], now, 1)[0]?.tone).toBe('bad')
  })

  it('takes no cancelled job for an answer', () => {
    expect(stripOf([job(28, 7, 'cancelled'), job(28, 2, 'partial')], now, 1)[0]?.tone).toBe('warn')
    expect(stripOf([job(28, 7, 'cancelled')], now, 1)[0]?.tone).toBe('none')
  })

  it('leaves out what is older', () => {
    expect(stripOf([job(3, 2, 'failed')], now, 7).every((cell) => cell.tone === 'none')).toBe(true)
  })
})

describe('jobsByStack', () => {
  it('takes jobs of the stack and of plans that have it as a target, and only backups', () => {
    const plans = [{ id: 'nas', targets: [aPlanTarget({ kind: 'stack', name: 'wiki' }), aPlanTarget()] }]
    const found = jobsByStack(
      [
        aJob({ state: 'succeeded', stack: 'blog' }),
        aJob({ state: 'succeeded', stack: null, plan: 'nas' }),
        aJob({ state: 'succeeded', kind: 'verify', stack: 'blog' }),
        aJob({ state: 'succeeded', dry_run: true, stack: 'blog' }),
        aJob({ state: 'running', stack: 'blog' }),
      ],
      plans,
    )
    expect([...found].map(([name, jobs]) => [name, jobs.length])).toEqual([
      ['blog', 1],
      ['wiki', 1],
    ])
  })
})

describe('stripText', () => {
  it('says the same in words', () => {
    const cells = stripOf([job(28, 2, 'succeeded'), job(27, 2, 'failed')], now, 3)
    expect(stripText(cells)).toBe('Last 3 days: 1 good, 1 failed, 1 without a backup')
  })
})
