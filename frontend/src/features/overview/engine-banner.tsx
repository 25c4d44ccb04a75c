import { Unplug } from 'lucide-react'
import type { Status } from '@/api/client'
import { sentence } from '@/lib/format'
import { Command } from '@/ui/copy'

/** Says that Docker does not answer, why, and what to do. */
export function EngineBanner({ status }: { status: Status }) {
  if (status.engine.is_reachable) return null
  return (
    <div role="alert" className="mb-5 rounded-xl border border-bad/50 bg-bad/10 px-4 py-3">
      <p className="flex items-center gap-2.5 font-medium">
        <Unplug className="size-4 shrink-0 text-bad" aria-hidden />
        Mainstay cannot reach the Docker Engine
      </p>
      {status.engine.message && (
        <p className="mt-1 break-words text-muted">{sentence(status.engine.message)}.</p>
      )}
      <p className="mt-1 text-muted">
        It keeps trying, and goes on by itself as soon as Docker answers. To see what is wrong, run:
      </p>
      <div className="mt-2 max-w-md">
        <Command text="mainstay doctor" label="the command" />
      </div>
    </div>
  )
}
