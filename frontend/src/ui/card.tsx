import type { ReactNode } from 'react'
import { cn } from './cn'

/** A panel of the page. With a title it is a landmark of that name. */
export function Card({
  title,
  hint,
  actions,
  children,
}: {
  title?: ReactNode
  hint?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <section className="min-w-0 rounded-xl border border-line bg-panel">
      {title && (
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-line border-b px-4 py-3">
          <div className="min-w-0">
            <h2 className="font-semibold">{title}</h2>
            {hint && <p className="text-muted text-xs">{hint}</p>}
          </div>
          {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  )
}

/** A name and its value, within a `<dl>`; a long value has a line of its own. */
export function Fact({
  name,
  isLong = false,
  children,
}: {
  name: string
  isLong?: boolean
  children: ReactNode
}) {
  return (
    <div className={cn('min-w-0', isLong && 'col-span-full')}>
      <dt className="text-muted text-xs">{name}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  )
}

/** What a list shows when it has nothing: the reason and the next act. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="px-4 py-7 text-center">
      <p className="font-medium">{title}</p>
      {children && <div className="mx-auto mt-1 max-w-prose text-muted">{children}</div>}
    </div>
  )
}
