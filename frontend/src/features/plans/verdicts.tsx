import type { Schemas } from '@/api/client'
import { count, sentence } from '@/lib/format'
import { shortId } from '@/lib/instance'
import { Empty } from '@/ui/card'
import { Status } from '@/ui/status'
import { When } from '@/ui/time'

/** What retention keeps and what it removes, each with its reason. */
export function Verdicts({ verdicts }: { verdicts: readonly Schemas['KeepVerdict'][] }) {
  if (verdicts.length === 0) return <Empty title="Nothing to judge">There are no snapshots of it yet.</Empty>
  const kept = verdicts.filter((verdict) => verdict.kept).length
  return (
    <>
      <p className="px-4 py-2.5 text-muted">
        Keeps {count(kept, 'snapshot')}, removes {verdicts.length - kept || 'none'}.
      </p>
      <ul className="max-h-96 divide-y divide-line overflow-auto border-line border-t">
        {verdicts.map((verdict) => (
          <li
            key={verdict.id}
            className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2"
          >
            <div className="min-w-0 flex-1 basis-56">
              <p className="font-medium">
                <When at={verdict.at} />{' '}
                <span className="break-all font-mono text-muted text-xs" title={verdict.id}>
                  {shortId(verdict.id)}
                </span>
              </p>
              <p className="break-words text-muted text-xs">{sentence(verdict.reason)}</p>
            </div>
            <Status tone={verdict.kept ? 'ok' : 'warn'}>{verdict.kept ? 'Kept' : 'Removed'}</Status>
          </li>
        ))}
      </ul>
    </>
  )
}
