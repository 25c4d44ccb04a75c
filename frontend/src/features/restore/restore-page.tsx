/**
 * The way back, as a page: which snapshot, what of it, where to, what will happen, and the start. It begins with the
 * newest good snapshot and with a way that touches nothing, so that from the overview it is four clicks at most.
 */
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { Undo2 } from 'lucide-react'
import { type FormEvent, useDeferredValue, useState } from 'react'
import { api, http, type Schemas, type Snapshot } from '@/api/client'
import { problemStatus } from '@/api/problem'
import { NotFound } from '@/features/shell/not-found'
import { subjectOf } from '@/features/snapshots/snapshot-rows'
import { DamageNotice } from '@/features/snapshots/verify-snapshot'
import { commandOf, missing, optionsOf, type RestoreForm, restorable } from '@/lib/restore-form'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { Command } from '@/ui/copy'
import { TextField } from '@/ui/field'
import { PageHead } from '@/ui/page'
import { QueryState, Refused } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { tell, tellProblem } from '@/ui/toast'
import { WhereTo, WhichSnapshot, WhichTargets } from './choices'
import { PreviewFacts } from './preview'

const route = getRouteApi('/restore')

function formOf(snapshot: Snapshot, paths: readonly string[]): RestoreForm {
  return {
    destination: snapshot.stack && paths.length === 0 ? 'new_stack' : 'directory',
    directory: '',
    stackName: snapshot.stack ? `${snapshot.stack}-restored` : '',
    without: new Set(),
    paths,
    keepsOld: true,
  }
}

async function fetchPreview(
  id: string,
  body: Schemas['RestoreOptions'],
  signal: AbortSignal,
): Promise<Schemas['RestorePreview']> {
  const { data, error } = await http.POST('/api/v1/snapshots/{id}/restore/preview', {
    params: { path: { id } },
    body,
    signal,
  })
  if (!data) throw error
  return data
}

/** What the choices would do; asked anew whenever they change, and the answer before stays until then. */
function usePreview(snapshot: Snapshot, form: RestoreForm) {
  const settled = useDeferredValue(form)
  const options = optionsOf(settled, restorable(snapshot.targets))
  return useQuery({
    queryKey: ['restore-preview', snapshot.id, options],
    queryFn: ({ signal }) => fetchPreview(snapshot.id, options, signal),
    enabled: missing(settled, restorable(snapshot.targets)) === null,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 30_000,
  })
}

function WhatHappens({ snapshot, form }: { snapshot: Snapshot; form: RestoreForm }) {
  const preview = usePreview(snapshot, form)
  const gap = missing(form, restorable(snapshot.targets))
  return (
    <Card title="4. What will happen" hint="Looked up now; nothing is touched yet">
      {gap ? (
        <Empty title={gap} />
      ) : preview.error ? (
        <Refused title="It could not be found out" error={preview.error} />
      ) : preview.data ? (
        <div aria-busy={preview.isFetching} className={preview.isPlaceholderData ? 'opacity-60' : undefined}>
          <PreviewFacts preview={preview.data} form={form} snapshot={snapshot} />
        </div>
      ) : (
        <div className="p-4" role="status" aria-label="Looking">
          <Skeleton size="h-40" />
        </div>
      )}
    </Card>
  )
}

function useRestore() {
  const client = useQueryClient()
  const navigate = useNavigate()
  return api.useMutation('post', '/api/v1/snapshots/{id}/restore', {
    onSuccess: (job) => {
      tell('Restore started')
      void navigate({ to: '/jobs/$id', params: { id: job.id } })
    },
    onError: (error) => tellProblem('The restore could not be started', error),
    onSettled: () => void client.invalidateQueries({ queryKey: ['get', '/api/v1/jobs'] }),
  })
}

