import { getRouteApi, Link } from '@tanstack/react-router'
import { Download, Undo2 } from 'lucide-react'
import { api, type Snapshot } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { TargetList } from '@/features/jobs/target-list'
import { NotFound } from '@/features/shell/not-found'
import { downloadUrl, tarUrl } from '@/lib/entry-path'
import { bytes, shortTime } from '@/lib/format'
import { unpackCommand } from '@/lib/restore'
import { buttonClass } from '@/ui/button'
import { Card, Empty, Fact } from '@/ui/card'
import { Command } from '@/ui/copy'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { When } from '@/ui/time'
import { FileBrowser } from './file-browser'
import { SnapshotStatus, subjectOf } from './snapshot-rows'
import { DamageNotice, VerifySnapshot } from './verify-snapshot'

const route = getRouteApi('/snapshots/$id')

function Facts({ snapshot }: { snapshot: Snapshot }) {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 lg:grid-cols-4">
      <Fact name="Captured">
        <When at={snapshot.created_at} />
      </Fact>
      <Fact name="Verified">
        <When at={snapshot.verified_at} never="not yet" />
      </Fact>
      <Fact name="Stored">{bytes(snapshot.size_bytes)}</Fact>
      <Fact name="Content">
        {bytes(snapshot.content_bytes)} in {snapshot.entry_count.toLocaleString('en')} entries
      </Fact>
      <div className="col-span-2 min-w-0 lg:col-span-4">
        <dt className="text-muted text-xs">{snapshot.archive ? 'Path' : 'Id in the repository'}</dt>
        <dd className="break-all font-mono text-xs leading-5">{snapshot.reference}</dd>
      </div>
      {snapshot.blake3 && (
        <div className="col-span-2 min-w-0 lg:col-span-4">
          <dt className="text-muted text-xs">BLAKE3</dt>
          <dd className="break-all font-mono text-xs leading-5">{snapshot.blake3}</dd>
        </div>
      )}
    </dl>
  )
}

function SnapshotView({ snapshot }: { snapshot: Snapshot }) {
  return (
    <>
      <PageHead
        documentTitle={`Snapshot of ${subjectOf(snapshot)}`}
        title={`Snapshot of ${subjectOf(snapshot)}, ${shortTime(snapshot.created_at)}`}
        lead={<SnapshotStatus snapshot={snapshot} />}
        actions={
          <>
            {!snapshot.removed_at && (
              <Link to="/restore" search={{ snapshot: snapshot.id }} className={buttonClass('primary')}>
                <Undo2 aria-hidden /> Restore…
              </Link>
            )}
            {!snapshot.removed_at && (
              <a
                href={snapshot.archive ? downloadUrl(snapshot.id) : tarUrl(snapshot.id)}
                download
                className={buttonClass()}
              >
                <Download aria-hidden /> Download
              </a>
            )}
            {!snapshot.removed_at && <VerifySnapshot id={snapshot.id} />}
            <Link to="/jobs/$id" params={{ id: snapshot.job_id }} className={buttonClass()}>
              Open its job
            </Link>
            {snapshot.stack && (
              <Link to="/stacks/$name" params={{ name: snapshot.stack }} className={buttonClass()}>
                Open the stack
              </Link>
            )}
          </>
        }
      />
      <DamageNotice snapshot={snapshot} />
      <div className="grid gap-4">
        <Card title="Facts" hint={snapshot.id}>
          <Facts snapshot={snapshot} />
        </Card>
        {!snapshot.removed_at && <FileBrowser id={snapshot.id} />}
        {!snapshot.removed_at && snapshot.archive && (
          <Card
            title="Restore it by hand"
            hint="Needs nothing but tar. Run it as root on the host that has the archive, to keep owners and modes."
          >
            <div className="p-4">
              <Command text={unpackCommand(snapshot.archive)} label="the command" />
            </div>
          </Card>
        )}
        <Card title="Targets">
          {snapshot.targets.length > 0 ? (
            <TargetList targets={snapshot.targets} isOver />
          ) : (
            <Empty title="Nothing recorded" />
          )}
        </Card>
      </div>
    </>
  )
}

export function SnapshotPage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/snapshots/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="snapshot" />
  return (
    <QueryState query={query} what="The snapshot" skeleton={<Skeleton size="h-96" />}>
      {(snapshot) => <SnapshotView snapshot={snapshot} />}
    </QueryState>
  )
}
