import { describe, expect, it } from 'vitest'
import { aJob, aStack } from '../../test/samples'
import { filterStacks, type StackChoice, worstFirst } from './stack-filter'

const stacks = [
  aStack('Blog', { last_job: aJob({ state: 'succeeded' }) }),
  aStack('bare', { protected: false, state: 'stopped' }),
  aStack('failed', { last_job: aJob({ state: 'failed' }), state: 'partial' }),
]
const names = (of: readonly { name: string }[]) => of.map((one) => one.name)

it('puts first what needs somebody', () => {
  expect(names(worstFirst(stacks))).toEqual(['failed', 'bare', 'Blog'])
})

describe('filterStacks', () => {
  it.each<[string, StackChoice, string[]]>([
    ['', 'all', ['Blog', 'bare', 'failed']],
    [' BL ', 'all', ['Blog']],
    ['', 'attention', ['bare', 'failed']],
    ['', 'running', ['Blog', 'failed']],
    ['', 'stopped', ['bare']],
    ['b', 'stopped', ['bare']],
  ])('"%s" among %s', (words, choice, expected) =>
    expect(names(filterStacks(stacks, words, choice))).toEqual(expected),
  )
})
