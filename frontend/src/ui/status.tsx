import { CircleAlert, CircleCheck, CircleDashed, CircleX, LoaderCircle } from 'lucide-react'
import type { ReactNode } from 'react'
import type { JobState, StackState } from '@/api/client'
import { jobTone, type Tone } from '@/lib/job'
import { jobStateWord, stackStateWord } from '@/lib/words'
import { cn } from './cn'

const ICON = { ok: CircleCheck, warn: CircleAlert, bad: CircleX, busy: LoaderCircle, none: CircleDashed }
export const toneClass: Record<Tone, string> = {
  ok: 'text-ok',
  warn: 'text-warn',
  bad: 'text-bad',
  busy: 'text-accent',
  none: 'text-muted',
}

/** A mark with its word: never by colour alone. */
export function Status({ tone, children }: { tone: Tone; children: ReactNode }) {
  const Icon = ICON[tone]
  return (
    <span className={cn('inline-flex items-center gap-1.5 whitespace-nowrap font-medium', toneClass[tone])}>
      <Icon className={cn('size-4 shrink-0', tone === 'busy' && 'animate-spin')} aria-hidden />
      <span>{children}</span>
    </span>
  )
}

export function JobStatus({ state }: { state: JobState }) {
  return <Status tone={jobTone[state]}>{jobStateWord[state]}</Status>
}

const DOT: Record<StackState, string> = {
  running: 'bg-ok',
  partial: 'bg-warn',
  stopped: 'border-2 border-muted',
  unknown: 'border-2 border-muted border-dashed',
}

export function StackStatus({ state }: { state: StackState }) {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <i aria-hidden className={cn('size-2.5 shrink-0 rounded-full', DOT[state])} />
      {stackStateWord[state]}
    </span>
  )
}
