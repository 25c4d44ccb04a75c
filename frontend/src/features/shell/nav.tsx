import { Link, useLocation } from '@tanstack/react-router'
import {
  CalendarClock,
  Ellipsis,
  HardDrive,
  History,
  Layers,
  LayoutDashboard,
  ListChecks,
  ScrollText,
  Settings,
} from 'lucide-react'
import { cn } from '@/ui/cn'
import { LinkMenu } from '@/ui/menu'

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
const MORE = NAV.filter((item) => !AT_HAND.includes(item.to))
const ITEM = 'flex min-w-0 flex-col items-center gap-0.5 py-2 text-[11px]'

function More() {
  const path = useLocation({ select: (location) => location.pathname })
  const isHere = MORE.some((item) => path.startsWith(item.to))
  const trigger = (
    <button type="button" className={cn(ITEM, isHere ? 'font-medium text-accent' : 'text-muted')}>
      <Ellipsis className="size-5" aria-hidden /> More
    </button>
  )
  const links = MORE.map((item) => (
    <Link key={item.to} to={item.to} activeProps={{ className: 'font-medium text-accent' }}>
      <item.icon className="size-4" aria-hidden /> {item.label}
    </Link>
  ))
  return <LinkMenu trigger={trigger} links={links} />
}

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
      <More />
    </nav>
  )
}
