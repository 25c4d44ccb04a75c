/**
 * A log: level filter, search, following, download. It takes its lines from a `LogSource` and does not know where
 * they come from; the drawing of lines is `LogRows` alone, so that it can be exchanged.
 */
import { Download, Search, TriangleAlert, WrapText } from 'lucide-react'
import { useDeferredValue, useMemo, useState, useSyncExternalStore } from 'react'
import { count } from '@/lib/format'
import { filterLines, firstProblem, LEVEL_CHOICES, type LevelChoice } from '@/lib/log-filter'
import { Button, buttonClass } from '@/ui/button'
import { cn } from '@/ui/cn'
import { inputClass } from '@/ui/field'
import { LogRows } from './log-rows'
import type { LogSource } from './use-log'

const STATUS_TEXT: Record<LogSource['status'], string> = {
  connecting: 'Loading…',
  live: 'Live',
  retrying: 'Connection lost, retrying…',
  ended: 'Complete',
  failed: 'Could not be loaded',
}
const STATUS_DOT: Record<LogSource['status'], string> = {
  connecting: 'bg-muted',
  live: 'bg-ok',
  retrying: 'bg-warn',
  ended: 'bg-muted',
  failed: 'bg-bad',
}

function emptyText(source: LogSource, total: number): string {
  if (total > 0) return 'No line matches.'
  if (source.status === 'failed') return source.error ?? STATUS_TEXT.failed
  if (source.status === 'live') return 'Waiting for the first line…'
  if (source.status === 'ended') return 'This log has no lines.'
  return STATUS_TEXT[source.status]
}

export function LogViewer({
  source,
  name,
  downloadUrl,
  startsAtEnd = true,
}: {
  source: LogSource
  name: string
  downloadUrl?: string
  startsAtEnd?: boolean
}) {
  const { lines, version, isTrimmed } = useSyncExternalStore(source.store.subscribe, source.store.getSnapshot)
  const [words, setWords] = useState('')
  const [level, setLevel] = useState<LevelChoice>('all')
  const [isWrapped, setWrapped] = useState(() => matchMedia('(max-width: 640px)').matches)
  const [jumpTo, setJumpTo] = useState<{ index: number } | null>(null)
  const wanted = useDeferredValue(words)
  const shown = useMemo(() => {
    void version // `lines` is the same growing array between trims
    return filterLines(lines, wanted, level)
  }, [lines, version, wanted, level])
  const problem = useMemo(() => {
    void version
    return firstProblem(shown)
  }, [shown, version])
  return (
    <div data-testid="log-viewer" className="@container overflow-hidden rounded-b-xl">
      <div className="flex flex-wrap items-center gap-2 border-line border-b px-3 py-2">
        <label className="relative min-w-36 flex-1 @max-md:basis-full">
          <span className="sr-only">Search this log</span>
          <Search className="-translate-y-1/2 absolute top-1/2 left-2.5 size-4 text-muted" aria-hidden />
          <input
            type="search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
            placeholder="Search this log"
            className={cn(inputClass, 'w-full pl-8')}
          />
        </label>
        <label>
          <span className="sr-only">Levels shown</span>
          <select
            value={level}
            onChange={(event) => setLevel(event.target.value as LevelChoice)}
            className={inputClass}
          >
            {LEVEL_CHOICES.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.label}
              </option>
            ))}
          </select>
        </label>
        <Button
          disabled={problem === null}
          title={
            problem === null
              ? 'There is no warning and no error among these lines'
              : 'Jump to the first error, or else the first warning'
          }
          onClick={() => problem !== null && setJumpTo({ index: problem })}
        >
          <TriangleAlert aria-hidden /> <span className="@max-md:sr-only">First problem</span>
        </Button>
        <Button aria-pressed={isWrapped} title="Wrap long lines" onClick={() => setWrapped(!isWrapped)}>
          <WrapText aria-hidden /> <span className="@max-3xl:sr-only">Wrap</span>
        </Button>
        {downloadUrl && (
          <a href={downloadUrl} download title="Download" className={buttonClass()}>
            <Download aria-hidden /> <span className="@max-3xl:sr-only">Download</span>
          </a>
        )}
      </div>
      {isTrimmed && (
        <p className="border-line border-b bg-warn/10 px-3 py-1.5 text-xs">
          Only the newest lines are shown. Download the log for all of it.
        </p>
      )}
      <LogRows
        lines={shown}
        name={name}
        isWrapped={isWrapped}
        startsAtEnd={startsAtEnd}
        empty={emptyText(source, lines.length)}
        jumpTo={jumpTo}
      />
      <div className="flex flex-wrap items-center justify-between gap-2 border-line border-t px-3 py-1.5 text-muted text-xs">
        <span role="status" className="inline-flex items-center gap-1.5">
          <i aria-hidden className={cn('size-2 rounded-full', STATUS_DOT[source.status])} />
          {STATUS_TEXT[source.status]}
        </span>
        <span className="tabular-nums">
          {shown.length === lines.length
            ? count(lines.length, 'line')
            : `${shown.length.toLocaleString('en')} of ${count(lines.length, 'line')}`}
        </span>
      </div>
    </div>
  )
}
