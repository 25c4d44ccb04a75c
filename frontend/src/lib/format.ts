/** Numbers and times as people read them. Pure; the time that something is relative to is always passed in. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `n` bytes with a binary unit: `0 B`, `1.5 GiB`, `240 MiB`. */
export function bytes(n: number): string {
  if (n < 1) return '0 B'
  let exponent = Math.min(UNITS.length - 1, Math.floor(Math.log2(n) / 10))
  let value = n / 1024 ** exponent
  // 1023.7 KiB would round to "1024 KiB".
  if (Math.round(value) >= 1024 && exponent < UNITS.length - 1) {
    exponent += 1
    value = n / 1024 ** exponent
  }
  const digits = exponent === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[exponent]}`
}

/** `n` things: `1 stack`, `1,204 lines`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** How long before or after `now` something is: `just now`, `5 minutes ago`, `in 6 hours`. */
export function ago(iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000
  const distance = Math.abs(seconds)
  if (distance < 45) return seconds <= 0 ? 'just now' : 'in moments'
  if (distance < 3_570) return relative.format(Math.round(seconds / 60), 'minute')
  if (distance < 47.5 * 3_600) return relative.format(Math.round(seconds / 3_600), 'hour')
  if (distance < 60 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day')
  return relative.format(Math.round(seconds / (30.44 * 86_400)), 'month')
}

const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const shortFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

/** Day and time in the reader's zone, in full, with the zone. */
export const exactTime = (iso: string): string => exactFormat.format(new Date(iso))
/** Day and time in the reader's zone, short. */
export const shortTime = (iso: string): string => shortFormat.format(new Date(iso))
/** Day and time in the zone `zone`, short; in the reader's when the browser does not know that zone. */
export function zonedTime(iso: string, zone: string): string {
  try {
    const format = new Intl.DateTimeFormat(undefined, {
      dateStyle: 'medium',
      timeStyle: 'short',
      timeZone: zone,
    })
    return format.format(new Date(iso))
  } catch {
    return shortTime(iso)
  }
}
/** Time of the day in the reader's zone, to the second. */
export const clockTime = (iso: string): string => clockFormat.format(new Date(iso))

/** `ms` milliseconds as people say it: `850 ms`, `2.4 s`, `3 min 05 s`, `2 h 03 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${Math.floor(ms / 1_000)}.${Math.floor((ms % 1_000) / 100)} s`
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${two((ms % 60_000) / 1_000)} s`
  return `${Math.floor(ms / 3_600_000)} h ${two((ms % 3_600_000) / 60_000)} min`
}

/** `ms` milliseconds as a running clock: `00:41`, `1:02:03`. Never negative. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${two(minutes)}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** What the service says, begun as a sentence: its own texts begin small, ready to follow something. */
export function sentence(text: string): string {
  // Only a plain word: `blog_db` or `/srv/blog` is a name, and names stay as they are.
  return /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

/** `a, b and c`; from the fourth on only their number: `a, b and 4 more`. */
export function list(names: readonly string[], most = 3): string {
  if (names.length === 0) return ''
  const shown = names.length > most ? names.slice(0, most - 1) : names
  const rest = names.length - shown.length
  const parts = rest > 0 ? [...shown, `${rest} more`] : [...shown]
  const last = parts.pop()
  return parts.length > 0 ? `${parts.join(', ')} and ${last}` : (last ?? '')
}
