/** Where a log viewer's lines come from: a stream while something happens, pages when it is over, or a text. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { http, type Job, type LogLine, type LogPage, type Progress } from '@/api/client'
import { problemText } from '@/api/problem'
import { LogStore } from '@/lib/log-store'
import { openStream, type StreamStatus } from '@/lib/sse'

export interface LogSource {
  store: LogStore
  status: StreamStatus | 'failed'
  /** Why `status` is `failed`. */
  error?: string
}

export interface StreamHandlers {
  onProgress?: (progress: Progress) => void
  onState?: (job: Partial<Job>) => void
  onEnd?: () => void
}

const afterQuery = (after: string | null) => (after ? `?after=${encodeURIComponent(after)}` : '')

/** A store of its own for each `key`. */
function useStore(key: string): LogStore {
  return useMemo(() => {
    void key
    return new LogStore()
  }, [key])
}

/** Follows the log stream at `path`; null follows nothing. */
export function useLogStream(path: string | null, handlers: StreamHandlers = {}): LogSource {
  const client = useQueryClient()
  const store = useStore(path ?? '')
  const [status, setStatus] = useState<StreamStatus>('connecting')
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    if (!path) return
    return openStream({
      url: (after) => `${path}${afterQuery(after)}`,
      onStatus: setStatus,
      onRefused: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/auth/me'] }),
      on: {
        log: (data) => store.push(data as LogLine[]),
        progress: (data) => latest.current.onProgress?.(data as Progress),
        state: (data) => latest.current.onState?.(data as Partial<Job>),
        reset: () => store.clear(),
        end: () => latest.current.onEnd?.(),
      },
    })
  }, [path, store, client])
  return { store, status }
}

/** The most that one answer holds. */
const PAGE_LINES = 5_000

/** Fetches the whole log of a finished job, page by page; the first lines show while the rest comes. */
export function useFinishedLog(jobId: string | null): LogSource {
  const store = useStore(jobId ?? '')
  const [state, setState] = useState<Omit<LogSource, 'store'>>({ status: 'connecting' })
  useEffect(() => {
    if (!jobId) return
    const stop = new AbortController()
    setState({ status: 'connecting' })
    fetchAll(jobId, store, stop.signal)
      .then(() => setState({ status: 'ended' }))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState({ status: 'failed', error: problemText(error) })
      })
    return () => stop.abort()
  }, [jobId, store])
  return { store, ...state }
}

async function fetchPage(id: string, after: string | null, signal: AbortSignal): Promise<LogPage> {
  const query = { limit: PAGE_LINES, ...(after === null ? {} : { after }) }
  const { data, error } = await http.GET('/api/v1/jobs/{id}/log', { params: { path: { id }, query }, signal })
  if (!data) throw error
  return data
}

async function fetchAll(id: string, store: LogStore, signal: AbortSignal): Promise<void> {
  let after: string | null = null
  do {
    const page = await fetchPage(id, after, signal)
    store.push(page.items)
    after = page.items.length > 0 ? page.next_cursor : null
  } while (after !== null)
}

/** The lines that the service keeps in memory, and the place in the stream after them. */
async function fetchSystemLog(signal: AbortSignal): Promise<{ lines: LogLine[]; place: string | null }> {
  const query = { limit: 500 }
  const { data, error, response } = await http.GET('/api/v1/logs', { params: { query }, signal })
  if (!data) throw error
  return { lines: data.items, place: response.headers.get('last-event-id') ?? data.items.at(-1)?.id ?? null }
}

/** The service's log: what there is, then what comes. After a reset it begins anew. */
export function useSystemLog(): LogSource {
  const client = useQueryClient()
  const [round, setRound] = useState(0)
  const store = useStore(String(round))
  const [state, setState] = useState<Omit<LogSource, 'store'>>({ status: 'connecting' })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round begins anew
  useEffect(() => {
    const stop = new AbortController()
    let close = () => {}
    const open = (place: string | null) =>
      openStream({
        url: (after) => `/api/v1/logs/stream${afterQuery(after ?? place)}`,
        onStatus: (status) => setState({ status }),
        onRefused: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/auth/me'] }),
        on: { log: (data) => store.push(data as LogLine[]), reset: () => setRound((before) => before + 1) },
      })
    fetchSystemLog(stop.signal)
      .then(({ lines, place }) => {
        if (stop.signal.aborted) return
        store.push(lines)
        close = open(place)
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState({ status: 'failed', error: problemText(error) })
      })
    return () => {
      stop.abort()
      close()
    }
  }, [round, store, client])
  return { store, ...state }
}
