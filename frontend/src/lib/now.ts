/** The time: the service's where running clocks are shown, because a browser's own clock may be off. */
import { useEffect, useState } from 'react'

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

/** The service's time, renewed every `everyMs`; `null` stands still (nothing is shown that moves). */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    if (everyMs === null) return
    setNow(serverNow())
    const timer = setInterval(() => setNow(serverNow()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
