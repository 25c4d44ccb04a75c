// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { aJob } from '../../../test/samples'
import { JobsPage } from './jobs-page'

let asked: string[]

beforeEach(() => {
  asked = []
  vi.stubGlobal('scrollTo', () => {})
  vi.stubGlobal('fetch', async (request: Request) => {
    const { searchParams } = new URL(request.url)
    asked.push(searchParams.toString())
    const page =
      searchParams.get('cursor') === 'next'
        ? { items: [aJob({ id: 'job_2', stack: 'wiki', state: 'succeeded' })], next_cursor: null }
        : { items: [aJob({ id: 'job_1', stack: 'blog', state: 'succeeded' })], next_cursor: 'next' }
    return new Response(JSON.stringify(page), { headers: { 'content-type': 'application/json' } })
  })
})
afterEach(() => vi.unstubAllGlobals())

it('asks for the first page without a cursor, and follows the one that it was given', async () => {
  const root = createRootRoute()
  const jobs = createRoute({ getParentRoute: () => root, path: '/jobs', component: JobsPage })
  const history = createMemoryHistory({ initialEntries: ['/jobs?state=succeeded'] })
  const router = createRouter({ routeTree: root.addChildren([jobs]), history })
  await router.load()
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  )
  expect(await screen.findByRole('link', { name: 'Backup of blog' })).toBeVisible()
  await userEvent.setup().click(screen.getByRole('button', { name: 'Load more' }))
  expect(await screen.findByRole('link', { name: 'Backup of wiki' })).toBeVisible()
  expect(screen.getByRole('link', { name: 'Backup of blog' })).toBeVisible()
  expect(screen.queryByRole('button', { name: 'Load more' })).toBeNull()
  expect(asked).toEqual(['limit=50&state=succeeded', 'limit=50&state=succeeded&cursor=next'])
})
