/** A retention as people say it. The service writes it as `7d:4w:6m`, as `last=7,within=90d`, or as `all`. Pure. */
import { list } from './format'

const PERIOD: Record<string, string> = { d: 'daily', w: 'weekly', m: 'monthly' }
const UNIT: Record<string, string> = { d: 'days', w: 'weeks', m: 'months', y: 'years' }

function span(text: string): string {
  const [, n, unit] = /^(\d+)([dwmy])$/.exec(text) ?? []
  return n && unit ? `${n} ${UNIT[unit]}` : text
}

/** One part of a list; null for what is not known here. */
function part(text: string): string | null {
  const [key = '', value = ''] = text.split('=')
  if (key === 'last') return `the newest ${value}`
  if (key === 'min_keep') return `never fewer than ${value}`
  if (key === 'within') return `all of the last ${span(value)}`
  const within = /^within-(\w+)$/.exec(key)?.[1]
  if (within) return `${within} ones of the last ${span(value)}`
  if (!/^(hourly|daily|weekly|monthly|yearly)$/.test(key)) return null
  return value === 'unlimited' ? `every ${key} one` : `${value} ${key}`
}

/** `7 daily, 4 weekly and 6 monthly`; a text that is not understood stays as it is. */
export function retentionText(rule: string): string {
  if (rule === 'all') return 'everything'
  const parts = /^\d+d:\d+w:\d+m$/.test(rule)
    ? rule
        .split(':')
        .filter((one) => !one.startsWith('0'))
        .map((one) => `${one.slice(0, -1)} ${PERIOD[one.slice(-1)]}`)
    : rule.split(',').map(part)
  const known = parts.filter((one) => one !== null)
  return known.length === parts.length ? list(known, known.length) : rule
}
