import { Link } from '@tanstack/react-router'
import {
  CalendarClock,
  HardDrive,
  History,
  Layers,
  LayoutDashboard,
  ListChecks,
  ScrollText,
  Settings,
} from 'lucide-react'
import { lazy, Suspense } from 'react'

/** The pages of the main navigation. A new one needs a route in `router.tsx`, which its type demands. */
export const NAV = [
  { to: '/', label: 'Overview', icon: LayoutDashboard },
  { to: '/stacks', label: 'Stacks', icon: Layers },
  { to: '/plans', label: 'Plans', icon: CalendarClock },
  { to: '/instances', label: 'Instances', icon: HardDrive },
  { to: '/jobs', label: 'Jobs', icon: ListChecks },
  { to: '/snapshots', label: 'Snapshots', icon: History },
  { to: '/logs', label: 'Logs', icon: ScrollText },
  { to: '/settings', label: 'Settings', icon: Settings },
] as const

export function SideNav() {
  return (
    <nav aria-label="Main" className="mt-3 flex-1 space-y-0.5">
      {NAV.map((item) => (
        <Link
          key={item.to}
          to={item.to}
          activeOptions={{ exact: item.to === '/', includeSearch: false }}
          className="flex h-9 items-center gap-2.5 rounded-md px-2.5 hover:bg-raised hover:text-ink"
          activeProps={{ className: 'bg-raised font-medium text-ink' }}
          inactiveProps={{ className: 'text-muted' }}
        >
          <item.icon className="size-4" aria-hidden /> {item.label}
        </Link>
      ))}
    </nav>
  )
}

/** A phone is wide enough for five; the other pages are below "More". */
const AT_HAND: readonly string[] = ['/', '/stacks', '/plans', '/jobs']
export const MORE = NAV.filter((item) => !AT_HAND.includes(item.to))
export const ITEM = 'flex min-w-0 flex-col items-center gap-0.5 py-2 text-[11px]'

const More = lazy(async () => ({ default: (await import('./more')).More }))

export function BottomNav() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-5 border-line border-t bg-panel pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {NAV.filter((item) => AT_HAND.includes(item.to)).map((item) => (
        <Link
          key={item.to}
          to={item.to}
          activeOptions={{ exact: item.to === '/', includeSearch: false }}
          className={ITEM}
          activeProps={{ className: 'font-medium text-accent' }}
          inactiveProps={{ className: 'text-muted' }}
        >
          <item.icon className="size-5" aria-hidden /> {item.label}
        </Link>
      ))}
      <Suspense fallback={<span className={ITEM} />}>
        <More />
      </Suspense>
    </nav>
  )
}
