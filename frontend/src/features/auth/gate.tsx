/**
 * Lets the pages through to whoever is signed in, and shows the sign-in in their place otherwise. The address stays,
 * so that after a session has expired one is back on the same page.
 */
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef } from 'react'
import { api, onUnauthenticated } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { QueryError } from '@/ui/query-state'
import { LoginPage } from './login-page'

export function useMe() {
  return api.useQuery('get', '/api/v1/auth/me', {}, { retry: false, staleTime: 60_000 })
}

export function AuthGate({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const me = useMe()
  const wasSignedIn = useRef(false)
  const isSignedOut = problemStatus(me.error) === 401
  useEffect(
    () => onUnauthenticated(() => void client.invalidateQueries({ queryKey: ['get', '/api/v1/auth/me'] })),
    [client],
  )
  useEffect(() => {
    if (isSignedOut || !me.data) return
    wasSignedIn.current = true
  }, [isSignedOut, me.data])

  if (isSignedOut) return <LoginPage hasExpired={wasSignedIn.current} />
  if (me.data) return children
  if (me.error) {
    return (
      <main className="mx-auto max-w-xl p-4 pt-24">
        <h1 className="sr-only">Mainstay</h1>
        <div className="rounded-xl border border-line bg-panel">
          <QueryError query={me} what="The dashboard" />
        </div>
      </main>
    )
  }
  return (
    <p role="status" className="late p-8 text-muted">
      Loading…
    </p>
  )
}
