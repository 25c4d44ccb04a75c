import type { ReactNode } from 'react'
import type { Status } from '@/api/client'
import { bytes } from '@/lib/format'
import { Ago, When } from '@/ui/time'

function Stat({ name, value, children }: { name: string; value: ReactNode; children?: ReactNode }) {
  return (
    <div className="min-w-0 rounded-xl border border-line bg-panel px-4 py-3">
      <dt className="text-muted text-xs">{name}</dt>
      <dd className="min-h-8 break-words font-semibold text-lg leading-8 tracking-tight tabular-nums">
        {value}
      </dd>
      <dd className="min-h-4 break-words text-muted text-xs">{children}</dd>
    </div>
  )
}

/** The numbers at the top of the overview. */
export function StatCards({ status }: { status: Status }) {
  const next = status.next_runs[0]
  const free = status.backup_disk.free_bytes
  const { found, running, protected: safe, overdue } = status.stacks
  return (
    <dl className="mb-5 grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-[1fr_1fr_1fr_1.4fr_1.4fr_1.2fr]">
      <Stat name="Stacks found" value={found} />
      <Stat name="Running" value={running}>{`of ${found}`}</Stat>
      <Stat name="Protected" value={safe}>
        {overdue > 0 ? `${overdue} overdue` : `of ${found}`}
      </Stat>
      <Stat name="Last good backup" value={<Ago at={status.last_success_at} />}>
        {status.last_success_at && <When at={status.last_success_at} />}
      </Stat>
      <Stat name="Next run" value={<Ago at={next?.at} never="no schedule" />}>
        {next && <When at={next.at} />}
      </Stat>
      <Stat name="Stored" value={bytes(status.bytes_stored)}>
        {free !== null && `${bytes(free)} free`}
      </Stat>
    </dl>
  )
}
