import { Link } from '@tanstack/react-router'
import { api } from '@/api/client'
import { Card, Empty } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { JobRows } from './job-rows'

/** The newest jobs of a plan or of an instance. */
export function PlanJobs({ filter }: { filter: { plan: string } | { instance: string } }) {
  const query = api.useQuery('get', '/api/v1/jobs', { params: { query: { ...filter, limit: 10 } } })
  const all = (
    <Link to="/jobs" search={filter} className="text-accent underline underline-offset-4">
      All its jobs
    </Link>
  )
  return (
    <Card title="Jobs" actions={all}>
      <QueryState query={query} what="The jobs" skeleton={<SkeletonRows rows={3} size="h-10" />}>
        {(page) =>
          page.items.length > 0 ? (
            <JobRows jobs={page.items} />
          ) : (
            <Empty title="Never run">Press “Run now”.</Empty>
          )
        }
      </QueryState>
    </Card>
  )
}
