/** Asks an instance whether a run could succeed, and shows what it answers. */
import { PlugZap } from 'lucide-react'
import { api, type Schemas } from '@/api/client'
import { Warnings } from '@/features/stacks/stack-rows'
import { sentence } from '@/lib/format'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { Status } from '@/ui/status'
import { tellProblem } from '@/ui/toast'

function Answer({ test }: { test: Schemas['InstanceTest'] }) {
  return (
    <div className="space-y-2 px-4 py-3">
      <Status tone={test.ok ? 'ok' : 'bad'}>{test.ok ? 'Ready for a backup' : 'Not usable'}</Status>
      {test.error && <p className="break-words">{sentence(test.error)}</p>}
      {test.notes.length > 0 && (
        <ul className="list-disc space-y-0.5 pl-5 text-muted">
          {test.notes.map((note) => (
            <li key={note} className="break-words">
              {note}
            </li>
          ))}
        </ul>
      )}
      <Warnings warnings={test.warnings} />
    </div>
  )
}

export function TestInstance({ id }: { id: string }) {
  const test = api.useMutation('post', '/api/v1/instances/{id}/test', {
    onError: (error) => tellProblem('The instance could not be tested', error),
  })
  const ask = (
    <Button size="sm" disabled={test.isPending} onClick={() => test.mutate({ params: { path: { id } } })}>
      <PlugZap aria-hidden /> {test.isPending ? 'Testing…' : 'Test connection'}
    </Button>
  )
  return (
    <Card title="Connection" actions={ask}>
      <div role="status">
        {test.data ? (
          <Answer test={test.data} />
        ) : (
          <Empty title={test.isPending ? 'Testing…' : 'Not tested yet'}>
            {!test.isPending && 'The test creates and changes nothing.'}
          </Empty>
        )}
      </div>
    </Card>
  )
}
