import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { CircleAlert, CircleX } from 'lucide-react'
import { useState } from 'react'
import { api, type Job } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { LogViewer } from '@/features/logs/log-viewer'
import { type LogSource, useFinishedLog, useLogStream } from '@/features/logs/use-log'
import { NotFound } from '@/features/shell/not-found'
import { bytes, duration, sentence } from '@/lib/format'
import { isFinal, jobMs, jobTitle, jobTone } from '@/lib/job'
import { useNow } from '@/lib/now'
import { strategyWord, triggerWord } from '@/lib/words'
import { buttonClass } from '@/ui/button'
import { Card, Empty, Fact } from '@/ui/card'
import { cn } from '@/ui/cn'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { JobStatus } from '@/ui/status'
import { When } from '@/ui/time'
import { CancelJob, RetryJob } from './actions'
import { JobProgress } from './job-card'
import { RestoreResult } from './restore-result'
import { StepList } from './step-list'
import { StopClock } from './stop-clock'
import { TargetList } from './target-list'

const route = getRouteApi('/jobs/$id')

/**
 * The lines of the job's log. A job found at work is streamed to its end, and stays with what was streamed; a job
 * found finished is fetched.
 */
function useJobLog(job: Job): LogSource {
  const client = useQueryClient()
  const [isStreamed] = useState(() => !isFinal(job.state))
  const key = ['get', '/api/v1/jobs/{id}', { params: { path: { id: job.id } } }]
  const patch = (change: Partial<Job>) =>
    client.setQueryData<Job>(key, (before) =>
      before && !isFinal(before.state) ? { ...before, ...change } : before,
    )
  const streamed = useLogStream(isStreamed ? `/api/v1/jobs/${job.id}/log/stream` : null, {
    onProgress: (progress) => patch({ progress }),
    onState: (change) => (change.steps ? patch(change) : void client.invalidateQueries({ queryKey: key })),
    onEnd: () => void client.invalidateQueries({ queryKey: key }),
  })
  const fetched = useFinishedLog(isStreamed ? null : job.id)
  return isStreamed ? streamed : fetched
}

function JobLog({ job }: { job: Job }) {
  const source = useJobLog(job)
  return (
    <Card title="Log">
      <LogViewer source={source} name={jobTitle(job)} downloadUrl={`/api/v1/jobs/${job.id}/log/download`} />
    </Card>
  )
}

function Facts({ job }: { job: Job }) {
  const now = useNow(job.state === 'running' ? 1_000 : null)
  const ms = jobMs(job, now)
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 sm:grid-cols-3 lg:grid-cols-4">
      <Fact name="Asked for">
        <When at={job.queued_at} />
      </Fact>
      <Fact name="Started">
        <When at={job.started_at} never="not yet" />
      </Fact>
      <Fact name="Ended">
        <When at={job.finished_at} never="not yet" />
      </Fact>
      <Fact name="Took">{ms === null ? '–' : duration(ms)}</Fact>
      <Fact name={job.stack ? 'Stack stopped for' : 'Stopped for'}>
        {job.stopped_ms ? duration(job.stopped_ms) : isFinal(job.state) ? 'not stopped' : '–'}
      </Fact>
      {job.bytes_captured_while_stopped !== null && (
        <Fact name="Read while stopped">{bytes(job.bytes_captured_while_stopped)}</Fact>
      )}
      {job.strategy && <Fact name="Strategy">{strategyWord[job.strategy]}</Fact>}
      <Fact name="Read">{isFinal(job.state) ? bytes(job.bytes_read) : '–'}</Fact>
      {job.kind === 'backup' && (
        <Fact name="Stored">{isFinal(job.state) ? bytes(job.bytes_stored) : '–'}</Fact>
      )}
      <Fact name="Snapshot">
        {job.snapshot_id ? (
          <Link
            to="/snapshots/$id"
            params={{ id: job.snapshot_id }}
            className="text-accent underline underline-offset-4"
          >
            Open
          </Link>
        ) : isFinal(job.state) ? (
          'none'
        ) : (
          '–'
        )}
      </Fact>
    </dl>
  )
}

