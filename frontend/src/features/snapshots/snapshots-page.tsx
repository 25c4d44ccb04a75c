import { getRouteApi, Link } from '@tanstack/react-router'
import { api, BY_CURSOR, type Snapshot } from '@/api/client'
import { bytes } from '@/lib/format'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Status } from '@/ui/status'
import { Ago, When } from '@/ui/time'
import { Filters } from './snapshot-filters'

const route = getRouteApi('/snapshots')

/** What it is a snapshot of, in a word. */
export function subjectOf(snapshot: Snapshot): string {
  return snapshot.stack ?? snapshot.plan ?? snapshot.instance ?? 'nothing known'
}

/** Whether a snapshot can be trusted. */
export function SnapshotStatus({ snapshot }: { snapshot: Snapshot }) {
  if (snapshot.removed_at) return <Status tone="none">Removed</Status>
  if (!snapshot.is_complete) return <Status tone="warn">Has gaps</Status>
  return snapshot.verified_at ? (
    <Status tone="ok">Verified</Status>
  ) : (
    <Status tone="none">Not verified</Status>
  )
}

function Rows({ snapshots }: { snapshots: readonly Snapshot[] }) {
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
            <p className="break-all font-mono text-muted text-xs">{snapshot.reference}</p>
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

function NoSnapshots({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No snapshot matches">Change or clear the filters above.</Empty>
  ) : (
    <Empty title="No snapshots yet">A backup that succeeds leaves one here.</Empty>
  )
}

export function SnapshotsPage() {
  const filters = route.useSearch()
  const query = api.useInfiniteQuery(
    'get',
    '/api/v1/snapshots',
    { params: { query: { limit: 50, ...filters } } },
    BY_CURSOR,
  )
  const isFiltered = Object.keys(filters).length > 0
  return (
    <>
      <PageHead documentTitle="Snapshots" title="Snapshots" lead="What can be restored, newest first." />
      <Filters filters={filters} />
      <Card>
        <QueryState query={query} what="The snapshots" skeleton={<SkeletonRows rows={6} size="h-10" />}>
          {(data) => {
            const snapshots = data.pages.flatMap((page) => page.items)
            return snapshots.length > 0 ? (
              <Rows snapshots={snapshots} />
            ) : (
              <NoSnapshots isFiltered={isFiltered} />
            )
          }}
        </QueryState>
      </Card>
      {query.hasNextPage && (
        <div className="mt-4 flex justify-center">
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? 'Loading…' : 'Load more'}
          </Button>
        </div>
      )}
    </>
  )
}
