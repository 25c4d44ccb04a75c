import { expect, it } from 'vitest'
import { parseJobFilters, parseLogTab, parseSnapshotFilters } from './filters'

it('keeps what makes sense and drops the rest', () => {
  expect(parseJobFilters({ state: 'failed', kind: 'backup', stack: 'blog', page: 3 })).toEqual({
    state: 'failed',
    kind: 'backup',
    stack: 'blog',
  })
  expect(parseJobFilters({ state: 'success', kind: 7, stack: '' })).toEqual({})
  expect(parseJobFilters({ state: 'toString', kind: 'constructor', stack: {} })).toEqual({})
})

it('takes a stack whose name looks like a number', () => {
  expect(parseJobFilters({ stack: 404 })).toEqual({ stack: '404' })
  expect(parseSnapshotFilters({ stack: 404 })).toEqual({ stack: '404' })
})

it('knows the tabs of the logs', () => {
  expect(parseLogTab({ tab: 'files' })).toEqual({ tab: 'files' })
  expect(parseLogTab({ tab: 'other' })).toEqual({})
})
