/** The page on which a plan is made or changed. The service judges it, and each complaint stands at its field. */
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api, type Plan } from '@/api/client'
import { fieldErrors } from '@/api/field-errors'
import { problemStatus } from '@/api/problem'
import { useInstances } from '@/features/instances/use-instances'
import { NotFound } from '@/features/shell/not-found'
import { hasChanged, type PlanForm, planForm, planSpec } from '@/lib/spec'
import { Button, buttonClass } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { FormChoice, FormErrors, FormText } from '@/ui/form'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { tell } from '@/ui/toast'
import { COMMON_POINTERS, CommonFields } from './common-fields'

const route = getRouteApi('/plans/$id/edit')

function useSavePlan(id: string | null) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const onSuccess = (plan: Plan) => {
    tell(id ? 'Plan changed' : 'Plan made', plan.id)
    void client.invalidateQueries()
    void navigate({ to: '/plans/$id', params: { id: plan.id } })
  }
  const create = api.useMutation('post', '/api/v1/plans', { onSuccess })
  const update = api.useMutation('put', '/api/v1/plans/{id}', { onSuccess })
  return {
    error: create.error ?? update.error,
    isPending: create.isPending || update.isPending,
    save: (form: PlanForm) => {
      const body = planSpec(form)
      if (id) update.mutate({ params: { path: { id } }, body })
      else create.mutate({ body })
    },
  }
}

function Fields({ plan, instances }: { plan: Plan | null; instances: readonly string[] }) {
  const [form, setForm] = useState(() => planForm(plan, instances[0]))
  const [sent, setSent] = useState<PlanForm | null>(null)
  const { save, error, isPending } = useSavePlan(plan?.id ?? null)
  const errors = fieldErrors(error, (pointer) => hasChanged(pointer, form, sent))
  const change = (part: Partial<PlanForm>) => setForm((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(form)
    save(form)
  }
  return (
    <form onSubmit={submit} className="grid max-w-4xl gap-4">
      <FormErrors
        title="The plan was not saved"
        errors={errors.rest([...COMMON_POINTERS, '/instance', '/excludes'])}
      />
      <Card title="Name and means">
        <div className="grid gap-4 px-4 py-3 sm:grid-cols-2">
          <FormText
            label="Name"
            required
            disabled={plan !== null}
            value={form.id}
            onChange={(event) => change({ id: event.target.value })}
            hint={plan ? 'A name stays for ever: snapshots are found by it' : 'Such as nightly'}
            error={errors.at('/id')}
          />
          <FormChoice
            label="Stored by the instance"
            value={form.instance}
            options={instances.map((value) => ({ value, label: value }))}
            onChange={(instance) => change({ instance })}
            error={errors.at('/instance')}
          />
        </div>
      </Card>
      <CommonFields form={form} errors={errors} change={change} excludesAt="/excludes" />
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" variant="primary" disabled={isPending}>
          {isPending ? 'Saving…' : plan ? 'Save the plan' : 'Make the plan'}
        </Button>
        <Link to="/plans" className={buttonClass()}>
          Cancel
        </Link>
        {error !== null && <span className="text-bad">Not saved: look at the marked fields.</span>}
      </div>
    </form>
  )
}

function WithInstances({ plan }: { plan: Plan | null }) {
  const query = useInstances()
  return (
    <QueryState query={query} what="The instances" skeleton={<Skeleton size="h-96" />}>
      {(page) =>
        page.items.length === 0 ? (
          <Card>
            <Empty title="There is no instance yet">
              A plan stores by an instance.{' '}
              <Link to="/instances/new" className="text-accent underline underline-offset-4">
                Make one first
              </Link>
            </Empty>
          </Card>
        ) : (
          <Fields plan={plan} instances={page.items.map((one) => one.id)} />
        )
      }
    </QueryState>
  )
}

export function NewPlanPage() {
  return (
    <>
      <PageHead
        documentTitle="New plan"
        title="New plan"
        lead="What is backed up, when, and how long it is kept."
      />
      <WithInstances plan={null} />
    </>
  )
}

export function EditPlanPage() {
  const { id } = route.useParams()
  const query = api.useQuery('get', '/api/v1/plans/{id}', { params: { path: { id } } })
  if (!query.data && [400, 404, 422].includes(problemStatus(query.error) ?? 0))
    return <NotFound what="plan" />
  return (
    <>
      <PageHead documentTitle={`Change ${id}`} title={`Change the plan ${id}`} />
      <QueryState query={query} what="The plan" skeleton={<Skeleton size="h-96" />}>
        {(plan) => <WithInstances key={plan.id} plan={plan} />}
      </QueryState>
    </>
  )
}
