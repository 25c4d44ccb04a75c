import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import type { Stack } from '@/api/client'
import { chosen, type Ticked, tickState, toggle, toggleAll } from '@/lib/selection'
import { filterStacks, STACK_CHOICES, type StackChoice, worstFirst } from '@/lib/stack-filter'
import { Card, Empty } from '@/ui/card'
import { Checkbox } from '@/ui/checkbox'
import { Command } from '@/ui/copy'
import { inputClass } from '@/ui/field'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { BackupButton } from './backup-button'
import { StackColumns, StackRows } from './stack-rows'
import { useStacks } from './use-stacks'

function NoStacks() {
  return (
    <Empty title="No stacks found">
      <p>
        Mainstay shows every Compose project that has containers, and every directory below the configured
        stacks directory. Start one, or check what Mainstay can see:
      </p>
      <div className="mt-3 text-left">
        <Command text="mainstay doctor" label="the command" />
      </div>
    </Empty>
  )
}

/** The stacks with a box each, and the button that backs up the ticked ones. Works on what it is given. */
export function StackPicker({ stacks }: { stacks: readonly Stack[] }) {
  const [ticked, setTicked] = useState<Ticked>(new Set())
  const toggleOne = useCallback((name: string) => setTicked((before) => toggle(before, name)), [])
  const [words, setWords] = useState('')
  const wanted = useDeferredValue(words)
  const [choice, setChoice] = useState<StackChoice>('all')
  const sorted = useMemo(() => worstFirst(stacks), [stacks])
  const shown = filterStacks(sorted, wanted, choice)
  const names = shown.map((stack) => stack.name)
  const all = stacks.map((stack) => stack.name)
  const picked = chosen(ticked, all)
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2.5">
        <div className="flex items-center gap-3">
          <Checkbox
            state={tickState(ticked, names)}
            label="Select all stacks"
            onToggle={() => setTicked(toggleAll(ticked, names))}
          />
          <span role="status" className="text-muted tabular-nums">
            {picked.length > 0 ? `${picked.length} of ${all.length} selected` : 'Select all'}
          </span>
        </div>
        <div className="ml-auto flex min-w-0 flex-wrap items-center gap-2">
          {stacks.length > 6 && (
            <label className="min-w-0">
              <span className="sr-only">Which stacks are shown</span>
              <select
                value={choice}
                onChange={(event) => setChoice(event.target.value as StackChoice)}
                className={`${inputClass} pr-7`}
              >
                {STACK_CHOICES.map((one) => (
                  <option key={one.value} value={one.value}>
                    {one.label}
                  </option>
                ))}
              </select>
            </label>
          )}
          {stacks.length > 6 && (
            <label className="min-w-0">
              <span className="sr-only">Filter stacks by name</span>
              <input
                type="search"
                value={words}
                onChange={(event) => setWords(event.target.value)}
                placeholder="Filter by name"
                className={`${inputClass} w-40`}
              />
            </label>
          )}
          <BackupButton
            stacks={stacks.filter((stack) => ticked.has(stack.name))}
            onStarted={() => setTicked(new Set())}
          />
        </div>
      </div>
      <StackColumns />
      {shown.length > 0 ? (
        <StackRows stacks={shown} ticked={ticked} onToggle={toggleOne} />
      ) : (
        <Empty title="No stack matches">Change the filters above.</Empty>
      )}
    </>
  )
}

export function StacksCard() {
  const query = useStacks()
  const found = query.data?.items.length
  return (
    <Card title="Stacks" hint={found === undefined ? 'Looking…' : `${found} found`}>
      <QueryState query={query} what="The stacks" skeleton={<SkeletonRows rows={5} size="h-10" />}>
        {(page) => (page.items.length === 0 ? <NoStacks /> : <StackPicker stacks={page.items} />)}
      </QueryState>
    </Card>
  )
}
