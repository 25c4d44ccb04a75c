import { expect, it, vi } from 'vitest'
import { LogStore, type ViewLine } from './log-store'

const line = (n: number): ViewLine => ({ n, at: null, level: 'INFO', message: `line ${n}` })
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i))

function manual(most?: number) {
  const frames: (() => void)[] = []
  const store = new LogStore(most, (run) => frames.push(run))
  const draw = () => frames.splice(0).forEach((run) => void run())
  return { store, frames, draw }
}

it('tells its readers once a frame, however much came', () => {
  const { store, frames, draw } = manual()
  const told = vi.fn()
  store.subscribe(told)
  for (let n = 1; n <= 100; n += 1) store.push([line(n)])
  expect(frames).toHaveLength(1)
  expect(told).not.toHaveBeenCalled()
  draw()
  expect(told).toHaveBeenCalledTimes(1)
  expect(store.getSnapshot().lines).toHaveLength(100)
})

it('drops lines that a resumed stream sends again', () => {
  const { store, draw } = manual()
  store.push(lines(1, 5))
  draw()
  store.push(lines(3, 8))
  draw()
  expect(store.getSnapshot().lines.map((one) => one.n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

it('keeps the newest lines when there are too many, and says so', () => {
  const { store, draw } = manual(100)
  store.push(lines(1, 100))
  draw()
  expect(store.getSnapshot().isTrimmed).toBe(false)
  store.push(lines(101, 150))
  draw()
  const { lines: kept, isTrimmed } = store.getSnapshot()
  expect(isTrimmed).toBe(true)
  expect(kept.length).toBeLessThanOrEqual(100)
  expect(kept.at(-1)?.n).toBe(150)
  expect(kept.map((one) => one.n)).toEqual(lines(150 - kept.length + 1, 150).map((one) => one.n))
})

it('starts over after a reset, from any number', () => {
  const { store, draw } = manual()
  store.push(lines(500, 510))
  draw()
  store.clear()
  expect(store.getSnapshot().lines).toHaveLength(0)
  store.push(lines(1, 3))
  draw()
  expect(store.getSnapshot().lines).toHaveLength(3)
})

it('changes its snapshot only when something changed', () => {
  const { store, draw } = manual()
  store.push(lines(1, 2))
  draw()
  const before = store.getSnapshot()
  store.push(lines(1, 2))
  draw()
  expect(store.getSnapshot()).toBe(before)
})
