/** The choices of a restore: which snapshot, what of it, where to. */
import { getRouteApi } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { api, type Snapshot } from '@/api/client'
import { bytes, count, shortTime } from '@/lib/format'
import { type Destination, type RestoreForm, restorable, targetKey } from '@/lib/restore-form'
import { targetKindWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Checkbox } from '@/ui/checkbox'
import { inputClass, TextField } from '@/ui/field'
import { Ago } from '@/ui/time'

const route = getRouteApi('/restore')

export type Change = (change: Partial<RestoreForm>) => void

/** Which one: the newest good one unless another is chosen. */
export function WhichSnapshot({ snapshot }: { snapshot: Snapshot }) {
  const navigate = route.useNavigate()
  const filter = snapshot.stack
    ? { stack: snapshot.stack }
    : snapshot.plan
      ? { plan: snapshot.plan }
      : { instance: snapshot.instance ?? '' }
  const query = api.useQuery('get', '/api/v1/snapshots', { params: { query: { ...filter, limit: 100 } } })
  const found = (query.data?.items ?? []).filter((one) => !one.removed_at)
  const all = found.some((one) => one.id === snapshot.id) ? found : [snapshot, ...found]
  return (
    <Card title="1. Which snapshot">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3">
        <label className="min-w-0">
          <span className="sr-only">Snapshot</span>
          <select
            value={snapshot.id}
            onChange={(event) =>
              void navigate({
                search: (before) => ({ ...before, snapshot: event.target.value }),
                replace: true,
              })
            }
            className={`${inputClass} max-w-full pr-7`}
          >
            {all.map((one) => (
              <option key={one.id} value={one.id}>
                {shortTime(one.created_at)}
                {one.damage ? ', damaged' : one.is_complete ? '' : ', has gaps'}
              </option>
            ))}
          </select>
        </label>
        <span className="text-muted">
          taken <Ago at={snapshot.created_at} />, {bytes(snapshot.content_bytes)}
          {snapshot.verified_at ? ', verified' : ', not verified'}
        </span>
      </div>
    </Card>
  )
}

function Paths({ form, change }: { form: RestoreForm; change: Change }) {
  return (
    <div className="px-4 py-3">
      <p>Only {count(form.paths.length, 'path')}; everything else stays as it is:</p>
      <ul className="mt-1 max-h-48 overflow-auto font-mono text-xs leading-5">
        {form.paths.map((path) => (
          <li key={path} className="break-all">
            {path}
          </li>
        ))}
      </ul>
      <div className="mt-2">
        <Button size="sm" onClick={() => change({ paths: [] })}>
          Restore everything instead
        </Button>
      </div>
    </div>
  )
}

/** What of it: everything, unless something is taken out. */
export function WhichTargets({
  snapshot,
  form,
  change,
}: {
  snapshot: Snapshot
  form: RestoreForm
  change: Change
}) {
  const toggle = (key: string) => {
    const without = new Set(form.without)
    if (!without.delete(key)) without.add(key)
    change({ without })
  }
  return (
    <Card title="2. What of it">
      {form.paths.length > 0 ? (
        <Paths form={form} change={change} />
      ) : (
        <ul className="divide-y divide-line">
          {restorable(snapshot.targets).map((target) => {
            const key = targetKey(target)
            return (
              <li key={key} className="flex items-center gap-3 px-4 py-2">
                <Checkbox
                  state={form.without.has(key) ? 'none' : 'all'}
                  label={`Restore ${targetKindWord[target.kind].toLowerCase()} ${target.name}`}
                  onToggle={() => toggle(key)}
                />
                <span className="min-w-0">
                  <span className="font-medium [overflow-wrap:anywhere]">{target.name}</span>{' '}
                  <span className="text-muted text-xs">
                    {targetKindWord[target.kind]}, {bytes(target.size_bytes)}
                  </span>
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </Card>
  )
}

function Way(props: {
  value: Destination
  form: RestoreForm
  change: Change
  title: string
  about: string
  children?: ReactNode
}) {
  const { value, form, change, title, about, children } = props
  const isChosen = form.destination === value
  return (
    <div className="px-4 py-3">
      <label className="flex cursor-pointer items-start gap-3">
        <input
          type="radio"
          name="destination"
          value={value}
          checked={isChosen}
          onChange={() => change({ destination: value })}
          className="mt-0.5 size-4.5 shrink-0 cursor-pointer accent-accent"
        />
        <span className="min-w-0">
          <span className="font-medium">{title}</span>
          <span className="block text-muted text-xs">{about}</span>
        </span>
      </label>
      {isChosen && children && <div className="mt-2 ml-7.5">{children}</div>}
    </div>
  )
}

/** Where to. The ways that touch nothing come first. */
export function WhereTo({
  snapshot,
  form,
  change,
}: {
  snapshot: Snapshot
  form: RestoreForm
  change: Change
}) {
  return (
    <Card title="3. Where to">
      <div role="radiogroup" aria-label="Where to" className="divide-y divide-line">
        {snapshot.stack && form.paths.length === 0 && (
          <Way
            value="new_stack"
            form={form}
            change={change}
            title="As a new stack, beside the old one"
            about="Touches nothing that is there. Volumes and a directory of its own; it is not started."
          >
            <TextField
              label="Name of the new stack"
              value={form.stackName}
              onChange={(event) => change({ stackName: event.target.value })}
            />
          </Way>
        )}
        <Way
          value="directory"
          form={form}
          change={change}
          title="Into a directory"
          about="Touches nothing that is there. The files as they lie in the snapshot."
        >
          <TextField
            label="Directory on the host, new or empty"
            placeholder="/srv/restored"
            value={form.directory}
            onChange={(event) => change({ directory: event.target.value })}
          />
        </Way>
        <Way
          value="in_place"
          form={form}
          change={change}
          title="Where it was"
          about="Replaces what is there now. What uses it is stopped for a moment and started again."
        >
          <label className="flex cursor-pointer items-center gap-3">
            <input
              type="checkbox"
              checked={form.keepsOld}
              onChange={() => change({ keepsOld: !form.keepsOld })}
              className="size-4.5 cursor-pointer accent-accent"
            />
            Keep what is there now, so that it can be put back
          </label>
        </Way>
      </div>
    </Card>
  )
}
