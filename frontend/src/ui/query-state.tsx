import { RotateCw, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { problemText } from '@/api/problem'
import { Button } from './button'

export interface QueryLike<T> {
  data: T | undefined
  error: unknown
  isFetching: boolean
  dataUpdatedAt: number
  refetch: () => unknown
}

/** What went wrong, in the place of what was asked for; with a way to try again where there is no other. */
export function Refused({ title, error, again }: { title: string; error: unknown; again?: ReactNode }) {
  return (
    <div role="alert" className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
      <div className="flex min-w-0 items-start gap-2.5">
        <TriangleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
        <div className="min-w-0">
          <p className="font-medium">{title}</p>
          <p className="break-words text-muted">{problemText(error)}</p>
        </div>
      </div>
      {again}
    </div>
  )
}

/** What could not be fetched, and a way to try again. */
export function QueryError({ query, what }: { query: QueryLike<unknown>; what: string }) {
  const again = (
    <Button size="sm" disabled={query.isFetching} onClick={() => void query.refetch()}>
      <RotateCw aria-hidden /> Try again
    </Button>
  )
  return <Refused title={`${what} could not be loaded`} error={query.error} again={again} />
}

/**
 * Shows what a query found, a skeleton before, the error when there is nothing else. Data that could not be renewed
 * stays, with the time it is from.
 */
export function QueryState<T>(props: {
  query: QueryLike<T>
  /** What is being fetched, as the start of a sentence: `The jobs`. */
  what: string
  skeleton: ReactNode
  children: (data: T) => ReactNode
}) {
  const { query, what, skeleton, children } = props
  if (query.data === undefined) return query.error ? <QueryError query={query} what={what} /> : skeleton
  return (
    <>
      {Boolean(query.error) && (
        <div className="flex flex-wrap items-center justify-between gap-2 border-line border-b bg-warn/10 px-4 py-2 text-xs">
          <span>
            As of {new Date(query.dataUpdatedAt).toLocaleTimeString()}. {problemText(query.error)}
          </span>
          <Button size="sm" disabled={query.isFetching} onClick={() => void query.refetch()}>
            Try again
          </Button>
        </div>
      )}
      {children(query.data)}
    </>
  )
}
