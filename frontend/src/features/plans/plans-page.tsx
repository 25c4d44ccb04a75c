import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { api, BY_CURSOR, type Plan } from '@/api/client'
import { Warnings } from '@/features/stacks/stack-rows'
import { list } from '@/lib/format'
import { Button, buttonClass } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { LastRun, LastTrouble, NextRun, OriginBadge, targetNames } from './plan-parts'
import { RunPlan } from './run-plan'

const COLUMNS = 'sm:grid sm:gap-x-6 sm:grid-cols-[minmax(0,1fr)_11rem_10rem_7rem] sm:items-start'

function Row({ plan }: { plan: Plan }) {
  return (
    <li data-plan={plan.id} className={`flex flex-wrap gap-x-4 gap-y-1.5 px-4 py-3 ${COLUMNS}`}>
      <div className="min-w-0 max-sm:w-full">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Link
            to="/plans/$id"
            params={{ id: plan.id }}
            className="break-all font-medium underline-offset-4 hover:underline"
          >
            {plan.id}
          </Link>
          <OriginBadge origin={plan.origin} />
        </p>
        <p className="break-words text-muted text-xs">
          {plan.instance === null ? `${list(plan.sources, 3)}, by Backrest` : targetNames(plan.targets)}
          {plan.instance !== null && plan.instance !== plan.id && `, by the instance ${plan.instance}`}
        </p>
        <LastTrouble of={plan} />
        <Warnings warnings={plan.warnings} />
      </div>
      <NextRun plan={plan} />
      <div className="flex w-full items-end justify-between gap-4 sm:contents">
        <LastRun of={plan} />
        <div className="shrink-0 sm:text-right">
          <RunPlan plan={plan} size="sm" />
        </div>
      </div>
    </li>
  )
}

function Columns() {
  return (
    <div aria-hidden className={`border-line border-b px-4 py-2 text-muted text-xs max-sm:hidden ${COLUMNS}`}>
      <span>Plan</span>
      <span>Next run</span>
      <span>Last good backup</span>
      <span />
    </div>
  )
}

function NoPlans() {
  return (
    <Empty title="No plans yet">
      A plan says what is backed up, when, and for how long. Every instance has one; further ones are made
      here, in the configuration, or by labels. Stacks can be backed up without a plan.
    </Empty>
  )
}

export function PlansPage() {
  const query = api.useInfiniteQuery('get', '/api/v1/plans', { params: { query: { limit: 100 } } }, BY_CURSOR)
  return (
    <>
      <PageHead
        documentTitle="Plans"
        title="Plans"
        lead="What is backed up, when, and how long it is kept."
        actions={
          <Link to="/plans/new" className={buttonClass('primary')}>
            <Plus aria-hidden /> New plan
          </Link>
        }
      />
      <Card>
        <QueryState query={query} what="The plans" skeleton={<SkeletonRows rows={4} size="h-12" />}>
          {(data) => {
            const plans = data.pages.flatMap((page) => page.items)
            if (plans.length === 0) return <NoPlans />
            return (
              <>
                <Columns />
                <ul className="divide-y divide-line">
                  {plans.map((plan) => (
                    <Row key={plan.id} plan={plan} />
                  ))}
                </ul>
              </>
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
