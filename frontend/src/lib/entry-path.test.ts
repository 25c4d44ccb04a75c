import { describe, expect, it } from 'vitest'
import { crumbsOf, downloadUrl, placeOfEntry, tarUrl, textOfFile } from './entry-path'

const hex = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('')

describe('crumbsOf', () => {
  it('has none at the top', () => expect(crumbsOf({})).toEqual([]))

  it('leads to each directory on the way', () => {
    expect(crumbsOf({ path: 'volumes/blog_db/base' })).toEqual([
      { name: 'volumes', place: { path: 'volumes' } },
      { name: 'blog_db', place: { path: 'volumes/blog_db' } },
      { name: 'base', place: { path: 'volumes/blog_db/base' } },
    ])
  })

  it('follows bytes that are no UTF-8, also where a digit pair only looks like a slash', () => {
    // "\xf2\xff" holds the digits 2f across two bytes.
    expect(crumbsOf({ path_bytes: `${hex('data/')}f2ff` })).toEqual([
      { name: 'data', place: { path_bytes: hex('data') } },
      { name: '\ufffd\ufffd', place: { path_bytes: `${hex('data/')}f2ff` } },
    ])
  })
})

it('addresses an entry by its bytes only where it must', () => {
  expect(placeOfEntry({ path: 'a/b', path_bytes: null })).toEqual({ path: 'a/b' })
  expect(placeOfEntry({ path: 'a/\ufffd', path_bytes: '612fff' })).toEqual({ path_bytes: '612fff' })
})

it('quotes what a path may have in it', () => {
  expect(downloadUrl('snap_1', { path: 'a&b/c d#e' })).toBe(
    '/api/v1/snapshots/snap_1/download?path=a%26b%2Fc+d%23e',
  )
  expect(downloadUrl('snap_1')).toBe('/api/v1/snapshots/snap_1/download')
})

it('asks for a directory as a tar', () => {
  expect(tarUrl('snap_1', { path: 'data/a b' })).toBe(
    '/api/v1/snapshots/snap_1/download?path=data%2Fa+b&archive=tar',
  )
  expect(tarUrl('snap_1')).toBe('/api/v1/snapshots/snap_1/download?archive=tar')
})

describe('textOfFile', () => {
  const bytes = (...all: number[]) => Uint8Array.from(all).buffer
  it('shows text', () => expect(textOfFile(bytes(0x68, 0xc3, 0xa9))).toBe('hé'))
  it('shows nothing that has zeros', () => expect(textOfFile(bytes(0x68, 0))).toBeNull())
  it('shows nothing that is no UTF-8', () => expect(textOfFile(bytes(0xff, 0x68))).toBeNull())
})
