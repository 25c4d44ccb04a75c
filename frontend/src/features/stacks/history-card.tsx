import { lazy, Suspense } from 'react'
import { api } from '@/api/client'
import { Card, Empty } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'

const TrendCharts = lazy(async () => ({ default: (await import('./trend-charts')).TrendCharts }))

const waiting = (
  <div className="p-4" role="status" aria-label="Loading">
    <Skeleton size="h-28" />
  </div>
)

/** How the backups of a stack went over time. */
export function HistoryCard({ name }: { name: string }) {
  const query = api.useQuery('get', '/api/v1/jobs', {
    params: { query: { stack: name, kind: 'backup', state: 'succeeded', limit: 60 } },
  })
  return (
    <Card title="History" hint="The good backups, the newest at the right">
      <QueryState query={query} what="The history" skeleton={waiting}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="No good backup yet" />
          ) : (
            <Suspense fallback={waiting}>
              <TrendCharts jobs={page.items} />
            </Suspense>
          )
        }
      </QueryState>
    </Card>
  )
}
