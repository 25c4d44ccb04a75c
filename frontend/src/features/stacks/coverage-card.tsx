/** What of a stack is captured, and what is not and why. */
import { api, type Schemas, type Stack } from '@/api/client'
import { count, sentence } from '@/lib/format'
import { targetKindWord } from '@/lib/words'
import { Card, Empty } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Status } from '@/ui/status'

type Coverage = Schemas['Coverage']

function about(one: Coverage): string {
  const parts = [
    targetKindWord[one.kind],
    one.source ?? '',
    one.via === 'streamed' ? 'read through Docker' : '',
  ]
  return parts.filter(Boolean).join(', ')
}

function Row({ one, stack }: { one: Coverage; stack: Stack }) {
  return (
    <li
      data-coverage={one.name}
      className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2.5"
    >
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">{one.name}</p>
        <p className="text-muted text-xs [overflow-wrap:anywhere]">{about(one)}</p>
        {one.reason && <p className="break-words text-xs">{sentence(one.reason)}</p>}
      </div>
      {isLeftOut(one, stack) ? <Status tone="warn">Left out</Status> : <Status tone="ok">Captured</Status>}
    </li>
  )
}

/** Whether it is taken as a part of the stack's directory, and so is not really left out. */
function isWithin(one: Coverage, stack: Stack): boolean {
  return one.kind === 'bind' && stack.binds.some((bind) => bind.source === one.name && bind.is_inside_stack)
}

const isLeftOut = (one: Coverage, stack: Stack) => !one.covered && !isWithin(one, stack)

function hint(items: readonly Coverage[] | undefined, stack: Stack): string {
  if (!items) return 'What a backup of the stack takes'
  const out = items.filter((one) => isLeftOut(one, stack)).length
  return out === 0 ? 'Everything it has' : `${count(out, 'thing')} left out`
}

export function CoverageCard({ stack }: { stack: Stack }) {
  const query = api.useQuery('get', '/api/v1/stacks/{name}/coverage', {
    params: { path: { name: stack.name } },
  })
  return (
    <Card title="What is captured" hint={hint(query.data?.items, stack)}>
      <QueryState query={query} what="What is captured" skeleton={<SkeletonRows rows={4} size="h-10" />}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Nothing to capture">No files, volumes or bind mounts of it are known.</Empty>
          ) : (
            <ul className="divide-y divide-line">
              {/* What is left out is what somebody came to see. */}
              {[...page.items]
                .sort((a, b) => Number(isLeftOut(b, stack)) - Number(isLeftOut(a, stack)))
                .map((one) => (
                  <Row key={`${one.kind} ${one.name}`} one={one} stack={stack} />
                ))}
            </ul>
          )
        }
      </QueryState>
    </Card>
  )
}
