/** The jobs of the last month, in short, for pictures of how things went. Kept up to date by the event stream. */
import { type QueryClient, useQuery } from '@tanstack/react-query'
import { http, type Job, type Schemas } from '@/api/client'
import { STRIP_DAYS } from '@/lib/strip'

/** What the pictures need of a job; a month of whole records would fill the memory of a phone. */
export type PastJob = Pick<
  Job,
  'id' | 'kind' | 'state' | 'stack' | 'plan' | 'dry_run' | 'queued_at' | 'finished_at'
>

const KEY = ['history'] as const
const PAGE = 500
/** Enough for 100 stacks a night for a month; the pictures of a larger host begin later. */
const MOST_PAGES = 6

function inShort({ id, kind, state, stack, plan, dry_run, queued_at, finished_at }: Job): PastJob {
  return { id, kind, state, stack, plan, dry_run, queued_at, finished_at }
}

async function fetchPage(
  since: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Schemas['JobList']> {
  const query = { kind: 'backup' as const, since, limit: PAGE, ...(cursor ? { cursor } : {}) }
  const { data, error } = await http.GET('/api/v1/jobs', { params: { query }, signal })
  if (!data) throw error
  return data
}

async function fetchPast(since: string, signal: AbortSignal): Promise<PastJob[]> {
  const found: PastJob[] = []
  let cursor: string | null = null
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await fetchPage(since, cursor, signal)
    found.push(...answer.items.map(inShort))
    cursor = answer.next_cursor
    if (!cursor) break
  }
  return found
}

/** Midnight before the first day that is shown; the same all day, so that the answer can be kept. */
function firstMidnight(): string {
  const day = new Date()
  day.setHours(0, 0, 0, 0)
  day.setDate(day.getDate() - STRIP_DAYS + 1)
  return day.toISOString()
}

export function useHistory() {
  const since = firstMidnight()
  return useQuery({
    queryKey: [...KEY, since],
    queryFn: ({ signal }) => fetchPast(since, signal),
    staleTime: 600_000,
  })
}

/** Puts a job that has just ended where the pictures find it. */
export function addToHistory(client: QueryClient, job: Job): void {
  client.setQueriesData<PastJob[]>(
    { queryKey: KEY },
    (past) => past && [inShort(job), ...past.filter((one) => one.id !== job.id)],
  )
}
