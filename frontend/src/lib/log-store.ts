/**
 * Lines of one log, gathered outside React: thousands may arrive within one frame, and the page is told once a
 * frame. Lines carry a gap-free number `n`, so a line that a resumed stream sends again is dropped.
 */
import type { Level } from '@/api/client'

/** A line as the viewer shows it; a text file's line may lack everything but its words. */
export interface ViewLine {
  n: number
  at: string | null
  level: Level | null
  target?: string | null
  message: string
}

export interface LogSnapshot {
  /** The same array between trims; `version` tells that it grew. */
  lines: readonly ViewLine[]
  version: number
  /** Whether older lines were dropped to stay within the limit. */
  isTrimmed: boolean
}

/** More lines than this are not kept: a browser limits how high an element may be. */
export const MOST_LINES = 200_000

const nextFrame = (run: () => void) => {
  // A hidden tab draws no frames, and its lines must not wait for one.
  if (globalThis.document?.hidden) setTimeout(run, 250)
  else requestAnimationFrame(run)
}

export class LogStore {
  private lines: ViewLine[] = []
  private pending: ViewLine[] = []
  private lastN = 0
  private isScheduled = false
  private snapshot: LogSnapshot = { lines: this.lines, version: 0, isTrimmed: false }
  private readonly listeners = new Set<() => void>()
  private readonly most: number
  private readonly schedule: (run: () => void) => void

  constructor(most = MOST_LINES, schedule: (run: () => void) => void = nextFrame) {
    this.most = most
    this.schedule = schedule
  }

  /** Adds lines in their order; those that are here already are ignored. */
  push(lines: readonly ViewLine[]): void {
    for (const line of lines) {
      if (line.n <= this.lastN) continue
      this.lastN = line.n
      this.pending.push(line)
    }
    if (this.pending.length > 0 && !this.isScheduled) {
      this.isScheduled = true
      this.schedule(() => this.flush())
    }
  }

  /** Forgets everything: the stream starts over. */
  clear(): void {
    this.lines = []
    this.pending = []
    this.lastN = 0
    this.tell(false)
  }

  private flush(): void {
    this.isScheduled = false
    if (this.pending.length === 0) return
    for (const line of this.pending) this.lines.push(line)
    this.pending = []
    const over = this.lines.length - this.most
    // Dropping a tenth at once keeps the copying rare.
    if (over > 0) this.lines = this.lines.slice(over + Math.floor(this.most / 10))
    this.tell(this.snapshot.isTrimmed || over > 0)
  }

  private tell(isTrimmed: boolean): void {
    this.snapshot = { lines: this.lines, version: this.snapshot.version + 1, isTrimmed }
    for (const listener of this.listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  readonly getSnapshot = (): LogSnapshot => this.snapshot
}
