/** What stands around every page: navigation, theme, sign-out, the notices that concern all pages. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { BookOpen, LogOut, WifiOff } from 'lucide-react'
import { lazy, Suspense } from 'react'
import { api } from '@/api/client'
import { useMe } from '@/features/auth/gate'
import { useEvents, useIsOffline } from '@/features/live/events'
import { Button, buttonClass } from '@/ui/button'
import { Brand } from '@/ui/mark'
import { tellProblem } from '@/ui/toast'
import { BottomNav, SideNav } from './nav'

/** Not needed to read the page, so it comes after it. */
const ThemeMenu = lazy(async () => ({ default: (await import('./theme-menu')).ThemeMenu }))

function SignOut() {
  const client = useQueryClient()
  const me = useMe()
  const logout = api.useMutation('post', '/api/v1/auth/logout', {
    onSuccess: () => client.resetQueries(),
    onError: (error) => tellProblem('Could not sign out', error),
  })
  if (me.data?.via === 'nothing') return null
  return (
    <Button
      variant="ghost"
      size="icon"
      aria-label="Sign out"
      title="Sign out"
      disabled={logout.isPending}
      onClick={() => logout.mutate({})}
    >
      <LogOut aria-hidden />
    </Button>
  )
}

function Tools() {
  return (
    <div className="flex items-center gap-1">
      <Suspense fallback={<span className="size-9" />}>
        <ThemeMenu />
      </Suspense>
      <a
        href="/swagger-ui/"
        className={buttonClass('ghost', 'icon')}
        aria-label="API documentation"
        title="API documentation"
      >
        <BookOpen aria-hidden />
      </a>
      <SignOut />
    </div>
  )
}

function Footer() {
  const info = api.useQuery('get', '/api/v1/info', {}, { staleTime: 600_000 })
  return (
    <footer className="mt-10 min-h-5 text-muted text-xs">
      {info.data && `Mainstay ${info.data.version} on ${info.data.node_name}`}
    </footer>
  )
}

export function Shell() {
  const isOffline = useIsOffline(useEvents())
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-panel focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <aside aria-label="Sidebar" className="border-line border-r bg-panel max-md:hidden">
        <div className="sticky top-0 flex h-dvh flex-col p-3">
          <Link to="/" className="rounded-md px-2 py-2" aria-label="Mainstay, to the overview">
            <Brand />
          </Link>
          <SideNav />
          <Tools />
        </div>
      </aside>
      <header className="flex items-center justify-between border-line border-b bg-panel px-4 py-1.5 md:hidden">
        <Link to="/" className="flex items-center" aria-label="Mainstay, to the overview">
          <Brand />
        </Link>
        <Tools />
      </header>
      <main id="main" tabIndex={-1} className="mx-auto w-full max-w-7xl p-4 outline-none max-md:pb-28 md:p-7">
        <div role="status">
          {isOffline && (
            <p className="mb-4 flex items-center gap-2.5 rounded-lg border border-warn/50 bg-warn/10 px-3 py-2">
              <WifiOff className="size-4 shrink-0 text-warn" aria-hidden />
              Connection lost. What you see may be old; trying to connect again…
            </p>
          )}
        </div>
        <Outlet />
        <Footer />
      </main>
      <BottomNav />
    </div>
  )
}
