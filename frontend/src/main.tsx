import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './index.css'
import { problemStatus } from './api/problem'
import { router } from './router'
import { Toasts } from './ui/toast'

/** What the service has answered once it will answer again: only a missing or broken answer is asked for anew. */
function isWorthRetrying(failures: number, error: unknown): boolean {
  const status = problemStatus(error)
  return failures < 1 && (status === null || status >= 500)
}

const client = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 10_000, retry: isWorthRetrying, networkMode: 'always', retryDelay: 700 },
    // A browser's own idea of being offline is wrong on a LAN without internet.
    mutations: { networkMode: 'always', retryDelay: 700 },
  },
})

const element = document.getElementById('root')
if (!element) throw new Error('index.html has no #root')
createRoot(element).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>
  </StrictMode>,
)
