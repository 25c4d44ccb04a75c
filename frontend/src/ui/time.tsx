import { ago, exactTime, shortTime } from '@/lib/format'
import { useNow } from '@/lib/now'

/** A time relative to now, exact on hover. */
export function Ago({ at, never = 'never' }: { at: string | null | undefined; never?: string }) {
  const now = useNow(at ? 30_000 : null)
  if (!at) return <>{never}</>
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, now)}
    </time>
  )
}

/** Day and time in the reader's zone, exact on hover. */
export function When({ at, never = '–' }: { at: string | null | undefined; never?: string }) {
  if (!at) return <>{never}</>
  return (
    <time dateTime={at} title={exactTime(at)}>
      {shortTime(at)}
    </time>
  )
}
