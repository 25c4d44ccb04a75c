import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { type ReactNode, type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import type { Level } from '@/api/client'
import { afterScroll } from '@/lib/follow'
import { clockTime, exactTime } from '@/lib/format'
import type { ViewLine } from '@/lib/log-store'
import { Button } from '@/ui/button'
import { cn } from '@/ui/cn'

const LINE_PX = 20
const TONE: Record<Level, string> = {
  DEBUG: 'text-muted',
  INFO: 'text-info',
  SUCCESS: 'text-ok',
  WARNING: 'text-warn',
  ERROR: 'text-bad',
}

function Row({ line, isWrapped }: { line: ViewLine; isWrapped: boolean }) {
  return (
    <>
      <span className="w-[5ch] shrink-0 select-none text-right text-muted tabular-nums max-sm:hidden">
        {line.n}
      </span>
      {line.at && (
        <time dateTime={line.at} title={exactTime(line.at)} className="shrink-0 text-muted">
          {clockTime(line.at)}
        </time>
      )}
      {line.level && (
        <span className={cn('shrink-0 sm:w-[7ch]', TONE[line.level])}>
          <span className="max-sm:hidden">{line.level}</span>
          <abbr title={line.level} className="no-underline sm:hidden">
            {line.level[0]}
          </abbr>
        </span>
      )}
      <span
        className={
          isWrapped ? 'min-w-0 whitespace-pre-wrap break-words [overflow-wrap:anywhere]' : 'whitespace-pre'
        }
      >
        {line.target && <span className="text-muted">{line.target}: </span>}
        {line.message}
      </span>
    </>
  )
}

/** Following the end of `scroller`, as `lib/follow` rules. */
function useFollow(scroller: RefObject<HTMLElement | null>, total: number, startsAtEnd: boolean) {
  const state = useRef({ isFollowing: startsAtEnd, top: 0 })
  const [isFollowing, setFollowing] = useState(startsAtEnd)
  const follow = useCallback((isWanted: boolean) => {
    state.current = { ...state.current, isFollowing: isWanted }
    setFollowing(isWanted)
  }, [])
  // `total` is a dependency because wrapped lines grow when they are measured.
  useEffect(() => {
    const box = scroller.current
    if (isFollowing && total > 0 && box) box.scrollTop = box.scrollHeight
  }, [scroller, total, isFollowing])
  const onScroll = useCallback(() => {
    const box = scroller.current
    if (!box) return
    state.current = afterScroll(state.current, box)
    setFollowing(state.current.isFollowing)
  }, [scroller])
  return { isFollowing, follow, onScroll }
}

export interface LogRowsProps {
  lines: readonly ViewLine[]
  name: string
  isWrapped: boolean
  /** Whether the view begins at the newest line, and stays there until the reader scrolls up. */
  startsAtEnd: boolean
  /** Shown in place of lines. */
  empty: ReactNode
  /** Scrolls to this line, counted within `lines`, whenever the object changes. */
  jumpTo: { index: number } | null
}

/** The lines themselves. However many there are, only those in view are in the document. */
export function LogRows({ lines, name, isWrapped, startsAtEnd, empty, jumpTo }: LogRowsProps) {
  const scroller = useRef<HTMLElement>(null)
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  })
  const total = rows.getTotalSize()
  const { isFollowing, follow, onScroll } = useFollow(scroller, total, startsAtEnd)
  useEffect(() => {
    if (!jumpTo) return
    follow(false)
    rows.scrollToIndex(jumpTo.index, { align: 'center' })
  }, [jumpTo, follow, rows])
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights measured for the other mode are wrong
  useEffect(() => rows.measure(), [isWrapped, rows])
  return (
    <div className="relative">
      <section
        ref={scroller}
        onScroll={onScroll}
        aria-label={`Log of ${name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="h-[clamp(16rem,55dvh,44rem)] overflow-auto lg:h-auto lg:max-h-[clamp(20rem,60dvh,48rem)] lg:min-h-72 bg-bg font-mono text-xs leading-5 [overflow-anchor:none]"
      >
        {lines.length === 0 && <div className="p-4 font-sans text-muted">{empty}</div>}
        <div style={{ height: total, position: 'relative' }}>
          {rows.getVirtualItems().map((item) => {
            const line = lines[item.index]
            if (!line) return null
            return (
              <div
                key={item.key}
                data-index={item.index}
                data-n={line.n}
                ref={isWrapped ? rows.measureElement : undefined}
                className={cn(
                  'absolute top-0 left-0 flex gap-2.5 px-3',
                  isWrapped ? 'w-full' : 'w-max min-w-full',
                  line.level === 'ERROR' && 'bg-bad/10',
                  line.level === 'WARNING' && 'bg-warn/5',
                )}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Row line={line} isWrapped={isWrapped} />
              </div>
            )
          })}
        </div>
      </section>
      {!isFollowing && lines.length > 0 && (
        <div className="absolute right-4 bottom-3 rounded-md shadow-md">
          <Button size="sm" variant="primary" onClick={() => follow(true)}>
            <ArrowDown aria-hidden /> Jump to newest
          </Button>
        </div>
      )}
    </div>
  )
}
