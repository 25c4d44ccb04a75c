/** Times as people say them of a night's work: `last night`, `tomorrow at 02:00`. In the reader's zone. Pure. */

const DAY_MS = 86_400_000
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const weekday = new Intl.DateTimeFormat('en', { weekday: 'long' })
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** The calendar days from the day of `now` to that of `at`; negative in the past. */
function daysBetween(at: Date, now: Date): number {
  const midnight = (day: Date) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate())
  return (midnight(at) - midnight(now)) / DAY_MS
}

/** Whether it was in the night before the day of `now`: from 21:00 to 06:00. */
function isLastNight(at: Date, now: Date): boolean {
  if (now.getHours() < 6) return false
  const days = daysBetween(at, now)
  return (days === 0 && at.getHours() < 6) || (days === -1 && at.getHours() >= 21)
}

/** When something was: `just now`, `last night`, `today at 14:05`, `yesterday at 14:05`, `on Monday`, `on 3 Nov`. */
export function pastWord(iso: string, now: number): string {
  const [at, today] = [new Date(iso), new Date(now)]
  const days = daysBetween(at, today)
  if (now - at.getTime() < 60_000) return 'just now'
  if (isLastNight(at, today)) return 'last night'
  if (days === 0) return `today at ${clock.format(at)}`
  if (days === -1) return `yesterday at ${clock.format(at)}`
  return days > -7 ? `on ${weekday.format(at)}` : `on ${date.format(at)}`
}

/** When something will be: `02:00`, `tomorrow at 09:00`, `Monday at 02:00`, `3 Dec`; the coming night needs no day. */
export function nextWord(iso: string, now: number): string {
  const [at, today] = [new Date(iso), new Date(now)]
  const days = daysBetween(at, today)
  const isComingNight = days === 1 && at.getHours() < 6
  if (days === 0 || isComingNight) return clock.format(at)
  if (days === 1) return `tomorrow at ${clock.format(at)}`
  return days < 7 ? `${weekday.format(at)} at ${clock.format(at)}` : date.format(at)
}
