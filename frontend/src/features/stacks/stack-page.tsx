import { getRouteApi, Link } from '@tanstack/react-router'
import { api, type Stack } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { ActiveJobs } from '@/features/jobs/active-jobs'
import { JobRows } from '@/features/jobs/job-rows'
import { NotFound } from '@/features/shell/not-found'
import { count, list } from '@/lib/format'
import { sourceWord } from '@/lib/words'
import { Card, Empty, Fact } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton, SkeletonRows } from '@/ui/skeleton'
import { StackStatus, Status } from '@/ui/status'
import { Ago, When } from '@/ui/time'
import { BackupButton } from './backup-button'
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

function Volumes({ stack }: { stack: Stack }) {
  return (
    <Card title="Volumes" hint={count(stack.volumes.length, 'volume')}>
      {stack.volumes.length === 0 ? (
        <Empty title="No named volumes" />
      ) : (
        <ul className="divide-y divide-line">
          {stack.volumes.map((volume) => (
            <li key={volume.name} className="px-4 py-2.5">
              <p className="break-all font-medium">{volume.name}</p>
              <p className="text-muted text-xs">
                {volume.services.length > 0 ? `used by ${list(volume.services)}` : 'used by no service'}
                {volume.driver !== 'local' && `, driver ${volume.driver}`}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Binds({ stack }: { stack: Stack }) {
  return (
    <Card title="Bind mounts" hint={count(stack.binds.length, 'path')}>
      {stack.binds.length === 0 ? (
        <Empty title="No bind mounts" />
      ) : (
        <ul className="divide-y divide-line">
          {stack.binds.map((bind) => (
            <li key={bind.source} className="px-4 py-2.5">
              <p className="break-all font-mono text-xs leading-5">{bind.source}</p>
              <p className="text-muted text-xs">
                {bind.excluded
                  ? `not captured: ${bind.excluded}`
                  : bind.is_inside_stack
                    ? 'captured with the stack directory'
                    : 'captured'}
                {bind.services.length > 0 && `; used by ${list(bind.services)}`}
              </p>
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
        actions={<BackupButton stacks={[stack]} />}
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
          <Services stack={stack} />
          <div className="grid gap-4">
            <Volumes stack={stack} />
            <Binds stack={stack} />
          </div>
        </div>
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
