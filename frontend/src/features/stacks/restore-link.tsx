import { Link } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import type { Stack } from '@/api/client'
import { type ButtonSize, buttonClass } from '@/ui/button'

/** The way to the restore of a stack's newest good snapshot; nothing while it never had one. */
export function RestoreLink({ stack, size = 'md' }: { stack: Stack; size?: ButtonSize }) {
  if (!stack.last_success_at) return null
  return (
    <Link
      to="/restore"
      search={{ stack: stack.name }}
      className={buttonClass('outline', size)}
      aria-label={`Restore ${stack.name}`}
    >
      <Undo2 aria-hidden /> Restore…
    </Link>
  )
}
