/** What lies where an instance stores, read when somebody asks: a repository may be far away. */
import { useNavigate } from '@tanstack/react-router'
import { Database, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { api, type Instance, type Schemas } from '@/api/client'
import { bytes, count, list } from '@/lib/format'
import { shortId } from '@/lib/instance'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Status } from '@/ui/status'
import { When } from '@/ui/time'
import { tell, tellProblem } from '@/ui/toast'

const SHOWN = 50

function Ownership({ found }: { found: Schemas['FoundSnapshot'] }) {
  if (!found.is_ours) return <Status tone="none">Not ours, never touched</Status>
  return found.is_complete ? <Status tone="ok">Complete</Status> : <Status tone="warn">Has gaps</Status>
}

function Rows({ found }: { found: readonly Schemas['FoundSnapshot'][] }) {
  return (
    <ul className="divide-y divide-line">
      {found.map((one) => (
        <li
          key={one.reference}
          className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2.5"
        >
          <div className="min-w-0 flex-1 basis-56">
            <p className="font-medium">
              <When at={one.at} />{' '}
              <span className="font-mono text-muted text-xs" title={one.reference}>
                {shortId(one.reference)}
              </span>
            </p>
            <p className="break-words text-muted text-xs">
              {one.host}
              {one.paths.length > 0 && `: ${list(one.paths)}`}
            </p>
          </div>
          <Ownership found={one} />
        </li>
      ))}
    </ul>
  )
}

function Found({ id }: { id: string }) {
  const params = { params: { path: { id } } }
  const stats = api.useQuery('get', '/api/v1/instances/{id}/stats', params, {
    staleTime: 60_000,
    retry: false,
  })
  const query = api.useQuery(
    'get',
    '/api/v1/instances/{id}/snapshots',
    { params: { path: { id }, query: { limit: SHOWN } } },
    { staleTime: 60_000, retry: false },
  )
  return (
    <>
      {stats.data && (
        <p className="border-line border-b px-4 py-2.5 text-muted">
          {count(stats.data.snapshot_count, 'snapshot')}, {bytes(stats.data.size_bytes)} in all.
        </p>
      )}
      <QueryState query={query} what="The snapshots" skeleton={<SkeletonRows rows={4} size="h-10" />}>
        {(page) =>
          page.items.length > 0 ? (
            <>
              <Rows found={page.items} />
              {page.next_cursor && (
                <p className="border-line border-t px-4 py-2 text-muted text-xs">
                  The newest {SHOWN} are shown.
                </p>
              )}
            </>
          ) : (
            <Empty title="Nothing stored yet" />
          )
        }
      </QueryState>
    </>
  )
}

/** Checks what is stored, in a job that can be watched. */
function CheckNow({ id }: { id: string }) {
  const navigate = useNavigate()
  const check = api.useMutation('post', '/api/v1/instances/{id}/check', {
    onSuccess: (job) => {
      tell('Check started', id)
      void navigate({ to: '/jobs/$id', params: { id: job.id } })
    },
    onError: (error) => tellProblem('The check could not be started', error),
  })
  return (
    <Button size="sm" disabled={check.isPending} onClick={() => check.mutate({ params: { path: { id } } })}>
      <ShieldCheck aria-hidden /> {check.isPending ? 'Starting…' : 'Check now'}
    </Button>
  )
}

export function Stored({ instance }: { instance: Instance }) {
  const [isAsked, setAsked] = useState(false)
  if (instance.backend === 'custom_image') return null
  const actions = (
    <>
      <CheckNow id={instance.id} />
      {!isAsked && (
        <Button size="sm" onClick={() => setAsked(true)}>
          <Database aria-hidden /> Look
        </Button>
      )}
    </>
  )
  return (
    <Card title="Stored" actions={actions}>
      {isAsked ? (
        <Found id={instance.id} />
      ) : (
        <Empty title="Not looked at yet">Lists the snapshots in the repository, also those of others.</Empty>
      )}
    </Card>
  )
}
