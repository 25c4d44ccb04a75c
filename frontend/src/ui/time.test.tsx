// @vitest-environment jsdom
import { render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { Ago } from './time'

afterEach(() => vi.useRealTimers())

it('does not put into the future what has happened since it was drawn first', () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-21T03:00:00Z') })
  const { rerender } = render(<Ago at="2026-11-21T02:00:00Z" />)
  expect(screen.getByText('1 hour ago')).toBeInTheDocument()
  vi.setSystemTime(Date.parse('2026-11-21T03:00:20Z'))
  rerender(<Ago at="2026-11-21T03:00:15Z" />)
  expect(screen.getByText('just now')).toBeInTheDocument()
})
