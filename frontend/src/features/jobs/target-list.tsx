import type { JobKind, Target } from '@/api/client'
import { bytes, sentence } from '@/lib/format'
import type { Tone } from '@/lib/job'
import { restoredStateWord, targetKindWord, targetStateWord } from '@/lib/words'
import { Status } from '@/ui/status'

const TONE: Record<Target['state'], Tone> = {
  pending: 'none',
  succeeded: 'ok',
  partial: 'warn',
  failed: 'bad',
  skipped: 'none',
}

/** A stack has one of these, which then bears the stack's own name. */
const isOnlyOne = (target: Target) => target.kind === 'compose' || target.kind === 'data'

const title = (target: Target) => (isOnlyOne(target) ? targetKindWord[target.kind] : target.name)

const about = (target: Target) =>
  [
    isOnlyOne(target) ? '' : targetKindWord[target.kind],
    target.size_bytes > 0 ? bytes(target.size_bytes) : '',
  ]
    .filter(Boolean)
    .join(', ')

/** How each target came out, or will when the job is not over. */
export function TargetList({
  targets,
  isOver,
  kind = 'backup',
}: {
  targets: readonly Target[]
  isOver: boolean
  kind?: JobKind
}) {
  const word = kind === 'restore' ? restoredStateWord : targetStateWord
  return (
    <ul className="divide-y divide-line">
      {targets.map((target) => (
        <li
          key={`${target.kind} ${target.name}`}
          className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2.5"
        >
          <div className="min-w-0 flex-1 basis-48">
            <p className="font-medium [overflow-wrap:anywhere]">{title(target)}</p>
            <p className="text-muted text-xs">{about(target)}</p>
            {target.message && <p className="break-words text-xs">{sentence(target.message)}</p>}
          </div>
          <Status tone={TONE[target.state]}>
            {isOver && target.state === 'pending' ? 'Not reached' : word[target.state]}
          </Status>
        </li>
      ))}
    </ul>
  )
}
