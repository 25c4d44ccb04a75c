import { type ReactNode, useEffect, useRef } from 'react'

/** A page's title and its acts. The title takes the focus after a change of page, so that it is read out. */
export function PageHead({
  title,
  lead,
  actions,
  documentTitle,
  isFocused = true,
}: {
  title: ReactNode
  lead?: ReactNode
  actions?: ReactNode
  /** What the browser's tab says. */
  documentTitle: string
  isFocused?: boolean
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${documentTitle} · Mainstay`
  }, [documentTitle])
  useEffect(() => {
    // Not on the first page: there the browser's own place (top, or the skip link next) is right.
    if (isFocused && hasNavigated()) heading.current?.focus({ preventScroll: true })
  }, [isFocused])
  return (
    <div className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1
          ref={heading}
          tabIndex={-1}
          className="break-words font-semibold text-2xl tracking-tight outline-none"
        >
          {title}
        </h1>
        {lead && <div className="mt-1 text-muted">{lead}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </div>
  )
}

const firstPath = globalThis.location?.pathname
let isMoved = false
function hasNavigated(): boolean {
  isMoved ||= globalThis.location?.pathname !== firstPath
  return isMoved
}
