/** The page that answers in five seconds: is everything protected, what failed, what runs, what comes next. */
import { Link } from '@tanstack/react-router'
import { api, type Status } from '@/api/client'
import { ActiveJobs, useActiveJobs } from '@/features/jobs/active-jobs'
import { JobRows } from '@/features/jobs/job-rows'
import { usePlans } from '@/features/plans/use-plans'
import { StacksCard } from '@/features/stacks/stack-picker'
import { Warnings } from '@/features/stacks/stack-rows'
import { useStacks } from '@/features/stacks/use-stacks'
import { attention } from '@/lib/attention'
import { count } from '@/lib/format'
import { useNow } from '@/lib/now'
import { verdict } from '@/lib/verdict'
import { Card, Empty } from '@/ui/card'
import { cn } from '@/ui/cn'
import { PageHead } from '@/ui/page'
import { QueryError, QueryState } from '@/ui/query-state'
import { Skeleton, SkeletonRows } from '@/ui/skeleton'
import { toneClass } from '@/ui/status'
import { AttentionCard } from './attention-card'
import { EngineBanner } from './engine-banner'
import { NextRunsCard } from './next-runs'
import { StatCards } from './stat-cards'

function useStatus() {
  return api.useQuery('get', '/api/v1/status', {}, { refetchInterval: 60_000 })
}

function useAtRest() {
  return api.useQuery('get', '/api/v1/journal', {}, { refetchInterval: 60_000 })
}

/** The newest snapshots, of which some may have been found damaged. */
function useNewest() {
  return api.useQuery('get', '/api/v1/snapshots', { params: { query: { limit: 100 } } })
}

/** The sentence that says how things are, and what needs somebody. */
function Verdict({ status }: { status: Status }) {
  const now = useNow(60_000)
  const stacks = useStacks().data?.items ?? []
  const plans = usePlans().data?.items ?? []
  const atRest = useAtRest().data?.items ?? []
  const snapshots = useNewest().data?.items ?? []
  const active = useActiveJobs().jobs.length
  const found = attention({ now, stacks, plans, atRest, snapshots, disk: status.backup_disk })
  const isReachable = status.engine.is_reachable
  const said = verdict({ now, isReachable, stacks, found, nextRun: status.next_runs[0] })
  const running = active > 0 ? ` ${count(active, 'job')} at work.` : ''
  return (
    <>
      <PageHead
        documentTitle={said.title}
        title={
          <span className={cn(said.tone === 'bad' && toneClass.bad, said.tone === 'warn' && toneClass.warn)}>
            {said.title}
          </span>
        }
        lead={`${said.detail}${running}`}
      />
      <EngineBanner status={status} />
      <AttentionCard found={found} stacks={stacks} plans={plans} />
    </>
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
      <h1 className="sr-only">Overview</h1>
      <Skeleton size="h-14 max-w-96" />
      <Skeleton size="h-44 xl:h-24" />
      <Skeleton size="h-96" />
    </div>
  )
}

function Doubts({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null
  return (
    <div className="mb-5 rounded-xl border border-warn/50 bg-warn/10 px-4 py-2.5">
      <Warnings warnings={warnings} />
    </div>
  )
}

export function OverviewPage() {
  const status = useStatus()
  const stacks = useStacks()
  const plans = usePlans()
  const atRest = useAtRest()
  const active = useActiveJobs()
  if ([status, stacks, plans, atRest].some((query) => query.isPending) || !active.isKnown) return <Waiting />
  if (!status.data || !stacks.data) {
    return (
      <>
        <PageHead
          documentTitle="Overview"
          title="The state is not known"
          lead="The service did not answer."
        />
        <Card>
          <QueryError query={status.data ? stacks : status} what="The summary" />
        </Card>
      </>
    )
  }
  return (
    <>
      <Verdict status={status.data} />
      <ActiveJobs />
      <StatCards status={status.data} />
      <Doubts warnings={status.data.warnings} />
      <div className="grid gap-5">
        <StacksCard />
        <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
          <RecentJobs />
          <NextRunsCard runs={status.data.next_runs} />
        </div>
      </div>
    </>
  )
}