/** The last step: a word to type where something is replaced, the button, and the command that does the same. */
function Start({ snapshot, form }: { snapshot: Snapshot; form: RestoreForm }) {
  const [typed, setTyped] = useState('')
  const start = useRestore()
  const preview = usePreview(snapshot, form)
  const word = subjectOf(snapshot)
  const isReplacing = form.destination === 'in_place'
  const isBlocked =
    missing(form, restorable(snapshot.targets)) !== null || !preview.data || preview.data.problems.length > 0
  const isUnconfirmed = isReplacing && typed.trim() !== word
  const why = isBlocked ? 'See what will happen first' : isUnconfirmed ? `Type ${word} first` : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isBlocked || isUnconfirmed) return
    start.mutate({
      params: { path: { id: snapshot.id } },
      body: optionsOf(form, restorable(snapshot.targets)),
    })
  }
  return (
    <Card title="5. Start">
      <form onSubmit={submit} className="flex flex-wrap items-end gap-4 px-4 py-3">
        {isReplacing && (
          <TextField
            label={`Type ${word} to replace what is there`}
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
        <Button
          type="submit"
          variant={isReplacing ? 'danger' : 'primary'}
          disabled={isBlocked || isUnconfirmed || start.isPending}
          {...(why ? { title: why } : {})}
        >
          <Undo2 aria-hidden /> {start.isPending ? 'Starting…' : 'Start restore'}
        </Button>
      </form>
      <div className="border-line border-t px-4 py-3">
        <p className="mb-1.5 text-muted text-xs">The same on the command line:</p>
        <Command text={commandOf(snapshot.id, form, restorable(snapshot.targets))} label="the command" />
      </div>
    </Card>
  )
}

function RestoreView({ snapshot, paths }: { snapshot: Snapshot; paths: readonly string[] }) {
  const [form, setForm] = useState(() => formOf(snapshot, paths))
  const change = (part: Partial<RestoreForm>) => setForm((before) => ({ ...before, ...part }))
  return (
    <>
      <PageHead
        documentTitle={`Restore ${subjectOf(snapshot)}`}
        title={`Restore ${subjectOf(snapshot)}`}
        lead={
          <Link
            to="/snapshots/$id"
            params={{ id: snapshot.id }}
            className="text-accent underline underline-offset-4"
          >
            Look into the snapshot first
          </Link>
        }
      />
      <DamageNotice snapshot={snapshot} />
      <div className="grid max-w-4xl gap-4">
        <WhichSnapshot snapshot={snapshot} />
        <WhichTargets snapshot={snapshot} form={form} change={change} />
        <WhereTo snapshot={snapshot} form={form} change={change} />
        <WhatHappens snapshot={snapshot} form={form} />
        <Start snapshot={snapshot} form={form} />
      </div>
    </>
  )
}

function Nothing({ stack }: { stack: string | undefined }) {
  return (
    <>
      <PageHead documentTitle="Restore" title={stack ? `Restore ${stack}` : 'Restore'} />
      <Card>
        <Empty title="There is nothing to restore">
          {stack ? `No good snapshot of ${stack} is there. ` : 'No snapshot is named. '}
          <Link to="/snapshots" className="text-accent underline underline-offset-4">
            Look through all snapshots
          </Link>
        </Empty>
      </Card>
    </>
  )
}

/** The newest good snapshot of a stack. */
function NewestOf({ stack }: { stack: string }) {
  const query = api.useQuery('get', '/api/v1/snapshots', {
    params: { query: { stack, complete: true, limit: 20 } },
  })
  return (
    <QueryState query={query} what="The snapshots" skeleton={<Skeleton size="h-96" />}>
      {(page) => {
        const newest = page.items.find((one) => !one.removed_at && !one.damage)
        return newest ? (
          <RestoreView key={newest.id} snapshot={newest} paths={[]} />
        ) : (
          <Nothing stack={stack} />
        )
      }}
    </QueryState>
  )
}

function ThisOne({ id, paths }: { id: string; paths: readonly string[] }) {
  const query = api.useQuery('get', '/api/v1/snapshots/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="snapshot" />
  return (
    <QueryState query={query} what="The snapshot" skeleton={<Skeleton size="h-96" />}>
      {(snapshot) => <RestoreView key={snapshot.id} snapshot={snapshot} paths={paths} />}
    </QueryState>
  )
}

export function RestorePage() {
  const { snapshot, stack, path } = route.useSearch()
  if (snapshot) return <ThisOne id={snapshot} paths={path ?? []} />
  return stack ? <NewestOf stack={stack} /> : <Nothing stack={stack} />
}
