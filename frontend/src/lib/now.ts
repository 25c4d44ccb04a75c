/** The time: the service's where running clocks are shown, because a browser's own clock may be off. */
import { useEffect, useReducer } from 'react'

let offsetMs = 0

/** Learns from an answer's `Date` header how far this browser's clock is off; whole seconds are all it has. */
export function noteServerDate(header: string | null, now = Date.now()): void {
  const server = header ? Date.parse(header) : Number.NaN
  if (Number.isNaN(server)) return
  const off = server - now
  offsetMs = Math.abs(off) < 2_000 ? 0 : off
}

/** Milliseconds since the epoch by the service's clock. */
export function serverNow(): number {
  return Date.now() + offsetMs
}

/**
 * The service's time at each drawing, of which there is one at least every `everyMs`; `null` asks for none. Not the
 * time of the last tick: what has happened since would then lie in the future.
 */
export function useNow(everyMs: number | null): number {
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    if (everyMs === null) return
    const timer = setInterval(redraw, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return serverNow()
}
