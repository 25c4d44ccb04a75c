import { type Cell, stripText } from '@/lib/strip'

const STEP = 6
const HEIGHT = 22
const TOP: Record<Cell['tone'], number> = { ok: 8, warn: 4, bad: 0, none: 16 }
const LOOK: Record<Cell['tone'], string> = {
  ok: 'fill-ok',
  warn: 'fill-warn',
  bad: 'fill-bad',
  none: 'fill-none stroke-field',
}

/** A day's mark. What failed stands higher and what is missing is hollow, so that colour is not needed to tell. */
function Day({ cell, x }: { cell: Cell; x: number }) {
  const top = TOP[cell.tone]
  return (
    <rect
      x={x + 0.5}
      y={top + 0.5}
      width={STEP - 2}
      height={HEIGHT - top - 1}
      rx={1}
      className={LOOK[cell.tone]}
    >
      <title>{cell.text}</title>
    </rect>
  )
}

/** A month at a glance, today at the right. */
export function Strip({ cells }: { cells: readonly Cell[] }) {
  return (
    <svg
      role="img"
      aria-label={stripText(cells)}
      width={cells.length * STEP}
      height={HEIGHT}
      viewBox={`0 0 ${cells.length * STEP} ${HEIGHT}`}
      className="max-w-full"
    >
      {cells.map((cell, i) => (
        <Day key={cell.day} cell={cell} x={i * STEP} />
      ))}
    </svg>
  )
}
