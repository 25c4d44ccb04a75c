import { getRouteApi, Link } from '@tanstack/react-router'
import { api, type Stack } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { ActiveJobs } from '@/features/jobs/active-jobs'
import { JobRows } from '@/features/jobs/job-rows'
import { NotFound } from '@/features/shell/not-found'
import { SnapshotRows } from '@/features/snapshots/snapshot-rows'
import { count, list } from '@/lib/format'
import { sourceWord } from '@/lib/words'
import { Card, Empty, Fact } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton, SkeletonRows } from '@/ui/skeleton'
import { StackStatus, Status } from '@/ui/status'
import { Ago, When } from '@/ui/time'
import { BackupButton } from './backup-button'
import { CoverageCard } from './coverage-card'
import { HistoryCard } from './history-card'
import { RestoreLink } from './restore-link'
import { Warnings } from './stack-rows'

const route = getRouteApi('/stacks/$name')

function Facts({ stack }: { stack: Stack }) {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 lg:grid-cols-4">
      <Fact name="Last good backup">
        <Ago at={stack.last_success_at} />
      </Fact>
      <Fact name="Next run">
        <When at={stack.next_run_at} never="no schedule" />
      </Fact>
      <Fact name="During a backup">
        {stack.skip_stop ? 'captured without a stop' : 'stopped, then started again'}
      </Fact>
      <Fact name="Found through">{sourceWord[stack.source]}</Fact>
      <Fact name="Host">{stack.host}</Fact>
      {stack.databases.length > 0 && (
        <Fact name="Databases">{list(stack.databases.map((one) => `${one.kind} (${one.service})`))}</Fact>
      )}
      <div className="col-span-2 min-w-0 lg:col-span-3">
        <dt className="text-muted text-xs">Directory</dt>
        <dd className="break-all font-mono text-xs leading-5">
          {stack.directory ?? 'not readable from here'}
        </dd>
      </div>
    </dl>
  )
}

function Services({ stack }: { stack: Stack }) {
  return (
    <Card title="Services" hint={count(stack.services.length, 'service')}>
      {stack.services.length === 0 ? (
        <Empty title="No services known">The compose file names none, or could not be read.</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {stack.services.map((service) => (
            <li key={service.name} className="px-4 py-2.5">
              <p className="break-words font-medium">{service.name}</p>
              {service.containers.length === 0 && <p className="text-muted text-xs">no container</p>}
              {service.containers.map((container) => (
                <p key={container.id} className="flex flex-wrap gap-x-3 text-muted text-xs">
                  <span className="break-all font-mono">{container.name}</span>
                  <span>
                    {container.state}
                    {container.health && `, ${container.health}`}
                  </span>
                  <span className="break-all">{container.image}</span>
                </p>
              ))}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Jobs({ name }: { name: string }) {
  const query = api.useQuery('get', '/api/v1/jobs', { params: { query: { stack: name, limit: 10 } } })
  const more = (
    <Link to="/jobs" search={{ stack: name }} className="text-accent underline underline-offset-4">
      All its jobs
    </Link>
  )
  return (
    <Card title="Jobs" actions={more}>
      <QueryState query={query} what="The jobs" skeleton={<SkeletonRows rows={3} size="h-10" />}>
        {(page) =>
          page.items.length > 0 ? <JobRows jobs={page.items} /> : <Empty title="Never backed up" />
        }
      </QueryState>
    </Card>
  )
}

function Snapshots({ name }: { name: string }) {
  const query = api.useQuery('get', '/api/v1/snapshots', { params: { query: { stack: name, limit: 5 } } })
  const more = (
    <Link to="/snapshots" search={{ stack: name }} className="text-accent underline underline-offset-4">
      All its snapshots
    </Link>
  )
  return (
    <Card title="Snapshots" actions={more}>
      <QueryState query={query} what="The snapshots" skeleton={<SkeletonRows rows={3} size="h-10" />}>
        {(page) =>
          page.items.length > 0 ? (
            <SnapshotRows snapshots={page.items} />
          ) : (
            <Empty title="No snapshots yet">A backup that succeeds leaves one here.</Empty>
          )
        }
      </QueryState>
    </Card>
  )
}

function StackView({ stack }: { stack: Stack }) {
  const lead = (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <StackStatus state={stack.state} />
      {stack.protected ? <Status tone="ok">Protected</Status> : <Status tone="none">Not protected</Status>}
    </div>
  )
  return (
    <>
      <PageHead
        documentTitle={stack.name}
        title={<span className="break-all">{stack.name}</span>}
        lead={lead}
        actions={
          <>
            <RestoreLink stack={stack} />
            <BackupButton stacks={[stack]} />
          </>
        }
      />
      {stack.warnings.length > 0 && (
        <div className="mb-4 rounded-xl border border-warn/50 bg-warn/10 px-4 py-2.5">
          <Warnings warnings={stack.warnings} />
        </div>
      )}
      <ActiveJobs stack={stack.name} />
      <div className="grid gap-4">
        <Card title="Overview">
          <Facts stack={stack} />
        </Card>
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <CoverageCard stack={stack} />
          <Services stack={stack} />
        </div>
        <HistoryCard name={stack.name} />
        <Snapshots name={stack.name} />
        <Jobs name={stack.name} />
      </div>
    </>
  )
}

export function StackPage() {
  const { name } = route.useParams()
  const query = api.useQuery('get', '/api/v1/stacks/{name}', { params: { path: { name } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="stack" />
  const skeleton = (
    <div role="status" aria-label="Loading" className="space-y-4">
      <Skeleton size="h-8 w-56" />
      <Skeleton size="h-32" />
      <Skeleton size="h-64" />
    </div>
  )
  return (
    <QueryState query={query} what="The stack" skeleton={skeleton}>
      {(stack) => <StackView stack={stack} />}
    </QueryState>
  )
}
