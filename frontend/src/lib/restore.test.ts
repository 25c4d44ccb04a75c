import { expect, it } from 'vitest'
import { shellQuote, unpackCommand } from './restore'

it('quotes what a shell would read', () => {
  expect(shellQuote('/opt/backups/blog_1.tar.gz')).toBe('/opt/backups/blog_1.tar.gz')
  expect(shellQuote("/opt/my backups/it's $HOME.tar.gz")).toBe(`'/opt/my backups/it'\\''s $HOME.tar.gz'`)
  expect(shellQuote('')).toBe("''")
})

it('names the right decompressor', () => {
  expect(unpackCommand('/b/a.tar.gz')).toBe(
    'mkdir -p restore && tar -x -z --numeric-owner --xattrs -p -C restore -f /b/a.tar.gz',
  )
  expect(unpackCommand('/b/a.tar.zst')).toContain('tar -x --zstd ')
  expect(unpackCommand('/b/a.tar.gz.age')).toBe(
    'mkdir -p restore && age -d -i key.txt /b/a.tar.gz.age | tar -x -z --numeric-owner --xattrs -p -C restore -f -',
  )
})
