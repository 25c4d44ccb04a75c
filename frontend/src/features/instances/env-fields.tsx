/** The variables that restic or the image gets. Values that are stored are never shown; typing replaces one. */
import { Plus, X } from 'lucide-react'
import type { FieldErrors } from '@/api/field-errors'
import { rowKey, type Variable } from '@/lib/spec'
import { Button } from '@/ui/button'
import { FormText } from '@/ui/form'

export function EnvFields(props: {
  env: readonly Variable[]
  errors: FieldErrors
  onChange: (env: Variable[]) => void
}) {
  const { env, errors, onChange } = props
  const set = (key: string, change: Partial<Variable>) =>
    onChange(env.map((one) => (one.key === key ? { ...one, ...change } : one)))
  return (
    <div className="px-4 py-1">
      <ul>
        {env.map((one) => (
          <li
            key={one.key}
            className="grid gap-3 border-line border-b py-3 last:border-b-0 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_2.25rem]"
          >
            <FormText
              label="Name"
              required
              disabled={one.isKept}
              placeholder="RESTIC_PASSWORD"
              value={one.name}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => set(one.key, { name: event.target.value })}
              error={errors.at(`/env/${one.name.trim()}`)}
            />
            <FormText
              label="Value"
              type="password"
              autoComplete="new-password"
              placeholder={one.isKept ? 'stays as it is' : ''}
              value={one.value}
              onChange={(event) => set(one.key, { value: event.target.value })}
            />
            <div className="sm:pt-6">
              <Button
                size="icon"
                variant="ghost"
                aria-label={`Remove ${one.name || 'this variable'}`}
                onClick={() => onChange(env.filter((other) => other.key !== one.key))}
              >
                <X aria-hidden />
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <div className="py-2">
        <Button
          size="sm"
          onClick={() => onChange([...env, { key: rowKey(), name: '', value: '', isKept: false }])}
        >
          <Plus aria-hidden /> Add a variable
        </Button>
      </div>
    </div>
  )
}
