/** Changing and removing what was made here; what stands in a file or in labels is changed there. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Pencil, Trash2 } from 'lucide-react'
import { api, type Instance, type Plan } from '@/api/client'
import { Button, buttonClass } from '@/ui/button'
import { ConfirmDialog } from '@/ui/dialog'
import { tell, tellProblem } from '@/ui/toast'

function Remove({ name, isBusy, onRemove }: { name: string; isBusy: boolean; onRemove: () => void }) {
  return (
    <ConfirmDialog
      trigger={
        <Button variant="danger" disabled={isBusy} aria-label={`Remove ${name}`}>
          <Trash2 aria-hidden /> Remove
        </Button>
      }
      title={`Remove ${name}?`}
      confirm="Remove"
      variant="danger"
      onConfirm={onRemove}
    >
      <p>It no longer runs. Snapshots that it made stay where they are, and can be restored.</p>
    </ConfirmDialog>
  )
}

export function ChangePlan({ plan }: { plan: Plan }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const remove = api.useMutation('delete', '/api/v1/plans/{id}', {
    onSuccess: () => {
      tell('Plan removed', plan.id)
      void navigate({ to: '/plans' })
    },
    onError: (error) => tellProblem('The plan could not be removed', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/plans'] }),
  })
  // The plan of an instance that was made here is changed and removed with the instance.
  if (plan.origin !== 'api' || plan.id === plan.instance) return null
  return (
    <>
      <Link to="/plans/$id/edit" params={{ id: plan.id }} className={buttonClass()}>
        <Pencil aria-hidden /> Change
      </Link>
      <Remove
        name={plan.id}
        isBusy={remove.isPending}
        onRemove={() => remove.mutate({ params: { path: { id: plan.id } } })}
      />
    </>
  )
}

export function ChangeInstance({ instance }: { instance: Instance }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const remove = api.useMutation('delete', '/api/v1/instances/{id}', {
    onSuccess: () => {
      tell('Instance removed', instance.id)
      void navigate({ to: '/instances' })
    },
    onError: (error) => tellProblem('The instance could not be removed', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/instances'] }),
  })
  if (instance.origin !== 'api') return null
  return (
    <>
      <Link to="/instances/$id/edit" params={{ id: instance.id }} className={buttonClass()}>
        <Pencil aria-hidden /> Change
      </Link>
      <Remove
        name={instance.id}
        isBusy={remove.isPending}
        onRemove={() => remove.mutate({ params: { path: { id: instance.id } } })}
      />
    </>
  )
}
