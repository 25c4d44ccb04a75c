/** What somebody should look at, the worst first, each with what can be done about it. */
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleAlert, CircleX, Play } from 'lucide-react'
import { useState } from 'react'
import { api, type Plan, type Stack } from '@/api/client'
import { RunPlan } from '@/features/plans/run-plan'
import { BackupButton } from '@/features/stacks/backup-button'
import type { Attention, Remedy } from '@/lib/attention'
import { count } from '@/lib/format'
import { Button, buttonClass } from '@/ui/button'
import { Card } from '@/ui/card'
import { cn } from '@/ui/cn'
import { toneClass } from '@/ui/status'
import { tell, tellProblem } from '@/ui/toast'

/** More than these push everything else off the screen. */
const SHOWN = 6

interface Known {
  stacks: readonly Stack[]
  plans: readonly Plan[]
}

/** Starts again what a backup left stopped. */
function StartAgain() {
  const client = useQueryClient()
  const resume = api.useMutation('post', '/api/v1/journal/resume', {
    onSuccess: (report) =>
      report.all_back
        ? tell('Everything runs again')
        : tellProblem('Not everything could be started', new Error('The system log says why.')),
    onError: (error) => tellProblem('Nothing was started', error),
    onSettled: () => void client.invalidateQueries(),
  })
  return (
    <Button size="sm" variant="primary" disabled={resume.isPending} onClick={() => resume.mutate({})}>
      <Play aria-hidden /> {resume.isPending ? 'Starting…' : 'Start again'}
    </Button>
  )
}

function Act({ remedy, stacks, plans }: { remedy: Remedy } & Known) {
  const link = buttonClass('outline', 'sm')
  switch (remedy.act) {
    case 'back_up':
      return <BackupButton size="sm" stacks={stacks.filter((stack) => stack.name === remedy.stack)} isPlain />
    case 'run_plan': {
      const plan = plans.find((one) => one.id === remedy.plan)
      return plan ? <RunPlan plan={plan} size="sm" isPlain /> : null
    }
    case 'open_job':
      return (
        <Link to="/jobs/$id" params={{ id: remedy.job }} className={link}>
          See why
        </Link>
      )
    case 'open_snapshot':
      return (
        <Link to="/snapshots/$id" params={{ id: remedy.snapshot }} className={link}>
          Open the snapshot
        </Link>
      )
    case 'open_plan':
      return (
        <Link to="/plans/$id" params={{ id: remedy.plan }} className={link}>
          Open the plan
        </Link>
      )
    case 'open_doctor':
      return (
        <Link to="/settings" className={link}>
          Check the service
        </Link>
      )
    case 'start_again':
      return <StartAgain />
  }
}

function Entry({ one, stacks, plans }: { one: Attention } & Known) {
  const Icon = one.tone === 'bad' ? CircleX : CircleAlert
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-4 py-3">
      <div className="flex min-w-0 flex-1 basis-72 items-start gap-2.5">
        <Icon className={cn('mt-0.5 size-4 shrink-0', toneClass[one.tone])} aria-hidden />
        <div className="min-w-0">
          <p className="break-words font-medium">{one.title}</p>
          <p className="line-clamp-2 break-words text-muted text-xs" title={one.reason}>
            {one.reason}
          </p>
        </div>
      </div>
      <div className="flex flex-wrap gap-2">
        {one.remedies.map((remedy) => (
          <Act key={remedy.act} remedy={remedy} stacks={stacks} plans={plans} />
        ))}
      </div>
    </li>
  )
}

export function AttentionCard({ found, ...known }: { found: readonly Attention[] } & Known) {
  const [isWhole, setWhole] = useState(false)
  if (found.length === 0) return null
  // One more is not worth a button that shows it.
  const shown = isWhole || found.length <= SHOWN + 1 ? found : found.slice(0, SHOWN)
  const rest = found.length - shown.length
  return (
    <div className="mb-5">
      <Card title="Needs attention" hint={count(found.length, 'thing')}>
        <ul className="divide-y divide-line">
          {shown.map((one) => (
            <Entry key={one.key} one={one} {...known} />
          ))}
        </ul>
        {rest > 0 && (
          <div className="border-line border-t px-4 py-2">
            <Button size="sm" variant="ghost" onClick={() => setWhole(true)}>
              Show {rest} more
            </Button>
          </div>
        )}
      </Card>
    </div>
  )
}
