/** Retention of an instance: what it would remove, and, after that was seen, removing it. */
import { useQueryClient } from '@tanstack/react-query'
import { Eye, Trash2 } from 'lucide-react'
import { api, type Instance } from '@/api/client'
import { RetentionText } from '@/features/plans/plan-parts'
import { Verdicts } from '@/features/plans/verdicts'
import { bytes, count } from '@/lib/format'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { ConfirmDialog } from '@/ui/dialog'
import { Refused } from '@/ui/query-state'
import { tell, tellProblem } from '@/ui/toast'

function useForget(id: string) {
  const client = useQueryClient()
  const preview = api.useMutation('post', '/api/v1/instances/{id}/forget')
  const remove = api.useMutation('post', '/api/v1/instances/{id}/forget', {
    onSuccess: (report) => {
      const removed = report.verdicts.filter((verdict) => !verdict.kept).length
      const freed = report.freed_bytes === null ? undefined : `${bytes(report.freed_bytes)} freed`
      tell(`${count(removed, 'snapshot')} removed`, freed)
      preview.reset()
      for (const path of ['snapshots', 'stats']) {
        void client.invalidateQueries({ queryKey: ['get', `/api/v1/instances/{id}/${path}`] })
      }
    },
    onError: (error) => tellProblem('Retention was not carried out', error),
  })
  const path = { path: { id } }
  return {
    preview,
    remove,
    look: () => preview.mutate({ params: path, body: { dry_run: true } }),
    carryOut: () => remove.mutate({ params: path, body: { dry_run: false } }),
  }
}

export function Retention({ instance }: { instance: Instance }) {
  const { preview, remove, look, carryOut } = useForget(instance.id)
  if (!instance.retention_enforced) {
    return (
      <Card title="Retention">
        <Empty title="Left to the image">What the image stores, the image looks after.</Empty>
      </Card>
    )
  }
  const verdicts = preview.data?.verdicts ?? []
  const gone = verdicts.filter((verdict) => !verdict.kept).length
  const actions = (
    <>
      <Button size="sm" disabled={preview.isPending} onClick={look}>
        <Eye aria-hidden /> {preview.isPending ? 'Looking…' : 'Preview'}
      </Button>
      {gone > 0 && (
        <ConfirmDialog
          trigger={
            <Button size="sm" variant="danger" disabled={remove.isPending}>
              <Trash2 aria-hidden /> {remove.isPending ? 'Removing…' : 'Apply now'}
            </Button>
          }
          title={`Remove ${count(gone, 'snapshot')} of ${instance.id}?`}
          confirm="Remove them"
          keep="Keep them"
          variant="danger"
          onConfirm={carryOut}
        >
          <p>What retention removes cannot be brought back. It also runs by itself after each good backup.</p>
        </ConfirmDialog>
      )}
    </>
  )
  return (
    <Card title="Retention" hint={<RetentionText rule={instance.retention} />} actions={actions}>
      {preview.data && <Verdicts verdicts={verdicts} />}
      {preview.error && <Refused title="Retention could not be previewed" error={preview.error} />}
      {!preview.data && !preview.error && (
        <Empty title={preview.isPending ? 'Looking…' : 'Not asked yet'}>
          The preview tells what is kept, what is removed, and why.
        </Empty>
      )}
    </Card>
  )
}
