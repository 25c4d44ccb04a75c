/** The page on which an instance is made or changed. The service judges it, and each complaint stands at its field. */
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api, type Instance, type Schemas } from '@/api/client'
import { type FieldErrors, fieldErrors } from '@/api/field-errors'
import { problemStatus } from '@/api/problem'
import { COMMON_POINTERS, CommonFields } from '@/features/plans/common-fields'
import { NotFound } from '@/features/shell/not-found'
import { hasChanged, type InstanceForm, instanceForm, instanceSpec } from '@/lib/spec'
import { backendWord } from '@/lib/words'
import { Button, buttonClass } from '@/ui/button'
import { Card } from '@/ui/card'
import { FormChoice, FormErrors, FormText } from '@/ui/form'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import { EnvFields } from './env-fields'

const route = getRouteApi('/instances/$id/edit')
const BACKENDS = (Object.keys(backendWord) as Schemas['BackendKind'][]).map((value) => ({
  value,
  label: backendWord[value],
}))
const OWN_POINTERS = ['/backend', '/repository', '/custom_image', '/env', '/exclude'] as const

function useSaveInstance(before: Instance | null) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const onSuccess = (instance: Instance) => {
    tell(before ? 'Instance changed' : 'Instance made', instance.id)
    void client.invalidateQueries()
    void navigate({ to: '/instances/$id', params: { id: instance.id } })
  }
  const create = api.useMutation('post', '/api/v1/instances', { onSuccess })
  const update = api.useMutation('put', '/api/v1/instances/{id}', { onSuccess })
  return {
    error: create.error ?? update.error,
    isPending: create.isPending || update.isPending,
    save: (form: InstanceForm) => {
      const body = instanceSpec(form, before)
      if (before) update.mutate({ params: { path: { id: before.id } }, body })
      else create.mutate({ body })
    },
  }
}

interface Props {
  form: InstanceForm
  errors: FieldErrors
  change: (change: Partial<InstanceForm>) => void
}

/** Where it stores: what is asked depends on the kind. */
function Place({ form, errors, change }: Props) {
  if (form.backend === 'restic')
    return (
      <FormText
        label="Repository"
        required
        value={form.repository}
        placeholder="sftp:backup@nas:/srv/restic"
        spellCheck={false}
        onChange={(event) => change({ repository: event.target.value })}
        hint="Anything restic takes. A password in it, once saved, is not shown again, and stays"
        error={errors.at('/repository')}
      />
    )
  if (form.backend === 'custom_image')
    return (
      <FormText
        label="Image"
        required
        value={form.customImage}
        placeholder="example/backup-tool:1.4"
        spellCheck={false}
        onChange={(event) => change({ customImage: event.target.value })}
        hint="It gets the data below /backup, and does the rest"
        error={errors.at('/custom_image')}
      />
    )
  return <p className="self-center text-muted">Archives go to the backup directory of the service.</p>
}

function Means({ form, errors, change, isNew }: Props & { isNew: boolean }) {
  return (
    <Card title="Name and means">
      <div className="grid gap-4 px-4 py-3 sm:grid-cols-2">
        <FormText
          label="Name"
          required
          disabled={!isNew}
          value={form.id}
          onChange={(event) => change({ id: event.target.value })}
          hint={isNew ? 'Such as nas' : 'A name stays for ever: snapshots are found by it'}
          error={errors.at('/id')}
        />
        <FormChoice
          label="Means"
          value={form.backend}
          options={BACKENDS}
          onChange={(backend) => change({ backend })}
          error={errors.at('/backend')}
        />
        <div className="sm:col-span-2">
          <Place form={form} errors={errors} change={change} />
        </div>
      </div>
    </Card>
  )
}

function Fields({ instance }: { instance: Instance | null }) {
  const [form, setForm] = useState(() => instanceForm(instance))
  const [sent, setSent] = useState<InstanceForm | null>(null)
  const { save, error, isPending } = useSaveInstance(instance)
  const errors = fieldErrors(error, (pointer) => hasChanged(pointer, form, sent))
  const change = (part: Partial<InstanceForm>) => setForm((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(form)
    save(form)
  }
  return (
    <form onSubmit={submit} className="grid max-w-4xl gap-4">
      <FormErrors
        title="The instance was not saved"
        errors={errors.rest([...COMMON_POINTERS, ...OWN_POINTERS])}
      />
      <Means form={form} errors={errors} change={change} isNew={instance === null} />
      {form.backend !== 'archive' && (
        <Card title="Variables" hint="Passwords and keys; kept encrypted, and never shown again">
          <EnvFields env={form.env} errors={errors} onChange={(env) => change({ env })} />
        </Card>
      )}
      <CommonFields form={form} errors={errors} change={change} excludesAt="/exclude" />
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" variant="primary" disabled={isPending}>
          {isPending ? 'Saving…' : instance ? 'Save the instance' : 'Make the instance'}
        </Button>
        <Link to="/instances" className={buttonClass()}>
          Cancel
        </Link>
        {error !== null && <span className="text-bad">Not saved: look at the marked fields.</span>}
      </div>
    </form>
  )
}

export function NewInstancePage() {
  return (
    <>
      <PageHead
        documentTitle="New instance"
        title="New instance"
        lead="A means of backup: where data goes, and how."
      />
      <Fields instance={null} />
    </>
  )
}

export function EditInstancePage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/instances/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="instance" />
  return (
    <>
      <PageHead documentTitle={`Change ${id}`} title={`Change the instance ${id}`} />
      <QueryState query={query} what="The instance" skeleton={<Skeleton size="h-96" />}>
        {(instance) => <Fields key={instance.id} instance={instance} />}
      </QueryState>
    </>
  )
}
