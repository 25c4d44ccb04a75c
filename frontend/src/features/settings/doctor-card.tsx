/** The service's self-test: what a backup needs, one check each, with what to do about what is wrong. */
import { RotateCw } from 'lucide-react'
import { api, type Schemas } from '@/api/client'
import { sentence } from '@/lib/format'
import type { Tone } from '@/lib/job'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Status } from '@/ui/status'
import { Ago } from '@/ui/time'

type Check = Schemas['Check']

const TONE: Record<Check['state'], Tone> = { ok: 'ok', warning: 'warn', failed: 'bad' }
const WORD: Record<Check['state'], string> = { ok: 'Fine', warning: 'Doubtful', failed: 'Failed' }
const RANK: Record<Check['state'], number> = { failed: 0, warning: 1, ok: 2 }

function Row({ check }: { check: Check }) {
  return (
    <li
      data-check={check.name}
      className="grid gap-x-6 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[7rem_minmax(0,1fr)]"
    >
      <Status tone={TONE[check.state]}>{WORD[check.state]}</Status>
      <div className="min-w-0">
        <p className="break-words">{sentence(check.message)}</p>
        {check.remedy && <p className="break-words text-muted text-xs">{sentence(check.remedy)}</p>}
        <p className="break-all font-mono text-muted text-xs">{check.name}</p>
      </div>
    </li>
  )
}

export function DoctorCard() {
  const query = api.useQuery('get', '/api/v1/doctor', {}, { staleTime: 60_000 })
  const again = (
    <Button size="sm" disabled={query.isFetching} onClick={() => void query.refetch()}>
      <RotateCw aria-hidden /> {query.isFetching ? 'Checking…' : 'Check again'}
    </Button>
  )
  return (
    <Card
      title="Self-test"
      hint={query.data ? <Ago at={query.data.checked_at} /> : 'Looks at everything a backup needs'}
      actions={again}
    >
      <QueryState query={query} what="The self-test" skeleton={<SkeletonRows rows={8} size="h-10" />}>
        {(doctor) => (
          <ul className="divide-y divide-line">
            {[...doctor.checks]
              .sort((a, b) => RANK[a.state] - RANK[b.state])
              .map((check) => (
                <Row key={check.name} check={check} />
              ))}
          </ul>
        )}
      </QueryState>
    </Card>
  )
}
