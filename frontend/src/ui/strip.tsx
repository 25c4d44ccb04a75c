import { memo } from 'react'
import { type Cell, stripText } from '@/lib/strip'

const STEP = 6
const HEIGHT = 22
/** What failed stands higher and what is missing is a hollow foot, so that colour is not needed to tell. */
const TOP: Record<Cell['tone'], number> = { ok: 8, warn: 4, bad: 0, none: 16 }
const LOOK: Record<Cell['tone'], string> = {
  none: 'fill-none stroke-field',
  ok: 'fill-ok',
  warn: 'fill-warn',
  bad: 'fill-bad',
}
const TONES = Object.keys(LOOK) as Cell['tone'][]

/** All days of one tone as a single path: a page of 200 strips stays light. */
function pathOf(cells: readonly Cell[], tone: Cell['tone']): string {
  const height = HEIGHT - TOP[tone] - 1
  const bar = (i: number) => `M${i * STEP + 0.5} ${TOP[tone] + 0.5}h${STEP - 2}v${height}h${2 - STEP}z`
  return cells.map((cell, i) => (cell.tone === tone ? bar(i) : '')).join('')
}

/** A month at a glance, today at the right. */
export const Strip = memo(function Strip({ cells }: { cells: readonly Cell[] }) {
  const text = stripText(cells)
  return (
    <svg
      role="img"
      aria-label={text}
      width={cells.length * STEP}
      height={HEIGHT}
      viewBox={`0 0 ${cells.length * STEP} ${HEIGHT}`}
      className="max-w-full"
    >
      <title>{text}</title>
      {TONES.map((tone) => (
        <path key={tone} d={pathOf(cells, tone)} className={LOOK[tone]} />
      ))}
    </svg>
  )
})
