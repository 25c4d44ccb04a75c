/** What a restore has put in place, what it keeps of before, and the way back. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import { api, type Job, type Schemas } from '@/api/client'
import { isFinal } from '@/lib/job'
import { shellQuote } from '@/lib/restore'
import { restoreSideWord, targetKindWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { Card, Fact } from '@/ui/card'
import { Command } from '@/ui/copy'
import { ConfirmDialog } from '@/ui/dialog'
import { tell, tellProblem } from '@/ui/toast'

type Restore = Schemas['Restore']

function PutBack({ job }: { job: Job }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const undo = api.useMutation('post', '/api/v1/jobs/{id}/undo', {
    onSuccess: (next) => {
      tell('Putting back what was there before')
      void navigate({ to: '/jobs/$id', params: { id: next.id } })
    },
    onError: (error) => tellProblem('It could not be put back', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] }),
  })
  return (
    <ConfirmDialog
      trigger={
        <Button size="sm" disabled={undo.isPending}>
          <Undo2 aria-hidden /> {undo.isPending ? 'Starting…' : 'Put back what was there'}
        </Button>
      }
      title="Put back what was there before?"
      confirm="Put it back"
      onConfirm={() => undo.mutate({ params: { path: { id: job.id } } })}
    >
      <p>
        What was restored and what was kept of before change places once more. What uses it is stopped for a
        moment and started again. This can be taken back in turn.
      </p>
    </ConfirmDialog>
  )
}

function Kept({ restore }: { restore: Restore }) {
  if (restore.safety_copies.length === 0) return null
  return (
    <div className="border-line border-t px-4 py-3">
      <p className="font-medium">What was there before is kept</p>
      <ul className="mt-1 space-y-1">
        {restore.safety_copies.map((copy) => (
          <li key={`${copy.kind} ${copy.name} ${copy.kept_at}`} className="min-w-0">
            <span className="[overflow-wrap:anywhere]">{copy.name}</span>{' '}
            <span className="text-muted text-xs">{targetKindWord[copy.kind]}</span>
            <span className="block break-all font-mono text-muted text-xs">{copy.kept_at}</span>
          </li>
        ))}
      </ul>
      {restore.directories.length > 0 && (
        <div className="mt-3">
          <p className="mb-1.5 text-muted text-xs">When it is not needed any more, remove it:</p>
          <Command
            text={`rm -r ${restore.directories.map((one) => shellQuote(one)).join(' ')}`}
            label="the command"
          />
        </div>
      )}
    </div>
  )
}

export function RestoreResult({ job }: { job: Job }) {
  const query = api.useQuery(
    'get',
    '/api/v1/jobs/{id}/restore',
    { params: { path: { id: job.id } } },
    { retry: false },
  )
  const restore = query.data
  // A job that ended before it began has nothing to tell beyond its error.
  if (!restore) return null
  return (
    <Card
      title="What is in place"
      actions={restore.can_be_undone && isFinal(job.state) ? <PutBack job={job} /> : undefined}
    >
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3">
        <Fact name="In place is">
          {restore.in_place ? restoreSideWord[restore.in_place] : 'not decided yet'}
        </Fact>
        {restore.snapshot_id && (
          <Fact name="Out of">
            <Link
              to="/snapshots/$id"
              params={{ id: restore.snapshot_id }}
              className="text-accent underline underline-offset-4"
            >
              the snapshot
            </Link>
          </Fact>
        )}
        {restore.undoes && (
          <Fact name="Takes back">
            <Link
              to="/jobs/$id"
              params={{ id: restore.undoes }}
              className="text-accent underline underline-offset-4"
            >
              an earlier restore
            </Link>
          </Fact>
        )}
      </dl>
      <Kept restore={restore} />
    </Card>
  )
}
