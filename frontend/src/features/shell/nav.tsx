import { Link } from '@tanstack/react-router'
import {
  CalendarClock,
  HardDrive,
  History,
  Layers,
  LayoutDashboard,
  ListChecks,
  ScrollText,
} from 'lucide-react'

/** The pages of the main navigation. A new one needs a route in `router.tsx`, which its type demands. */
export const NAV = [
  { to: '/', label: 'Dashboard', icon: LayoutDashboard },
  { to: '/stacks', label: 'Stacks', icon: Layers },
  { to: '/plans', label: 'Plans', icon: CalendarClock },
  { to: '/instances', label: 'Instances', icon: HardDrive },
  { to: '/jobs', label: 'Jobs', icon: ListChecks },
  { to: '/snapshots', label: 'Snapshots', icon: History },
  { to: '/logs', label: 'Logs', icon: ScrollText },
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

export function BottomNav() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-7 border-line border-t bg-panel pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {NAV.map((item) => (
        <Link
          key={item.to}
          to={item.to}
          activeOptions={{ exact: item.to === '/', includeSearch: false }}
          className="flex min-w-0 flex-col items-center gap-0.5 py-2 text-[10px] tracking-tight"
          activeProps={{ className: 'font-medium text-accent' }}
          inactiveProps={{ className: 'text-muted' }}
        >
          <item.icon className="size-5" aria-hidden /> {item.label}
        </Link>
      ))}
    </nav>
  )
}
