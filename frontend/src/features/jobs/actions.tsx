/** What can be done with a job: cancel it while it works, retry it after it ended. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { RotateCcw } from 'lucide-react'
import { api, type Job } from '@/api/client'
import { isFinal, jobTitle } from '@/lib/job'
import { Button, type ButtonSize } from '@/ui/button'
import { ConfirmDialog } from '@/ui/dialog'
import { tell, tellProblem } from '@/ui/toast'

function useJobRefresh() {
  const client = useQueryClient()
  return () => {
    void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] })
    void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs/{id}'] })
  }
}

export function CancelJob({ job, size = 'md' }: { job: Job; size?: ButtonSize }) {
  const refresh = useJobRefresh()
  const cancel = api.useMutation('post', '/api/v1/jobs/{id}/cancel', {
    onSuccess: () => tell('Cancelling', `${job.stack ?? 'What it stopped'} is brought back to where it was.`),
    onError: (error) => tellProblem('Could not cancel', error),
    onSettled: refresh,
  })
  if (isFinal(job.state)) return null
  const title = jobTitle(job)
  const isStoppable = job.state === 'running'
  return (
    <ConfirmDialog
      trigger={
        <Button variant="danger" size={size} disabled={cancel.isPending} aria-label={`Cancel: ${title}`}>
          {cancel.isPending ? 'Cancelling…' : 'Cancel'}
        </Button>
      }
      title={`Cancel ${title.charAt(0).toLowerCase()}${title.slice(1)}?`}
      confirm="Cancel the job"
      keep="Let it go on"
      variant="danger"
      onConfirm={() => cancel.mutate({ params: { path: { id: job.id } } })}
    >
      <p>
        {isStoppable
          ? `What the job has stopped is started again at once${job.stack ? `, so ${job.stack} runs as it did before` : ''}. ${job.kind === 'restore' ? 'What was there before stays in place.' : 'Nothing of this job is kept.'}`
          : 'The job has not begun; nothing was stopped.'}
      </p>
      <p>Earlier snapshots are not touched.</p>
    </ConfirmDialog>
  )
}

export function RetryJob({ job }: { job: Job }) {
  const refresh = useJobRefresh()
  const navigate = useNavigate()
  const retry = api.useMutation('post', '/api/v1/jobs/{id}/retry', {
    onSuccess: (next) => void navigate({ to: '/jobs/$id', params: { id: next.id } }),
    onError: (error) => tellProblem('Could not retry', error),
    onSettled: refresh,
  })
  if (!isFinal(job.state) || job.state === 'succeeded') return null
  return (
    <Button disabled={retry.isPending} onClick={() => retry.mutate({ params: { path: { id: job.id } } })}>
      <RotateCcw aria-hidden /> Retry
    </Button>
  )
}
