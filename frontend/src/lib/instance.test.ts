import { expect, it } from 'vitest'
import { placeOf, shortId } from './instance'

it('shortens hashes and takes archives by their name', () => {
  expect(shortId('9f3c2a41d0b5aa77')).toBe('9f3c2a41')
  expect(shortId('/opt/backups/nas_2026-11-21_02-00-00.tar.gz')).toBe('nas_2026-11-21_02-00-00.tar.gz')
  expect(shortId('9f3c')).toBe('9f3c')
})

it('says where data goes', () => {
  expect(placeOf({ repository: 'sftp:nas:/r', custom_image: null })).toBe('sftp:nas:/r')
  expect(placeOf({ repository: null, custom_image: 'org/tool:1' })).toBe('org/tool:1')
  expect(placeOf({ repository: null, custom_image: null })).toBe('')
})
