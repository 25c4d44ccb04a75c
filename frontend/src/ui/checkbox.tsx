import { useEffect, useRef } from 'react'
import type { TickState } from '@/lib/selection'

/** A native checkbox in a target of 40 px. */
export function Checkbox({
  state,
  label,
  onToggle,
}: {
  state: TickState
  label: string
  onToggle: () => void
}) {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current) box.current.indeterminate = state === 'some'
  }, [state])
  return (
    <label className="-m-2 inline-flex size-10 cursor-pointer items-center justify-center rounded-md hover:bg-raised">
      <span className="sr-only">{label}</span>
      <input
        ref={box}
        type="checkbox"
        checked={state === 'all'}
        onChange={onToggle}
        className="size-4.5 cursor-pointer accent-accent"
      />
    </label>
  )
}
