/**
 * Whether a log view stays at its newest line. Only an upward move of the reader ends following: wrapped lines grow
 * after they are measured, which moves the end away from under a view that never moved.
 */
export interface ScrollState {
  isFollowing: boolean
  /** Where the view was at the last scroll event, in pixels. */
  top: number
}

export interface ScrollBox {
  scrollTop: number
  scrollHeight: number
  clientHeight: number
}

/** Closer to the end than this counts as at the end, in pixels: two lines. */
const NEAR_PX = 40

/** The state after a scroll event. */
export function afterScroll(before: ScrollState, box: ScrollBox): ScrollState {
  const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX
  const isUpward = box.scrollTop < before.top - 1
  if (isUpward && !isAtEnd) return { isFollowing: false, top: box.scrollTop }
  return { isFollowing: before.isFollowing || isAtEnd, top: box.scrollTop }
}
