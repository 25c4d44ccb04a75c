import { getRouteApi } from '@tanstack/react-router'
import { usePlans } from '@/features/plans/use-plans'
import { useStacks } from '@/features/stacks/use-stacks'
import type { SnapshotFilters } from '@/lib/filters'
import { Button } from '@/ui/button'
import { SelectField } from '@/ui/field'

const route = getRouteApi('/snapshots')

/** The names to choose from; one that is in the address and no longer exists stays, so that it can be seen. */
function options(names: readonly string[], chosen: string | undefined) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names
  return all.map((name) => ({ value: name, label: name }))
}

export function Filters({ filters }: { filters: SnapshotFilters }) {
  const navigate = route.useNavigate()
  const stacks = useStacks().data?.items ?? []
  const plans = usePlans().data?.items ?? []
  const set = (change: { [K in keyof SnapshotFilters]: SnapshotFilters[K] | '' | undefined }) =>
    void navigate({
      search: (before) => {
        const merged = Object.entries({ ...before, ...change })
        return Object.fromEntries(merged.filter(([, value]) => value !== '' && value !== undefined))
      },
      replace: true,
    })
  return (
    <form className="mb-4 flex flex-wrap items-end gap-3" onSubmit={(event) => event.preventDefault()}>
      <SelectField
        label="Stack"
        value={filters.stack ?? ''}
        all="Any stack"
        options={options(
          stacks.map((stack) => stack.name),
          filters.stack,
        )}
        onChange={(stack) => set({ stack })}
      />
      <SelectField
        label="Plan"
        value={filters.plan ?? ''}
        all="Any plan"
        options={options(
          plans.map((plan) => plan.id),
          filters.plan,
        )}
        onChange={(plan) => set({ plan })}
      />
      <SelectField
        label="Content"
        value={filters.complete === undefined ? '' : filters.complete ? 'whole' : 'gaps'}
        all="Whole or with gaps"
        options={[
          { value: 'whole', label: 'Only whole ones' },
          { value: 'gaps', label: 'Only those with gaps' },
        ]}
        onChange={(value) => set({ complete: value === '' ? undefined : value === 'whole' })}
      />
      {Object.keys(filters).length > 0 && (
        <Button variant="ghost" onClick={() => void navigate({ search: {} })}>
          Clear filters
        </Button>
      )}
    </form>
  )
}
