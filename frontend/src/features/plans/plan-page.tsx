import { getRouteApi, Link } from '@tanstack/react-router'
import { api, type Plan } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { PlanJobs } from '@/features/jobs/plan-jobs'
import { NotFound } from '@/features/shell/not-found'
import { Warnings } from '@/features/stacks/stack-rows'
import { count, list } from '@/lib/format'
import { missedRunWord } from '@/lib/words'
import { Card, Fact } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { Ago } from '@/ui/time'
import { BackrestCard } from './backrest-card'
import { NextRuns, OriginLine, PlanTargets, RetentionText, ScheduleText } from './plan-parts'
import { PlanPreview } from './plan-preview'
import { ChangePlan } from './remove'
import { RunPlan, restText } from './run-plan'

const route = getRouteApi('/plans/$id')

function Facts({ plan }: { plan: Plan }) {
  const hooks = plan.hooks.pre.length + plan.hooks.post.length
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 lg:grid-cols-3">
      {plan.instance === null ? (
        <Fact name="Repository in Backrest">{plan.repository}</Fact>
      ) : (
        <Fact name="Instance">
          <Link
            to="/instances/$id"
            params={{ id: plan.instance }}
            className="break-all text-accent underline underline-offset-4"
          >
            {plan.instance}
          </Link>
        </Fact>
      )}
      <Fact name="Runs">
        <ScheduleText plan={plan} />
      </Fact>
      <Fact name="A missed run">{missedRunWord[plan.missed_run]}</Fact>
      <Fact name="Last good backup">
        <Ago at={plan.last_success_at} />
      </Fact>
      <Fact name="Keeps">
        <RetentionText rule={plan.retention} />
      </Fact>
      <Fact name="Hooks around it">{hooks === 0 ? 'none' : count(hooks, 'command')}</Fact>
      <Fact name="During a run" isLong>
        {restText(plan)}
      </Fact>
      {plan.excludes.length > 0 && (
        <Fact name="Leaves out" isLong>
          {list(plan.excludes, 6)}
        </Fact>
      )}
    </dl>
  )
}

function PlanView({ plan }: { plan: Plan }) {
  return (
    <>
      <PageHead
        documentTitle={plan.id}
        title={<span className="[overflow-wrap:anywhere]">{plan.id}</span>}
        lead={<OriginLine what="Plan" origin={plan.origin} />}
        actions={
          <>
            <ChangePlan plan={plan} />
            <RunPlan plan={plan} />
          </>
        }
      />
      {plan.warnings.length > 0 && (
        <div className="mb-4 rounded-xl border border-warn/50 bg-warn/10 px-4 py-2.5">
          <Warnings warnings={plan.warnings} />
        </div>
      )}
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)] lg:items-start">
        <div className="grid min-w-0 gap-4">
          <Card title="Overview">
            <Facts plan={plan} />
          </Card>
          {plan.backrest ? (
            <BackrestCard plan={plan.backrest} />
          ) : (
            <>
              <Card title="Targets" hint={count(plan.targets.length, 'target')}>
                <PlanTargets targets={plan.targets} />
              </Card>
              <PlanPreview id={plan.id} />
            </>
          )}
        </div>
        <div className="grid min-w-0 gap-4">
          <Card title="Next runs">
            <NextRuns runs={plan.next_runs} zone={plan.timezone} />
          </Card>
        </div>
      </div>
      <div className="mt-4">
        <PlanJobs filter={{ plan: plan.id }} />
      </div>
    </>
  )
}

export function PlanPage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/plans/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="plan" />
  return (
    <QueryState query={query} what="The plan" skeleton={<Skeleton size="h-96" />}>
      {(plan) => <PlanView plan={plan} />}
    </QueryState>
  )
}
