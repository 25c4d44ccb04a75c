// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Stack } from '@/api/client'
import { Toasts } from '@/ui/toast'
import { aStack } from '../../../test/samples'
import { StackPicker } from './stack-picker'

let sent: { url: string; body: unknown; header: string | null }[]

beforeEach(() => {
  sent = []
  vi.stubGlobal('scrollTo', () => {})
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push({
      url: new URL(request.url).pathname,
      body: JSON.parse(await request.text()),
      header: request.headers.get('x-requested-with'),
    })
    return new Response('{"jobs":[]}', { status: 202, headers: { 'content-type': 'application/json' } })
  })
})
afterEach(() => vi.unstubAllGlobals())

async function show(stacks: Stack[]) {
  const routeTree = createRootRoute({ component: () => <StackPicker stacks={stacks} /> })
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: ['/'] }) })
  await router.load()
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Toasts>
        <RouterProvider router={router as never} />
      </Toasts>
    </QueryClientProvider>,
  )
  await screen.findByRole('checkbox', { name: 'Select all stacks' })
  return userEvent.setup()
}

it('cannot start while nothing is selected, and says why', async () => {
  await show([aStack('blog')])
  const start = screen.getByRole('button', { name: 'Back up' })
  expect(start).toBeDisabled()
  expect(start).toHaveAttribute('title', 'Select at least one stack first')
})

it('says which stacks will be stopped, and starts exactly those that were ticked', async () => {
  const user = await show([aStack('blog'), aStack('proxy', { skip_stop: true }), aStack('wiki')])
  await user.click(screen.getByRole('checkbox', { name: 'Select blog' }))
  await user.click(screen.getByRole('checkbox', { name: 'Select proxy' }))
  expect(screen.getByText('2 of 3 selected')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Back up' }))
  const dialog = await screen.findByRole('alertdialog', { name: 'Back up 2 stacks now?' })
  expect(within(dialog).getByText(/stopped while the data is captured/).parentElement).toHaveTextContent(
    'blog',
  )
  expect(within(dialog).getByText(/captured without a stop/).parentElement).toHaveTextContent('proxy')
  expect(within(dialog).queryByText('wiki')).toBeNull()
  expect(sent).toEqual([])
  await user.click(within(dialog).getByRole('button', { name: 'Start backup' }))
  await vi.waitFor(() => expect(sent).toHaveLength(1))
  expect(sent[0]).toEqual({
    url: '/api/v1/stacks/backup',
    body: { stacks: ['blog', 'proxy'] },
    header: 'mainstay',
  })
  expect(await screen.findByText('2 backups started')).toBeInTheDocument()
  expect(screen.getByText('Select all')).toBeVisible()
})

it('leaves everything as it is when the dialog is left', async () => {
  const user = await show([aStack('blog')])
  await user.click(screen.getByRole('checkbox', { name: 'Select all stacks' }))
  await user.click(screen.getByRole('button', { name: 'Back up' }))
  await screen.findByRole('alertdialog')
  await user.keyboard('{Escape}')
  await vi.waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
  expect(sent).toEqual([])
  expect(screen.getByRole('checkbox', { name: 'Select blog' })).toBeChecked()
})

it('selects all of what the filter shows', async () => {
  const user = await show(['blog', 'bread', 'c', 'd', 'e', 'f', 'g'].map((name) => aStack(name)))
  await user.type(screen.getByRole('searchbox'), 'B')
  await user.click(screen.getByRole('checkbox', { name: 'Select all stacks' }))
  expect(screen.getByText('2 of 7 selected')).toBeVisible()
})

it('marks what is captured without a stop, and tells the reason of a failure in the row', async () => {
  const last_job = {
    id: 'job_1',
    kind: 'backup' as const,
    state: 'failed' as const,
    stack: 'blog',
    instance: null,
    plan: null,
    queued_at: '2026-11-21T03:00:00Z',
    started_at: null,
    finished_at: null,
    stopped_ms: null,
    bytes_stored: 0,
    error: 'no space left on /opt/backups',
  }
  await show([aStack('blog', { last_job }), aStack('proxy', { skip_stop: true })])
  expect(screen.getByText('No space left on /opt/backups')).toBeVisible()
  expect(screen.getAllByText('captured without a stop')).toHaveLength(1)
})
