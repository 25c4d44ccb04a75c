import { Link } from '@tanstack/react-router'
import { api } from '@/api/client'
import { ActiveJobs, useActiveJobs } from '@/features/jobs/active-jobs'
import { JobRows } from '@/features/jobs/job-rows'
import { StacksCard } from '@/features/stacks/stack-picker'
import { Warnings } from '@/features/stacks/stack-rows'
import { useStacks } from '@/features/stacks/use-stacks'
import { count } from '@/lib/format'
import { verdict } from '@/lib/verdict'
import { Card, Empty } from '@/ui/card'
import { cn } from '@/ui/cn'
import { PageHead } from '@/ui/page'
import { QueryError, QueryState } from '@/ui/query-state'
import { Skeleton, SkeletonRows } from '@/ui/skeleton'
import { toneClass } from '@/ui/status'
import { EngineBanner } from './engine-banner'
import { StatCards } from './stat-cards'

function useStatus() {
  return api.useQuery('get', '/api/v1/status', {}, { refetchInterval: 60_000 })
}

/** The one sentence that says how things are. */
function Headline() {
  const status = useStatus()
  const stacks = useStacks()
  const active = useActiveJobs().jobs.length
  if (!status.data || !stacks.data) {
    return (
      <PageHead documentTitle="Dashboard" title="The state is not known" lead="The service did not answer." />
    )
  }
  const said = verdict({ isReachable: status.data.engine.is_reachable, stacks: stacks.data.items })
  const running = active > 0 ? ` ${count(active, 'job')} at work.` : ''
  return (
    <PageHead
      documentTitle={said.title}
      title={
        <span className={cn(said.tone === 'bad' && toneClass.bad, said.tone === 'warn' && toneClass.warn)}>
          {said.title}
        </span>
      }
      lead={`${said.detail}${running}`}
    />
  )
}

function RecentJobs() {
  const query = api.useQuery('get', '/api/v1/jobs', { params: { query: { limit: 8 } } })
  const all = (
    <Link to="/jobs" className="text-accent underline underline-offset-4">
      All jobs
    </Link>
  )
  return (
    <Card title="Recent jobs" actions={all}>
      <QueryState query={query} what="The jobs" skeleton={<SkeletonRows rows={4} size="h-10" />}>
        {(page) =>
          page.items.length > 0 ? (
            <JobRows jobs={page.items} />
          ) : (
            <Empty title="No jobs yet">Select a stack above and press “Back up”.</Empty>
          )
        }
      </QueryState>
    </Card>
  )
}

/** Everything is put in its place at once, so that nothing jumps when one answer comes before another. */
function Waiting() {
  return (
    <div role="status" aria-label="Loading" className="min-h-dvh space-y-5">
      <h1 className="sr-only">Dashboard</h1>
      <Skeleton size="h-14 max-w-96" />
      <Skeleton size="h-44 xl:h-24" />
      <Skeleton size="h-96" />
    </div>
  )
}

export function DashboardPage() {
  const status = useStatus()
  const stacks = useStacks()
  const active = useActiveJobs()
  if (status.isPending || stacks.isPending || !active.isKnown) return <Waiting />
  return (
    <>
      <Headline />
      {status.data && <EngineBanner status={status.data} />}
      {status.data && status.data.warnings.length > 0 && (
        <div className="mb-5 rounded-xl border border-warn/50 bg-warn/10 px-4 py-2.5">
          <Warnings warnings={status.data.warnings} />
        </div>
      )}
      {status.data ? (
        <StatCards status={status.data} />
      ) : (
        <div className="mb-5 rounded-xl border border-line bg-panel">
          <QueryError query={status} what="The summary" />
        </div>
      )}
      <ActiveJobs />
      <div className="grid gap-5">
        <StacksCard />
        <RecentJobs />
      </div>
    </>
  )
}
