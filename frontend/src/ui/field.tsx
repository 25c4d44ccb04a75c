import type { ComponentProps } from 'react'
import { cn } from './cn'

/** The look of what can be written in, whatever its height. */
export const boxClass =
  'min-w-0 rounded-md border border-field bg-bg px-2.5 placeholder:text-muted disabled:opacity-60'
export const inputClass = `h-9 ${boxClass}`

/** A choice among fixed values; the empty value means all of them. */
export function SelectField<T extends string>(props: {
  label: string
  value: T | ''
  all: string
  options: readonly { value: T; label: string }[]
  onChange: (value: T | '') => void
}) {
  const { label, value, all, options, onChange } = props
  return (
    <label className="inline-flex min-w-0 flex-col gap-1 text-muted text-xs">
      {label}
      <select
        value={value}
        onChange={(event) => onChange(event.target.value as T | '')}
        className={cn(inputClass, 'pr-7 text-ink text-sm')}
      >
        <option value="">{all}</option>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  )
}

/** A choice of exactly one value. */
export function Choice<T extends string>(props: {
  label: string
  value: T
  options: readonly { value: T; label: string }[]
  onChange: (value: T) => void
}) {
  const { label, value, options, onChange } = props
  return (
    <label className="inline-flex min-w-0 flex-col gap-1 text-muted text-xs">
      {label}
      <select
        value={value}
        onChange={(event) => onChange(event.target.value as T)}
        className={cn(inputClass, 'pr-7 text-ink text-sm')}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  )
}

export function TextField({
  label,
  ...rest
}: { label: string } & Omit<ComponentProps<'input'>, 'className'>) {
  return (
    <label className="inline-flex min-w-0 flex-col gap-1 text-muted text-xs">
      {label}
      <input className={cn(inputClass, 'text-ink text-sm')} {...rest} />
    </label>
  )
}
