import { getRouteApi, Link } from '@tanstack/react-router'
import { api, type Instance } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { PlanJobs } from '@/features/jobs/plan-jobs'
import { NextRuns, OriginLine, PlanTargets, ScheduleText } from '@/features/plans/plan-parts'
import { ChangeInstance } from '@/features/plans/remove'
import { RunPlan } from '@/features/plans/run-plan'
import { NotFound } from '@/features/shell/not-found'
import { Warnings } from '@/features/stacks/stack-rows'
import { count, list } from '@/lib/format'
import { placeOf } from '@/lib/instance'
import { backendWord, pullWord } from '@/lib/words'
import { buttonClass } from '@/ui/button'
import { Card, Fact } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { Ago } from '@/ui/time'
import { Retention } from './retention'
import { Stored } from './stored'
import { TestInstance } from './test-instance'

const route = getRouteApi('/instances/$id')

function Facts({ instance }: { instance: Instance }) {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 lg:grid-cols-3">
      <Fact name="Means">{backendWord[instance.backend]}</Fact>
      <Fact name="Runs">
        <ScheduleText plan={instance} />
      </Fact>
      <Fact name="Last good backup">
        <Ago at={instance.last_success_at} />
      </Fact>
      <Fact name={instance.custom_image ? 'Image' : 'Stores in'} isLong>
        {placeOf(instance) ? (
          <span className="break-all font-mono text-xs">{placeOf(instance)}</span>
        ) : (
          'the backup directory'
        )}
      </Fact>
      {instance.pull && <Fact name="The image is pulled">{pullWord[instance.pull]}</Fact>}
      {instance.check?.schedule && (
        <Fact name="The repository is checked" isLong>
          <span className="font-mono text-xs">{instance.check.schedule}</span>
          {instance.check.subset && `, reading ${instance.check.subset}`}
        </Fact>
      )}
      {instance.env_keys.length > 0 && (
        <Fact name="Variables it gets" isLong>
          {list(instance.env_keys, 8)}
        </Fact>
      )}
      {instance.exclude.length > 0 && (
        <Fact name="Leaves out" isLong>
          {list(instance.exclude, 6)}
        </Fact>
      )}
    </dl>
  )
}

/** An instance is run through its own plan, which bears its name. */
function RunInstance({ id }: { id: string }) {
  const plan = api.useQuery('get', '/api/v1/plans/{id}', { params: { path: { id } } })
  return plan.data ? <RunPlan plan={plan.data} /> : null
}

function InstanceView({ instance }: { instance: Instance }) {
  return (
    <>
      <PageHead
        documentTitle={instance.id}
        title={<span className="[overflow-wrap:anywhere]">{instance.id}</span>}
        lead={<OriginLine what="Instance" origin={instance.origin} />}
        actions={
          <>
            <Link to="/plans/$id" params={{ id: instance.id }} className={buttonClass()}>
              Open its plan
            </Link>
            <ChangeInstance instance={instance} />
            <RunInstance id={instance.id} />
          </>
        }
      />
      {instance.warnings.length > 0 && (
        <div className="mb-4 rounded-xl border border-warn/50 bg-warn/10 px-4 py-2.5">
          <Warnings warnings={instance.warnings} />
        </div>
      )}
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)] lg:items-start">
        <div className="grid min-w-0 gap-4">
          <Card title="Overview">
            <Facts instance={instance} />
          </Card>
          <Card title="Targets" hint={count(instance.targets.length, 'target')}>
            <PlanTargets targets={instance.targets} />
          </Card>
          <Stored instance={instance} />
        </div>
        <div className="grid min-w-0 gap-4">
          <TestInstance id={instance.id} />
          <Card title="Next runs">
            <NextRuns runs={instance.next_runs} zone={instance.timezone} />
          </Card>
          <Retention instance={instance} />
        </div>
      </div>
      <div className="mt-4">
        <PlanJobs filter={{ instance: instance.id }} />
      </div>
    </>
  )
}

export function InstancePage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/instances/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="instance" />
  return (
    <QueryState query={query} what="The instance" skeleton={<Skeleton size="h-96" />}>
      {(instance) => <InstanceView key={instance.id} instance={instance} />}
    </QueryState>
  )
}
