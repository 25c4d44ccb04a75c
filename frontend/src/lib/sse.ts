/**
 * A server-sent event stream that keeps itself alive.
 *
 * EventSource reconnects by itself, with Last-Event-ID, but only after a dropped connection: any answer other than
 * 200 (a proxy's 502 while the service restarts) makes it give up for good. So on CLOSED a new one is made with
 * backoff, and the last id goes into the address, because script cannot set Last-Event-ID. A stream that says
 * nothing for 45 s (pings count) is replaced as well. While the tab is hidden the stream is closed: a browser
 * allows six connections to a host, and six forgotten tabs would make the seventh hang.
 */
export type StreamStatus = 'connecting' | 'live' | 'retrying' | 'ended'

export interface StreamOptions {
  /** The address; `after` is the id of the last event received. */
  url: (after: string | null) => string
  /** What to do with each kind of event; `end` also closes the stream. */
  on: Record<string, (data: unknown, id: string) => void>
  onStatus?: (status: StreamStatus) => void
  /** Called each time the server refused the stream; a good moment to ask whether the session still holds. */
  onRefused?: () => void
  /** Silence that counts as a dead link, in milliseconds. */
  idleMs?: number
  /** How long a hidden tab keeps its stream, in milliseconds. */
  hiddenMs?: number
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Opens the stream and answers a function that closes it. */
export function openStream(options: StreamOptions): () => void {
  const { url, on, onStatus, onRefused, idleMs = 45_000, hiddenMs = 10_000 } = options
  let source: EventSource | null = null
  let lastId: string | null = null
  let attempt = 0
  let isDone = false
  let isAsleep = false
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let idleTimer: ReturnType<typeof setTimeout> | undefined
  let hiddenTimer: ReturnType<typeof setTimeout> | undefined

  const disconnect = () => {
    clearTimeout(retryTimer)
    clearTimeout(idleTimer)
    source?.close()
  }
  const stop = () => {
    isDone = true
    disconnect()
    clearTimeout(hiddenTimer)
    globalThis.document?.removeEventListener('visibilitychange', onVisibility)
  }
  const retry = () => {
    disconnect()
    onStatus?.('retrying')
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.75 + Math.random() / 2)
    attempt += 1
    retryTimer = setTimeout(connect, wait)
  }
  const heard = () => {
    clearTimeout(idleTimer)
    idleTimer = setTimeout(retry, idleMs)
  }
  const receive = (type: string, event: MessageEvent<string>) => {
    if (isDone) return
    if (event.lastEventId) lastId = event.lastEventId
    heard()
    on[type]?.(parse(event.data), event.lastEventId)
    if (type === 'end') {
      stop()
      onStatus?.('ended')
    }
  }
  function connect() {
    if (isDone || isAsleep) return
    const made = new EventSource(url(lastId))
    source = made
    heard() // a connection that never answers must not hang for ever either
    made.onopen = () => {
      attempt = 0
      onStatus?.('live')
      heard()
    }
    made.onerror = () => {
      if (isDone || made !== source) return
      if (made.readyState === EventSource.CLOSED) {
        onRefused?.()
        if (!isDone) retry()
      } else {
        onStatus?.('retrying')
      }
    }
    for (const type of new Set(['ping', 'end', ...Object.keys(on)])) {
      made.addEventListener(type, (event) => receive(type, event as MessageEvent<string>))
    }
  }
  function onVisibility() {
    clearTimeout(hiddenTimer)
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        isAsleep = true
        disconnect()
        onStatus?.('connecting')
      }, hiddenMs)
    } else if (isAsleep) {
      isAsleep = false
      attempt = 0
      connect()
    }
  }

  globalThis.document?.addEventListener('visibilitychange', onVisibility)
  onStatus?.('connecting')
  connect()
  return stop
}