const ERROR_BOX = {
  bad: { Icon: CircleX, box: 'border-bad/50 bg-bad/10', mark: 'text-bad' },
  warn: { Icon: CircleAlert, box: 'border-warn/50 bg-warn/10', mark: 'text-warn' },
}

/** Why the job did not simply succeed, as loud as its state. That it was cancelled, its state says already. */
function JobError({ job }: { job: Job }) {
  if (!job.error || job.state === 'cancelled') return null
  const { Icon, box, mark } = ERROR_BOX[jobTone[job.state] === 'warn' ? 'warn' : 'bad']
  const failed = job.steps.find((step) => step.state === 'failed')
  return (
    <div role="alert" className={cn('mb-4 flex items-start gap-2.5 rounded-xl border px-4 py-3', box)}>
      <Icon className={cn('mt-0.5 size-4 shrink-0', mark)} aria-hidden />
      <div className="min-w-0">
        <p className="break-words font-medium">{sentence(job.error)}</p>
        {failed?.detail && failed.detail !== job.error && (
          <p className="break-words text-muted">{sentence(failed.detail)}</p>
        )}
      </div>
    </div>
  )
}

function JobView({ job }: { job: Job }) {
  const lead = (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <JobStatus state={job.state} />
      <span>{triggerWord[job.trigger]}</span>
      <StopClock job={job} />
    </span>
  )
  const actions = (
    <>
      <CancelJob job={job} />
      <RetryJob job={job} />
      {job.stack && (
        <Link to="/stacks/$name" params={{ name: job.stack }} className={buttonClass()}>
          Open the stack
        </Link>
      )}
      {job.plan && (
        <Link to="/plans/$id" params={{ id: job.plan }} className={buttonClass()}>
          Open the plan
        </Link>
      )}
      {!job.plan && job.instance && (
        <Link to="/instances/$id" params={{ id: job.instance }} className={buttonClass()}>
          Open the instance
        </Link>
      )}
    </>
  )
  return (
    <>
      <PageHead
        documentTitle={`${jobTitle(job)}: ${job.state}`}
        title={jobTitle(job)}
        lead={lead}
        actions={actions}
      />
      <JobError job={job} />
      {!isFinal(job.state) && (
        <div className="mb-4 rounded-xl border border-accent/40 bg-panel p-4">
          <JobProgress job={job} />
        </div>
      )}
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)] lg:items-start">
        <div className="grid min-w-0 gap-4">
          <Card title="Result" hint={job.id}>
            <Facts job={job} />
          </Card>
          {job.kind === 'restore' && <RestoreResult job={job} />}
          <JobLog job={job} />
        </div>
        <div className="grid min-w-0 gap-4">
          <Card title="Steps">
            {job.steps.length > 0 ? <StepList job={job} /> : <Empty title="This job has no steps" />}
          </Card>
          <Card title="Targets">
            {job.targets.length > 0 ? (
              <TargetList targets={job.targets} isOver={isFinal(job.state)} kind={job.kind} />
            ) : (
              <Empty
                title={
                  isFinal(job.state)
                    ? job.kind === 'backup'
                      ? 'Nothing was captured'
                      : 'None'
                    : 'Not known yet'
                }
              />
            )}
          </Card>
        </div>
      </div>
    </>
  )
}

export function JobPage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/jobs/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0)) return <NotFound what="job" />
  const skeleton = (
    <div role="status" aria-label="Loading" className="space-y-4">
      <Skeleton size="h-8 w-64" />
      <Skeleton size="h-40" />
      <Skeleton size="h-96" />
    </div>
  )
  return (
    <QueryState query={query} what="The job" skeleton={skeleton}>
      {(job) => <JobView key={job.id} job={job} />}
    </QueryState>
  )
}
