import { Link } from '@tanstack/react-router'
import type { Snapshot } from '@/api/client'
import { bytes } from '@/lib/format'
import { shortId } from '@/lib/instance'
import { Status } from '@/ui/status'
import { Ago, When } from '@/ui/time'

/** What it is a snapshot of, in a word. */
export function subjectOf(snapshot: Snapshot): string {
  return snapshot.stack ?? snapshot.plan ?? snapshot.instance ?? 'nothing known'
}

/** Whether a snapshot can be trusted. */
export function SnapshotStatus({ snapshot }: { snapshot: Snapshot }) {
  if (snapshot.removed_at) return <Status tone="none">Removed</Status>
  if (snapshot.damage) return <Status tone="bad">Damaged</Status>
  if (!snapshot.is_complete) return <Status tone="warn">Has gaps</Status>
  return snapshot.verified_at ? (
    <Status tone="ok">Verified</Status>
  ) : (
    <Status tone="none">Not verified</Status>
  )
}

export function SnapshotRows({ snapshots }: { snapshots: readonly Snapshot[] }) {
  return (
    <ul className="divide-y divide-line">
      {snapshots.map((snapshot) => (
        <li
          key={snapshot.id}
          className="relative grid gap-x-6 gap-y-0.5 px-4 py-2.5 hover:bg-raised/60 sm:grid-cols-[minmax(0,1fr)_8rem_9rem] sm:items-center"
        >
          <div className="min-w-0">
            <p className="font-medium">
              <Link
                to="/snapshots/$id"
                params={{ id: snapshot.id }}
                className="break-all underline-offset-4 after:absolute after:inset-0 hover:underline"
              >
                {subjectOf(snapshot)}, <When at={snapshot.created_at} />
              </Link>
            </p>
            <p className="break-all font-mono text-muted text-xs">
              {snapshot.archive ?? shortId(snapshot.reference)}
            </p>
          </div>
          <SnapshotStatus snapshot={snapshot} />
          <p className="text-muted sm:text-right">
            {bytes(snapshot.size_bytes)}
            <span className="text-xs sm:block">
              <span className="sm:hidden">, </span>
              <Ago at={snapshot.created_at} />
            </span>
          </p>
        </li>
      ))}
    </ul>
  )
}
