import { cn } from './cn'

/** Stands where something will be, at its true height, so that nothing jumps. */
export function Skeleton({ size }: { size: string }) {
  return <div aria-hidden className={cn('animate-pulse rounded-md bg-raised', size)} />
}

/** Rows of a list that is being fetched. */
export function SkeletonRows({ rows, size = 'h-5' }: { rows: number; size?: string }) {
  return (
    <div className="divide-y divide-line" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are alike and never move
        <div key={i} className="px-4 py-3">
          <Skeleton size={size} />
        </div>
      ))}
    </div>
  )
}
