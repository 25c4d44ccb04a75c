import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openStream, type StreamStatus } from './sse'

class FakeSource extends EventTarget {
  static readonly CLOSED = 2
  static made: FakeSource[] = []
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    FakeSource.made.push(this)
  }
  close() {
    this.readyState = FakeSource.CLOSED
  }
  open() {
    this.readyState = 1
    this.onopen?.()
  }
  send(type: string, data: unknown, lastEventId = '') {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }))
  }
  refuse() {
    this.readyState = FakeSource.CLOSED
    this.onerror?.()
  }
}

class FakeDocument extends EventTarget {
  hidden = false
  show(isShown: boolean) {
    this.hidden = !isShown
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

const newest = () => FakeSource.made.at(-1) as FakeSource
let page: FakeDocument
const url = (after: string | null) => `/e?after=${after ?? ''}`

beforeEach(() => {
  vi.useFakeTimers()
  FakeSource.made = []
  page = new FakeDocument()
  vi.stubGlobal('EventSource', FakeSource)
  vi.stubGlobal('document', page)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('openStream', () => {
  it('makes a new stream after a refusal and resumes at the last id', () => {
    const told: StreamStatus[] = []
    const onRefused = vi.fn()
    openStream({ url, on: { log: () => {} }, onStatus: (status) => told.push(status), onRefused })
    newest().open()
    newest().send('log', [], '41')
    newest().refuse()
    vi.advanceTimersByTime(1_000)
    expect(FakeSource.made).toHaveLength(2)
    expect(newest().url).toBe('/e?after=41')
    expect(onRefused).toHaveBeenCalledTimes(1)
    newest().open()
    newest().send('end', {})
    expect(told).toEqual(['connecting', 'live', 'retrying', 'live', 'ended'])
    expect(newest().readyState).toBe(FakeSource.CLOSED)
  })

  it('leaves a dropped connection to the browser', () => {
    openStream({ url, on: {} })
    newest().open()
    newest().readyState = 0
    newest().onerror?.()
    vi.advanceTimersByTime(20_000)
    expect(FakeSource.made).toHaveLength(1)
  })

  it('waits longer after each refusal, and never longer than 19 seconds', () => {
    openStream({ url, on: {} })
    const waits = Array.from({ length: 9 }, () => {
      const before = FakeSource.made.length
      newest().refuse()
      let waited = 0
      while (FakeSource.made.length === before && waited < 60_000) {
        vi.advanceTimersByTime(25)
        waited += 25
      }
      return waited
    })
    expect(waits[0]).toBeLessThanOrEqual(625)
    expect(waits[4]).toBeGreaterThan(waits[0] ?? 0)
    expect(Math.max(...waits)).toBeLessThanOrEqual(19_000)
  })

  it('replaces a stream that says nothing; a ping is something', () => {
    openStream({ url, on: {}, idleMs: 1_000 })
    newest().open()
    vi.advanceTimersByTime(900)
    newest().send('ping', {})
    vi.advanceTimersByTime(900)
    expect(FakeSource.made).toHaveLength(1)
    vi.advanceTimersByTime(1_000)
    expect(FakeSource.made).toHaveLength(2)
  })

  it('closes while the tab is hidden for long, and resumes on return', () => {
    openStream({ url, on: {}, hiddenMs: 1_000 })
    newest().open()
    newest().send('ping', {}, '7')
    page.show(false)
    vi.advanceTimersByTime(500)
    page.show(true)
    expect(newest().readyState).toBe(1)
    page.show(false)
    vi.advanceTimersByTime(120_000)
    expect(newest().readyState).toBe(FakeSource.CLOSED)
    expect(FakeSource.made).toHaveLength(1)
    page.show(true)
    expect(FakeSource.made).toHaveLength(2)
    expect(newest().url).toBe('/e?after=7')
  })

  it('does nothing more once it is closed', () => {
    const on = { log: vi.fn() }
    const close = openStream({ url, on })
    const source = newest()
    source.open()
    close()
    source.send('log', [])
    source.onerror?.()
    page.show(false)
    page.show(true)
    vi.advanceTimersByTime(120_000)
    expect(on.log).not.toHaveBeenCalled()
    expect(FakeSource.made).toHaveLength(1)
  })

  it('survives an event that is no JSON', () => {
    const on = { log: vi.fn() }
    openStream({ url, on })
    newest().dispatchEvent(new MessageEvent('log', { data: 'plain' }))
    expect(on.log).toHaveBeenCalledWith('plain', '')
  })
})
