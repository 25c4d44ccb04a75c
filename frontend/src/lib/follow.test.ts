import { expect, it } from 'vitest'
import { afterScroll, type ScrollState } from './follow'

const box = (scrollTop: number, scrollHeight = 2_000, clientHeight = 600) => ({
  scrollTop,
  scrollHeight,
  clientHeight,
})
const following: ScrollState = { isFollowing: true, top: 1_400 }

it('stops when the reader scrolls up', () => {
  expect(afterScroll(following, box(1_000))).toEqual({ isFollowing: false, top: 1_000 })
})

it('goes on when the content grows under a view that did not move', () => {
  expect(afterScroll(following, box(1_400, 5_000)).isFollowing).toBe(true)
})

it('goes on when the view moves down but the end has moved further', () => {
  expect(afterScroll(following, box(1_800, 9_000)).isFollowing).toBe(true)
})

it('begins again when the reader reaches the end', () => {
  expect(afterScroll({ isFollowing: false, top: 1_000 }, box(1_390)).isFollowing).toBe(true)
})

it('stays stopped while the reader scrolls down but is not at the end', () => {
  expect(afterScroll({ isFollowing: false, top: 500 }, box(900)).isFollowing).toBe(false)
})

it('is not ended by a rounding of one pixel', () => {
  expect(afterScroll(following, box(1_399, 5_000)).isFollowing).toBe(true)
})
