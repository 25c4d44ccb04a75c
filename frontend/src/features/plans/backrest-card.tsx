/** A plan that Backrest runs: how its labels were understood, and whether Backrest has it so. */
import { useQueryClient } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { api, type Schemas } from '@/api/client'
import { count, list, sentence } from '@/lib/format'
import { Button } from '@/ui/button'
import { Card, Fact } from '@/ui/card'
import { ConfirmDialog } from '@/ui/dialog'
import { Status } from '@/ui/status'
import { tell, tellProblem } from '@/ui/toast'

type BackrestPlan = Schemas['BackrestPlan']

function Reconcile() {
  const client = useQueryClient()
  const reconcile = api.useMutation('post', '/api/v1/backrest/reconcile', {
    onSuccess: (found) => tell('Compared with Backrest', `${count(found.drift, 'difference')} left`),
    onError: (error) => tellProblem('Backrest could not be brought in step', error),
    onSettled: () => void client.invalidateQueries(),
  })
  return (
    <ConfirmDialog
      trigger={
        <Button size="sm" disabled={reconcile.isPending}>
          <RefreshCw aria-hidden /> {reconcile.isPending ? 'At work…' : 'Bring in step'}
        </Button>
      }
      title="Bring Backrest in step with the labels?"
      confirm="Bring in step"
      onConfirm={() => reconcile.mutate({ body: { dry_run: false } })}
    >
      <p>
        Plans that were made from labels are written to Backrest as the labels want them; all others are left
        as they are. Where only its file is known, Backrest may be stopped for a moment and started again.
      </p>
    </ConfirmDialog>
  )
}

function Notes({ plan }: { plan: BackrestPlan }) {
  const said = [
    ...plan.differences.map((text) => ({ text, from: 'differs in Backrest' })),
    ...plan.notes.map((note) => ({ text: note.message, from: note.label ?? '' })),
  ]
  if (said.length === 0) return null
  return (
    <ul className="divide-y divide-line border-line border-t">
      {said.map(({ text, from }) => (
        <li key={`${from} ${text}`} className="px-4 py-2">
          <p className="break-words">{sentence(text)}</p>
          {from && <p className="break-all text-muted text-xs">{from}</p>}
        </li>
      ))}
    </ul>
  )
}

export function BackrestCard({ plan }: { plan: BackrestPlan }) {
  return (
    <Card
      title="In Backrest"
      hint="Its labels decide; Backrest runs it"
      actions={!plan.in_step && <Reconcile />}
    >
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 lg:grid-cols-3">
        <Fact name="State">
          {plan.in_step ? <Status tone="ok">In step</Status> : <Status tone="warn">Differs</Status>}
        </Fact>
        <Fact name="Repository">{plan.repo}</Fact>
        <Fact name="Containers">{list(plan.containers, 4)}</Fact>
        <Fact name="Paths, as Backrest sees them" isLong>
          <span className="break-all font-mono text-xs">{plan.paths.join(', ')}</span>
        </Fact>
      </dl>
      <Notes plan={plan} />
    </Card>
  )
}
