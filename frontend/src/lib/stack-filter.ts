/** Which stacks are listed, and in which order. Pure. */
import type { Stack } from '@/api/client'
import { isFailing } from './verdict'

export type StackChoice = 'all' | 'attention' | 'running' | 'stopped'

export const STACK_CHOICES: readonly { value: StackChoice; label: string }[] = [
  { value: 'all', label: 'All stacks' },
  { value: 'attention', label: 'Need attention' },
  { value: 'running', label: 'Running' },
  { value: 'stopped', label: 'Stopped' },
]

type Listed = Pick<Stack, 'name' | 'state' | 'protected' | 'last_job'>

const IS_CHOSEN: Record<StackChoice, (stack: Listed) => boolean> = {
  all: () => true,
  attention: (stack) => !stack.protected || isFailing(stack),
  running: (stack) => stack.state === 'running' || stack.state === 'partial',
  stopped: (stack) => stack.state === 'stopped',
}

const rank = (stack: Listed) => (isFailing(stack) ? 0 : stack.protected ? 2 : 1)

/** What needs somebody comes first; the order of the names otherwise. */
export function worstFirst<T extends Listed>(stacks: readonly T[]): T[] {
  return [...stacks].sort((a, b) => rank(a) - rank(b))
}

/** Those that are chosen and have `words` in their names, whatever the case. */
export function filterStacks<T extends Listed>(
  stacks: readonly T[],
  words: string,
  choice: StackChoice,
): T[] {
  const wanted = words.trim().toLowerCase()
  return stacks.filter((stack) => IS_CHOSEN[choice](stack) && stack.name.toLowerCase().includes(wanted))
}
