/** Starts a backup of stacks after saying what it will do to them. */
import { useQueryClient } from '@tanstack/react-query'
import { Play } from 'lucide-react'
import type { ReactNode } from 'react'
import { api, type Stack } from '@/api/client'
import { count, duration, list } from '@/lib/format'
import { type BackupEffect, backupEffect } from '@/lib/selection'
import { Button, type ButtonSize } from '@/ui/button'
import { ConfirmDialog } from '@/ui/dialog'
import { tell, tellProblem } from '@/ui/toast'

export function useStartBackup(onStarted?: () => void) {
  const client = useQueryClient()
  return api.useMutation('post', '/api/v1/stacks/backup', {
    onSuccess: (_, { body }) => {
      tell(
        body.stacks.length === 1 ? 'Backup started' : `${body.stacks.length} backups started`,
        list(body.stacks),
      )
      onStarted?.()
    },
    onError: (error) => tellProblem('The backup could not be started', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] }),
  })
}

function Names({ names, children }: { names: readonly string[]; children: ReactNode }) {
  if (names.length === 0) return null
  return (
    <div>
      <p>{children}</p>
      <ul className="mt-1 max-h-48 list-disc overflow-auto pl-5 font-medium text-ink">
        {names.map((name) => (
          <li key={name} className="break-words">
            {name}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Effect({ effect }: { effect: BackupEffect }) {
  return (
    <>
      <Names names={effect.stopped}>
        {effect.stopped.length === 1 ? 'This stack is' : 'These stacks are'} stopped while the data is
        captured, and started again right after:
      </Names>
      <Names names={effect.runOn}>
        {effect.runOn.length === 1 ? 'This one is' : 'These are'} captured without a stop, as configured:
      </Names>
      <Names names={effect.atRest}>
        {effect.atRest.length === 1 ? 'This one does' : 'These do'} not run and{' '}
        {effect.atRest.length === 1 ? 'stays' : 'stay'} so:
      </Names>
    </>
  )
}

/** For how long they were stopped the last time: what there is to tell of how long it will be. */
function LastStop({ stacks }: { stacks: readonly Stack[] }) {
  const known = stacks.filter((stack) => stack.last_job?.kind === 'backup' && stack.last_job.stopped_ms)
  if (known.length === 0) return null
  return (
    <p>
      The last time{' '}
      {list(
        known.map((stack) => `${stack.name} was stopped for ${duration(stack.last_job?.stopped_ms ?? 0)}`),
        5,
      )}
      .
    </p>
  )
}

export function BackupButton({
  stacks,
  size = 'md',
  isPlain = false,
  onStarted,
}: {
  stacks: readonly Stack[]
  size?: ButtonSize
  /** One among several of its kind: it stands back, and names its stack to those who only hear it. */
  isPlain?: boolean
  onStarted?: () => void
}) {
  const start = useStartBackup(onStarted)
  const names = stacks.map((stack) => stack.name)
  const label = start.isPending ? 'Starting…' : 'Back up'
  if (stacks.length === 0) {
    return (
      <Button variant="primary" size={size} disabled title="Select at least one stack first">
        <Play aria-hidden /> {label}
      </Button>
    )
  }
  const only = stacks.length === 1 ? names[0] : null
  return (
    <ConfirmDialog
      trigger={
        <Button
          variant={isPlain ? 'outline' : 'primary'}
          size={size}
          disabled={start.isPending}
          {...(isPlain && only ? { 'aria-label': `Back up ${only} now` } : {})}
        >
          <Play aria-hidden /> {label}
        </Button>
      }
      title={`Back up ${only ?? count(stacks.length, 'stack')} now?`}
      confirm="Start backup"
      onConfirm={() => start.mutate({ body: { stacks: names } })}
    >
      <Effect effect={backupEffect(stacks)} />
      <LastStop stacks={stacks} />
    </ConfirmDialog>
  )
}
