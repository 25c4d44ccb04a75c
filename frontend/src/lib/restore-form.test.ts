import { describe, expect, it } from 'vitest'
import { commandOf, missing, optionsOf, type RestoreForm, type TargetName } from './restore-form'

const all: TargetName[] = [
  { kind: 'compose', name: 'blog' },
  { kind: 'volume', name: 'blog_db' },
]
const form = (over: Partial<RestoreForm> = {}): RestoreForm => ({
  destination: 'new_stack',
  directory: '',
  stackName: 'blog-restored',
  without: new Set(),
  paths: [],
  keepsOld: true,
  ...over,
})

describe('optionsOf', () => {
  it('asks for all of it by naming nothing', () => {
    expect(optionsOf(form(), all)).toEqual({
      destination: 'new_stack',
      targets: [],
      paths: [],
      stack_name: 'blog-restored',
      overwrite: false,
      safety_copy: true,
    })
  })

  it('names what is chosen when something is left out', () => {
    const options = optionsOf(form({ without: new Set(['compose:blog']) }), all)
    expect(options.targets).toEqual([{ kind: 'volume', name: 'blog_db' }])
  })

  it('replaces only in place', () => {
    expect(optionsOf(form({ destination: 'in_place' }), all)).toMatchObject({ overwrite: true })
    expect(optionsOf(form({ destination: 'directory', directory: ' /srv/x ' }), all)).toMatchObject({
      overwrite: false,
      directory: '/srv/x',
    })
  })

  it('lets paths stand for themselves', () => {
    const options = optionsOf(form({ paths: ['data/a'], without: new Set(['compose:blog']) }), all)
    expect(options).toMatchObject({ targets: [], paths: ['data/a'] })
  })
})

describe('missing', () => {
  it.each([
    ['a directory', form({ destination: 'directory' }), 'Name the directory first.'],
    [
      'a whole path',
      form({ destination: 'directory', directory: 'srv' }),
      'The directory begins with a slash.',
    ],
    ['a name', form({ stackName: ' ' }), 'Name the new stack first.'],
    [
      'anything at all',
      form({ without: new Set(['compose:blog', 'volume:blog_db']) }),
      'Choose at least one thing to restore.',
    ],
    ['nothing', form(), null],
  ])('%s', (_, of, expected) => expect(missing(of, all)).toBe(expected))
})

describe('commandOf', () => {
  it.each([
    [form(), 'mainstay restore snap_1 --as-stack blog-restored'],
    [form({ destination: 'in_place' }), 'mainstay restore snap_1 --in-place --overwrite'],
    [
      form({ destination: 'in_place', keepsOld: false, without: new Set(['compose:blog']) }),
      'mainstay restore snap_1 --target volume:blog_db --in-place --overwrite --no-safety-copy',
    ],
    [
      form({ destination: 'directory', directory: '/srv/my files', paths: ['data/a b'] }),
      "mainstay restore snap_1 --path 'data/a b' --to '/srv/my files'",
    ],
  ])('%#', (of, command) => expect(commandOf('snap_1', of, all)).toBe(command))
})
