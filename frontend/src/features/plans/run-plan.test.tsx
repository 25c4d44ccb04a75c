import { expect, it } from 'vitest'
import type { PlanTarget } from '@/api/client'
import { aPlanTarget } from '../../../test/samples'
import { restText } from './run-plan'

const plan = (targets: PlanTarget[], over = {}) => ({
  targets,
  stop_attached: false,
  quiesce: 'stop' as const,
  ...over,
})

it('says what rests during a run', () => {
  const volume = (stop_attached: boolean | null) => aPlanTarget({ stop_attached })
  expect(restText(plan([volume(null)]))).toBe('Nothing is stopped for it.')
  expect(restText(plan([volume(null)], { stop_attached: true }))).toContain('are stopped for it')
  expect(restText(plan([volume(false)], { stop_attached: true }))).toBe('Nothing is stopped for it.')
  expect(restText(plan([volume(true)], { quiesce: 'pause' }))).toContain('are paused for it')
  expect(restText(plan([volume(true)], { quiesce: 'none' }))).toBe('Nothing is stopped for it.')
  expect(restText(plan([aPlanTarget({ kind: 'db', stop_attached: true })]))).toBe(
    'Nothing is stopped for it.',
  )
  expect(restText(plan([aPlanTarget({ kind: 'stack' })]))).toContain('are stopped for it')
})
