import type { ComponentProps } from 'react'
import { cn } from './cn'

export type ButtonVariant = 'primary' | 'outline' | 'ghost' | 'danger'
export type ButtonSize = 'sm' | 'md' | 'icon'

const BASE =
  'inline-flex shrink-0 select-none items-center justify-center gap-2 whitespace-nowrap rounded-md font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-60 aria-disabled:cursor-not-allowed aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0'
const VARIANT: Record<ButtonVariant, string> = {
  primary: 'bg-accent text-accent-ink hover:bg-accent/90',
  outline: 'border border-line bg-panel hover:bg-raised aria-pressed:border-accent aria-pressed:bg-raised',
  ghost: 'text-muted hover:bg-raised hover:text-ink',
  danger: 'border border-bad/50 bg-panel text-bad hover:bg-bad/10',
}
const SIZE: Record<ButtonSize, string> = { sm: 'h-8 px-2.5 text-xs', md: 'h-9 px-3.5', icon: 'size-9' }

/** The classes of a button, for links that look like one. */
export function buttonClass(variant: ButtonVariant = 'outline', size: ButtonSize = 'md'): string {
  return cn(BASE, VARIANT[variant], SIZE[size])
}

export function Button({
  variant,
  size,
  type = 'button',
  ...rest
}: Omit<ComponentProps<'button'>, 'className'> & { variant?: ButtonVariant; size?: ButtonSize }) {
  return <button type={type} className={buttonClass(variant, size)} {...rest} />
}
