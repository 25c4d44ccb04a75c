// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { LoginPage } from './login-page'

afterEach(() => vi.unstubAllGlobals())

function show(status: number, headers: Record<string, string> = {}, hasExpired = false) {
  vi.stubGlobal('fetch', async () => new Response('{}', { status, headers }))
  render(
    <QueryClientProvider client={new QueryClient()}>
      <LoginPage hasExpired={hasExpired} />
    </QueryClientProvider>,
  )
  return userEvent.setup()
}

it('tells a wrong password and lets one type again at once', async () => {
  const user = show(401)
  await user.type(screen.getByLabelText('Password'), 'nope{Enter}')
  expect(await screen.findByText('Wrong password.')).toBeVisible()
  expect(screen.getByLabelText('Password')).toHaveFocus()
  expect(screen.getByLabelText('Password')).toHaveValue('')
})

it('tells how long to wait, and does not try before', async () => {
  const user = show(429, { 'retry-after': '10' })
  await user.type(screen.getByLabelText('Password'), 'nope{Enter}')
  expect(await screen.findByText('Too many attempts. Try again in 10 seconds.')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Sign in' })).toBeDisabled()
})

it('says that the session has expired', () => {
  show(200, {}, true)
  expect(screen.getByText(/Your session has expired/)).toBeVisible()
})
