/** On a phone: the pages that the bar at the bottom has no room for. */
import { Link, useLocation } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { cn } from '@/ui/cn'
import { LinkMenu } from '@/ui/menu'
import { ITEM, MORE } from './nav'

export function More() {
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
