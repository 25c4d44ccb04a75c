/** Fields of a form, each with what is wrong with it right below. */
import { type ComponentProps, type ReactNode, useId } from 'react'
import { cn } from './cn'
import { boxClass } from './field'

interface Around {
  label: string
  hint?: ReactNode
  error?: string | undefined
}

type Marks = { id: string; 'aria-invalid': boolean; 'aria-describedby': string }

/** A label above, the control, and below it a hint or what is wrong. */
function Field({ label, hint, error, children }: Around & { children: (marks: Marks) => ReactNode }) {
  const id = useId()
  const about = `${id}-about`
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      <div className="mt-1">
        {children({ id, 'aria-invalid': Boolean(error), 'aria-describedby': about })}
      </div>
      <p id={about} className={cn('mt-1 break-words text-xs', error ? 'text-bad' : 'text-muted')}>
        {error ?? hint}
      </p>
    </div>
  )
}

const wide = `${boxClass} w-full aria-invalid:border-bad`

export function FormText({
  label,
  hint,
  error,
  ...rest
}: Around & Omit<ComponentProps<'input'>, 'className' | 'id'>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(marks) => <input {...marks} className={cn(wide, 'h-9')} {...rest} />}
    </Field>
  )
}

/** Several values, one a line. */
export function FormLines({
  label,
  hint,
  error,
  ...rest
}: Around & Omit<ComponentProps<'textarea'>, 'className' | 'id'>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(marks) => (
        <textarea
          {...marks}
          rows={2}
          spellCheck={false}
          className={cn(wide, 'py-1.5 font-mono text-xs leading-5')}
          {...rest}
        />
      )}
    </Field>
  )
}

export function FormChoice<T extends string>(
  props: Around & {
    value: T
    options: readonly { value: T; label: string }[]
    onChange: (value: T) => void
  },
) {
  const { label, hint, error, value, options, onChange } = props
  return (
    <Field label={label} hint={hint} error={error}>
      {(marks) => (
        <select
          {...marks}
          value={value}
          onChange={(event) => onChange(event.target.value as T)}
          className={cn(wide, 'h-9 pr-7')}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** What is wrong with the form as a whole. */
export function FormErrors({ title, errors }: { title: string; errors: readonly string[] }) {
  if (errors.length === 0) return null
  return (
    <div role="alert" className="rounded-xl border border-bad/50 bg-bad/10 px-4 py-3">
      <p className="font-medium">{title}</p>
      {errors.map((error) => (
        <p key={error} className="break-words text-muted">
          {error}
        </p>
      ))}
    </div>
  )
}
