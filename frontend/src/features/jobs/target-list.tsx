import type { Target } from '@/api/client'
import { bytes } from '@/lib/format'
import type { Tone } from '@/lib/job'
import { targetKindWord, targetStateWord } from '@/lib/words'
import { Status } from '@/ui/status'

const TONE: Record<Target['state'], Tone> = {
  pending: 'none',
  succeeded: 'ok',
  partial: 'warn',
  failed: 'bad',
  skipped: 'none',
}

/** How each target came out. */
export function TargetList({ targets }: { targets: readonly Target[] }) {
  return (
    <ul className="divide-y divide-line">
      {targets.map((target) => (
        <li
          key={`${target.kind} ${target.name}`}
          className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2.5"
        >
          <div className="min-w-0 flex-1 basis-48">
            <p className="break-words font-medium">{target.name}</p>
            <p className="text-muted text-xs">
              {targetKindWord[target.kind]}
              {target.size_bytes > 0 && `, ${bytes(target.size_bytes)}`}
            </p>
            {target.message && <p className="break-words text-xs">{target.message}</p>}
          </div>
          <Status tone={TONE[target.state]}>{targetStateWord[target.state]}</Status>
        </li>
      ))}
    </ul>
  )
}
