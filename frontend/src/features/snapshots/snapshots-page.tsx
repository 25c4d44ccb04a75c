import { getRouteApi } from '@tanstack/react-router'
import { api, BY_CURSOR } from '@/api/client'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Filters } from './snapshot-filters'
import { SnapshotRows } from './snapshot-rows'

const route = getRouteApi('/snapshots')

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
              <SnapshotRows snapshots={snapshots} />
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
