import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { api, BY_CURSOR, type Instance } from '@/api/client'
import { LastRun, LastTrouble, NextRun, OriginBadge, targetNames } from '@/features/plans/plan-parts'
import { Warnings } from '@/features/stacks/stack-rows'
import { placeOf } from '@/lib/instance'
import { backendWord } from '@/lib/words'
import { Button, buttonClass } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'

const COLUMNS = 'sm:grid sm:gap-x-6 sm:grid-cols-[minmax(0,1fr)_11rem_10rem] sm:items-start'

function Row({ instance }: { instance: Instance }) {
  return (
    <li
      data-instance={instance.id}
      className={`relative flex flex-wrap gap-x-4 gap-y-1.5 px-4 py-3 hover:bg-raised/60 ${COLUMNS}`}
    >
      <div className="min-w-0 max-sm:w-full">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Link
            to="/instances/$id"
            params={{ id: instance.id }}
            className="break-all font-medium underline-offset-4 after:absolute after:inset-0 hover:underline"
          >
            {instance.id}
          </Link>
          <OriginBadge origin={instance.origin} />
        </p>
        <p className="break-all text-muted text-xs">
          {backendWord[instance.backend]}
          {placeOf(instance) && `: ${placeOf(instance)}`}
        </p>
        <p className="break-words text-muted text-xs">{targetNames(instance.targets)}</p>
        <LastTrouble of={instance} />
        <Warnings warnings={instance.warnings} />
      </div>
      <NextRun plan={instance} />
      <LastRun of={instance} />
    </li>
  )
}

function Columns() {
  return (
    <div aria-hidden className={`border-line border-b px-4 py-2 text-muted text-xs max-sm:hidden ${COLUMNS}`}>
      <span>Instance</span>
      <span>Next run</span>
      <span>Last good backup</span>
    </div>
  )
}

function NoInstances() {
  return (
    <Empty title="No instances yet">
      An instance is a means of backup: a restic repository, an image of your own, or archives. Make one here,
      or write it under <code>instances:</code> in the configuration. Stacks can be backed up as archives
      without one.
    </Empty>
  )
}

export function InstancesPage() {
  const query = api.useInfiniteQuery(
    'get',
    '/api/v1/instances',
    { params: { query: { limit: 100 } } },
    BY_CURSOR,
  )
  return (
    <>
      <PageHead
        documentTitle="Instances"
        title="Instances"
        lead="The means of backup: where data goes, and how."
        actions={
          <Link to="/instances/new" className={buttonClass('primary')}>
            <Plus aria-hidden /> New instance
          </Link>
        }
      />
      <Card>
        <QueryState query={query} what="The instances" skeleton={<SkeletonRows rows={3} size="h-12" />}>
          {(data) => {
            const instances = data.pages.flatMap((page) => page.items)
            if (instances.length === 0) return <NoInstances />
            return (
              <>
                <Columns />
                <ul className="divide-y divide-line">
                  {instances.map((instance) => (
                    <Row key={instance.id} instance={instance} />
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
