/** The targets of a plan or an instance, a row each; names are offered of what the host has. */
import { Plus, X } from 'lucide-react'
import { useId } from 'react'
import type { FieldErrors } from '@/api/field-errors'
import { useStacks } from '@/features/stacks/use-stacks'
import { emptyTarget, type TargetForm } from '@/lib/spec'
import { planTargetWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { FormChoice, FormLines, FormText } from '@/ui/form'

const KINDS = (Object.keys(planTargetWord) as TargetForm['kind'][]).map((value) => ({
  value,
  label: planTargetWord[value],
}))

const NAME_HINT: Record<TargetForm['kind'], string> = {
  stack: 'As on the page of the stacks',
  volume: 'As `docker volume ls` has it',
  db: 'The container that the database runs in',
  path: 'An absolute path on the host',
}

/** The names to choose from, by kind. */
function useNames(): Record<TargetForm['kind'], string[]> {
  const stacks = useStacks().data?.items ?? []
  const unique = (names: string[]) => [...new Set(names)].sort()
  return {
    stack: stacks.map((stack) => stack.name),
    volume: unique(stacks.flatMap((stack) => stack.volumes.map((volume) => volume.name))),
    db: unique(
      stacks.flatMap((stack) =>
        stack.services
          .filter((service) => stack.databases.some((one) => one.service === service.name))
          .flatMap((service) => service.containers.map((container) => container.name)),
      ),
    ),
    path: unique(stacks.flatMap((stack) => stack.binds.map((bind) => bind.source))),
  }
}

function Row(props: {
  target: TargetForm
  names: readonly string[]
  at: string
  errors: FieldErrors
  change: (change: Partial<TargetForm>) => void
  remove: () => void
}) {
  const { target, names, at, errors, change, remove } = props
  const list = useId()
  const hasParts = target.kind === 'volume' || target.kind === 'path'
  return (
    <li className="grid gap-3 border-line border-b py-3 last:border-b-0 sm:grid-cols-[9rem_minmax(0,1fr)_minmax(0,1fr)_2.25rem]">
      <FormChoice
        label="Kind"
        value={target.kind}
        options={KINDS}
        onChange={(kind) => change({ kind })}
        error={errors.at(`${at}/kind`)}
      />
      <FormText
        label="Name"
        required
        list={list}
        value={target.name}
        onChange={(event) => change({ name: event.target.value })}
        hint={NAME_HINT[target.kind]}
        error={errors.at(`${at}/name`) ?? errors.at(at, false)}
      />
      <datalist id={list}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {hasParts ? (
        <FormLines
          label="Only these parts"
          value={target.paths}
          onChange={(event) => change({ paths: event.target.value })}
          hint="Relative, one a line; all of it when empty"
          error={errors.at(`${at}/paths`)}
        />
      ) : (
        <span />
      )}
      <div className="sm:pt-6">
        <Button
          size="icon"
          variant="ghost"
          aria-label={`Remove ${target.name || 'this target'}`}
          onClick={remove}
        >
          <X aria-hidden />
        </Button>
      </div>
    </li>
  )
}

export function TargetFields(props: {
  targets: readonly TargetForm[]
  errors: FieldErrors
  onChange: (targets: TargetForm[]) => void
}) {
  const { targets, errors, onChange } = props
  const names = useNames()
  const set = (index: number, change: Partial<TargetForm>) =>
    onChange(targets.map((target, i) => (i === index ? { ...target, ...change } : target)))
  return (
    <div className="px-4 py-1">
      <ul>
        {targets.map((target, i) => (
          <Row
            key={target.key}
            target={target}
            names={names[target.kind]}
            at={`/targets/${i}`}
            errors={errors}
            change={(change) => set(i, change)}
            remove={() => onChange(targets.filter((_, other) => other !== i))}
          />
        ))}
      </ul>
      {errors.at('/targets', false) && (
        <p className="py-1 text-bad text-xs">{errors.at('/targets', false)}</p>
      )}
      <div className="py-2">
        <Button size="sm" onClick={() => onChange([...targets, emptyTarget()])}>
          <Plus aria-hidden /> Add a target
        </Button>
      </div>
    </div>
  )
}
