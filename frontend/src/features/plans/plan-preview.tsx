/** What a run of a plan would do, asked for by hand: it looks at the engine and at the repository. */
import { Eye } from 'lucide-react'
import { api, type Schemas } from '@/api/client'
import { Warnings } from '@/features/stacks/stack-rows'
import { bytes, sentence } from '@/lib/format'
import { targetKindWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { Refused } from '@/ui/query-state'
import { Verdicts } from './verdicts'

type Preview = Schemas['PlanPreview']

function Stops({ stops }: { stops: readonly string[] }) {
  if (stops.length === 0) return <p className="px-4 py-2.5">No container would be brought to rest.</p>
  return (
    <div className="px-4 py-2.5">
      <p>Brought to rest, in this order, and started again in reverse:</p>
      <ol className="mt-1 list-decimal pl-5 font-medium">
        {stops.map((stop) => (
          <li key={stop} className="break-words">
            {stop}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Reads({ targets }: { targets: Preview['targets'] }) {
  return (
    <ul className="divide-y divide-line border-line border-t">
      {targets.map((target) => (
        <li
          key={`${target.kind} ${target.name}`}
          className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5 px-4 py-2"
        >
          <div className="min-w-0 flex-1 basis-48">
            <p className="font-medium [overflow-wrap:anywhere]">{target.name}</p>
            <p className="break-words text-muted text-xs">
              {targetKindWord[target.kind]}
              {target.skipped && `; left out: ${sentence(target.skipped)}`}
            </p>
          </div>
          <span className="text-muted tabular-nums">
            {target.size_bytes === null ? 'size not known' : bytes(target.size_bytes)}
          </span>
        </li>
      ))}
    </ul>
  )
}

export function PlanPreview({ id }: { id: string }) {
  const preview = api.useMutation('post', '/api/v1/plans/{id}/preview')
  const found = preview.data
  const ask = (
    <Button
      size="sm"
      disabled={preview.isPending}
      onClick={() => preview.mutate({ params: { path: { id } } })}
    >
      <Eye aria-hidden /> {preview.isPending ? 'Looking…' : found ? 'Look again' : 'Preview'}
    </Button>
  )
  return (
    <Card title="What a run would do" hint="Nothing is touched by the preview" actions={ask}>
      {preview.error && <Refused title="The preview could not be made" error={preview.error} />}
      {found && (
        <>
          {found.warnings.length > 0 && (
            <div className="border-line border-b px-4 py-2.5">
              <Warnings warnings={found.warnings} />
            </div>
          )}
          <Stops stops={found.stops} />
          <Reads targets={found.targets} />
          {found.verdicts && (
            <>
              <h3 className="border-line border-t px-4 pt-3 font-semibold">What retention would do now</h3>
              <Verdicts verdicts={found.verdicts} />
            </>
          )}
        </>
      )}
      {!found && !preview.error && (
        <Empty title={preview.isPending ? 'Looking…' : 'Not asked yet'}>
          The preview tells which containers would rest, what would be read, and what retention would remove.
        </Empty>
      )}
    </Card>
  )
}
