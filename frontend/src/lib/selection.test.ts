import { expect, it } from 'vitest'
import { backupEffect, chosen, tickState, toggle, toggleAll } from './selection'

const names = ['a', 'b', 'c']

it('ticks and unticks one', () => {
  expect([...toggle(new Set(), 'a')]).toEqual(['a'])
  expect([...toggle(new Set(['a', 'b']), 'a')]).toEqual(['b'])
})

it('ticks all, and none when all are ticked; what is not shown keeps its tick', () => {
  expect([...toggleAll(new Set(['a']), names)].sort()).toEqual(names)
  expect([...toggleAll(new Set([...names, 'hidden']), names)]).toEqual(['hidden'])
})

it('tells between none, some and all', () => {
  expect(tickState(new Set(), names)).toBe('none')
  expect(tickState(new Set(['b']), names)).toBe('some')
  expect(tickState(new Set(names), names)).toBe('all')
  expect(tickState(new Set(['gone']), names)).toBe('none')
  expect(tickState(new Set(), [])).toBe('none')
})

it('forgets stacks that are gone', () => {
  expect(chosen(new Set(['gone', 'c', 'a']), names)).toEqual(['a', 'c'])
})

it('knows what a backup does to each stack', () => {
  const effect = backupEffect([
    { name: 'web', state: 'running', skip_stop: false },
    { name: 'half', state: 'partial', skip_stop: false },
    { name: 'proxy', state: 'running', skip_stop: true },
    { name: 'old', state: 'stopped', skip_stop: false },
  ])
  expect(effect).toEqual({ stopped: ['web', 'half'], runOn: ['proxy'], atRest: ['old'] })
})
