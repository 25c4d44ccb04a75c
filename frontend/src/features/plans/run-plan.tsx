/** Runs a plan now, after saying what that means. An instance is run through its own plan. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { api, type Plan } from '@/api/client'
import { count } from '@/lib/format'
import { Button, type ButtonSize } from '@/ui/button'
import { ConfirmDialog } from '@/ui/dialog'
import { tell, tellProblem } from '@/ui/toast'

/** What happens to containers while the plan's data is captured. */
export function restText(plan: Pick<Plan, 'stop_attached' | 'quiesce' | 'targets'>): string {
  const isAtRest = plan.targets.some(
    (target) =>
      target.kind === 'stack' || (target.kind !== 'db' && (target.stop_attached ?? plan.stop_attached)),
  )
  if (!isAtRest || plan.quiesce === 'none') return 'Nothing is stopped for it.'
  const verb = plan.quiesce === 'pause' ? 'paused' : 'stopped'
  return `Containers that write to what is captured are ${verb} for it, and go on right after.`
}

export function RunPlan({
  plan,
  size = 'md',
  isPlain = false,
}: {
  plan: Plan
  size?: ButtonSize
  /** One among several buttons: it stands back. */
  isPlain?: boolean
}) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const run = api.useMutation('post', '/api/v1/plans/{id}/run', {
    onSuccess: (job) => {
      tell('Backup started', plan.id)
      void navigate({ to: '/jobs/$id', params: { id: job.id } })
    },
    onError: (error) => tellProblem('The backup could not be started', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] }),
  })
  const isEmpty = plan.targets.length === 0 && plan.sources.length === 0
  const trigger = (
    <Button
      variant={isPlain ? 'outline' : 'primary'}
      size={size}
      disabled={run.isPending || isEmpty}
      aria-label={`Run ${plan.id} now`}
      {...(isEmpty ? { title: 'The plan has no targets' } : {})}
    >
      <Play aria-hidden /> {run.isPending ? 'Starting…' : 'Run now'}
    </Button>
  )
  if (isEmpty) return trigger
  return (
    <ConfirmDialog
      trigger={trigger}
      title={`Run ${plan.id} now?`}
      confirm="Start backup"
      onConfirm={() => run.mutate({ params: { path: { id: plan.id } } })}
    >
      <p>
        {plan.instance === null ? (
          <>Backrest will run it, in its turn. The job here follows it to its end.</>
        ) : (
          <>
            {count(plan.targets.length, 'target')} will be stored by the instance{' '}
            <span className="font-medium text-ink">{plan.instance}</span>. {restText(plan)}
          </>
        )}
      </p>
    </ConfirmDialog>
  )
}
