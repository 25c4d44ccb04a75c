/** Reads a snapshot again from end to end, and says whether it is still what was stored. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CircleX, ShieldCheck } from 'lucide-react'
import { api, type Snapshot } from '@/api/client'
import { Button } from '@/ui/button'
import { Ago } from '@/ui/time'
import { tell, tellProblem } from '@/ui/toast'

export function VerifySnapshot({ id }: { id: string }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const verify = api.useMutation('post', '/api/v1/snapshots/{id}/verify', {
    onSuccess: (job) => {
      tell('Verification started')
      void navigate({ to: '/jobs/$id', params: { id: job.id } })
    },
    onError: (error) => tellProblem('The verification could not be started', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] }),
  })
  return (
    <Button disabled={verify.isPending} onClick={() => verify.mutate({ params: { path: { id } } })}>
      <ShieldCheck aria-hidden /> {verify.isPending ? 'Starting…' : 'Verify'}
    </Button>
  )
}

/** What was found wrong with a snapshot since it was stored. */
export function DamageNotice({ snapshot }: { snapshot: Snapshot }) {
  if (!snapshot.damage) return null
  return (
    <div
      role="alert"
      className="mb-4 flex items-start gap-2.5 rounded-xl border border-bad/50 bg-bad/10 px-4 py-3"
    >
      <CircleX className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
      <div className="min-w-0">
        <p className="break-words font-medium">This snapshot is damaged: {snapshot.damage.reason}</p>
        <p className="text-muted">
          Found <Ago at={snapshot.damage.at} />. It counts as no good backup any more. Make a new one, and
          restore from another snapshot where there is one.
        </p>
      </div>
    </div>
  )
}
