/** What a restore would do, in plain words: what is replaced, what stops and for how long, what is kept, what is short. */
import { CircleX } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Schemas, Snapshot } from '@/api/client'
import { Warnings } from '@/features/stacks/stack-rows'
import { bytes, count, duration, list, sentence } from '@/lib/format'
import type { RestoreForm } from '@/lib/restore-form'
import { targetKindWord } from '@/lib/words'
import { Ago, When } from '@/ui/time'

type Preview = Schemas['RestorePreview']
type Target = Preview['targets'][number]

function Problems({ problems }: { problems: readonly string[] }) {
  if (problems.length === 0) return null
  return (
    <div role="alert" className="border-line border-b bg-bad/10 px-4 py-3">
      <p className="font-medium">This cannot be done as it is:</p>
      <ul className="mt-1 space-y-1">
        {problems.map((problem) => (
          <li key={problem} className="flex items-start gap-2">
            <CircleX className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
            <span className="min-w-0 break-words">{sentence(problem)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[9rem_minmax(0,1fr)]">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  )
}

function What({ target }: { target: Target }) {
  const fate = target.skipped
    ? `left out: ${target.skipped}`
    : target.will_be_replaced
      ? 'replaces what is there'
      : 'is made new'
  return (
    <li className="py-1">
      <p>
        <span className="font-medium [overflow-wrap:anywhere]">{target.name}</span>{' '}
        <span className="text-muted text-xs">
          {targetKindWord[target.kind]}, {bytes(target.size_bytes)}, {fate}
        </span>
      </p>
      {target.place && !target.skipped && (
        <p className="break-all font-mono text-muted text-xs">{target.place}</p>
      )}
    </li>
  )
}

function Stop({ preview }: { preview: Preview }) {
  if (preview.stops.length === 0) return <>Nothing is stopped.</>
  const known = preview.stopped_ms
  return (
    <>
      <p>
        {known === null
          ? 'For a moment, while old and new data change places. Unpacking is done before, while everything runs.'
          : `For about ${duration(known)}, while old and new data change places. Unpacking is done before, while everything runs.`}
      </p>
      <ul className="mt-1 text-muted text-xs">
        {preview.stops.map((stop) => (
          <li key={stop} className="break-words">
            {sentence(stop)}
          </li>
        ))}
      </ul>
    </>
  )
}

function Lost({ snapshot }: { snapshot: Snapshot }) {
  return (
    <>
      Everything written since the snapshot was taken (<When at={snapshot.created_at} />,{' '}
      <Ago at={snapshot.created_at} />) is no longer in use.
    </>
  )
}

function Databases({ databases }: { databases: Preview['databases'] }) {
  return (
    <ul>
      {databases.map((one) => (
        <li key={one.name} className="break-words">
          <span className="font-medium">{one.name}</span>: dumped by {one.dumped_by ?? 'a version not known'},
          loaded by {one.loaded_by ?? 'a version not known'}
        </li>
      ))}
    </ul>
  )
}

export function PreviewFacts({
  preview,
  form,
  snapshot,
}: {
  preview: Preview
  form: RestoreForm
  snapshot: Snapshot
}) {
  const isReplacing = preview.targets.some((target) => target.will_be_replaced)
  return (
    <>
      <Problems problems={preview.problems} />
      <dl className="divide-y divide-line">
        <Line name={isReplacing ? 'Is replaced' : 'Is restored'}>
          <ul className="max-h-72 divide-y divide-line overflow-auto">
            {preview.targets.length === 0 && <li>Nothing.</li>}
            {preview.targets.map((target) => (
              <What key={`${target.kind} ${target.name}`} target={target} />
            ))}
          </ul>
        </Line>
        {isReplacing && (
          <Line name={form.keepsOld ? 'Is set aside' : 'Is lost'}>
            <Lost snapshot={snapshot} />
          </Line>
        )}
        <Line name="Is stopped">
          <Stop preview={preview} />
        </Line>
        {isReplacing && (
          <Line name="Is kept">
            {form.keepsOld
              ? 'What is there now is kept beside it, and can be put back from the page of the job.'
              : 'Nothing: what is there now is removed once the new data is in place.'}
          </Line>
        )}
        {form.destination === 'new_stack' && (
          <Line name="Afterwards">
            The new stack is not started. Look through its compose file first: ports and container names may
            clash with those of the old one.
          </Line>
        )}
        {preview.databases.length > 0 && (
          <Line name="Is loaded">
            <Databases databases={preview.databases} />
          </Line>
        )}
        {preview.missing_networks.length > 0 && (
          <Line name="Is missing">
            {count(preview.missing_networks.length, 'network')} that the stack had:{' '}
            {list(preview.missing_networks, 8)}. Compose makes them anew; external ones have to be made by
            hand.
          </Line>
        )}
        {preview.file_systems.map((space) => (
          <Line key={space.path} name="Room">
            {bytes(space.needed_bytes)} needed and {bytes(space.free_bytes)} free at{' '}
            <span className="break-all font-mono text-xs">{space.path}</span>
          </Line>
        ))}
      </dl>
      {preview.warnings.length > 0 && (
        <div className="border-line border-t px-4 py-2.5">
          <Warnings warnings={preview.warnings} />
        </div>
      )}
    </>
  )
}
