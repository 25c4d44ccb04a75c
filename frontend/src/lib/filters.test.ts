import { expect, it } from 'vitest'
import {
  parseBrowserPlace,
  parseJobFilters,
  parseLogTab,
  parseRestoreSearch,
  parseSnapshotFilters,
} from './filters'

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

it('keeps what makes sense of the filters of snapshots', () => {
  expect(parseSnapshotFilters({ stack: 404, plan: '', complete: true, other: 'x' })).toEqual({
    stack: '404',
    complete: true,
  })
  expect(parseSnapshotFilters({ complete: 'yes' })).toEqual({})
})

it('reads a place in a snapshot, by its bytes where both are named', () => {
  expect(parseBrowserPlace({ path: 'data', file: 'a.txt' })).toEqual({ path: 'data', file: 'a.txt' })
  expect(parseBrowserPlace({ path: 'data', path_bytes: 'ff' })).toEqual({ path_bytes: 'ff' })
  expect(parseBrowserPlace({})).toEqual({})
})

it('reads what is to be restored, one path or several', () => {
  expect(parseRestoreSearch({ stack: 'blog' })).toEqual({ stack: 'blog' })
  expect(parseRestoreSearch({ snapshot: 'snap_1', path: 'a' })).toEqual({ snapshot: 'snap_1', path: ['a'] })
  expect(parseRestoreSearch({ snapshot: 'snap_1', path: ['a', '', 7, null] })).toEqual({
    snapshot: 'snap_1',
    path: ['a', '7'],
  })
})
