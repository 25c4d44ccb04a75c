import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { api, BY_CURSOR } from '@/api/client'
import type { JobFilters } from '@/lib/filters'
import { jobKindWord, jobStateWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { SelectField, TextField } from '@/ui/field'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { JobRows } from './job-rows'

const route = getRouteApi('/jobs')
const options = <T extends string>(words: Record<T, string>) =>
  (Object.keys(words) as T[]).map((value) => ({ value, label: words[value] }))

function useJobs(filters: JobFilters) {
  return api.useInfiniteQuery(
    'get',
    '/api/v1/jobs',
    { params: { query: { limit: 50, ...filters } } },
    BY_CURSOR,
  )
}

/** A filter that a link set; it goes with the others. */
function Only({ what, name }: { what: string; name: string }) {
  return (
    <p className="break-all py-2">
      <span className="text-muted">of the {what}</span> <span className="font-medium">{name}</span>
    </p>
  )
}

function Filters({ filters }: { filters: JobFilters }) {
  const navigate = route.useNavigate()
  const [stack, setStack] = useState(filters.stack ?? '')
  const set = (change: { [K in keyof JobFilters]?: JobFilters[K] | '' }) =>
    void navigate({
      search: (before) => {
        const merged = Object.entries({ ...before, ...change }).filter(([, value]) => value)
        return Object.fromEntries(merged) as JobFilters
      },
      replace: true,
    })
  return (
    <form
      className="mb-4 flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        set({ stack: stack.trim() })
      }}
    >
      <SelectField
        label="State"
        value={filters.state ?? ''}
        all="Any state"
        options={options(jobStateWord)}
        onChange={(state) => set({ state })}
      />
      <SelectField
        label="Kind"
        value={filters.kind ?? ''}
        all="Any kind"
        options={options(jobKindWord)}
        onChange={(kind) => set({ kind })}
      />
      <TextField
        label="Stack"
        value={stack}
        placeholder="Any stack"
        onChange={(event) => setStack(event.target.value)}
        onBlur={() => set({ stack: stack.trim() })}
      />
      {filters.plan && <Only what="plan" name={filters.plan} />}
      {filters.instance && <Only what="instance" name={filters.instance} />}
      {Object.keys(filters).length > 0 && (
        <Button
          variant="ghost"
          onClick={() => {
            setStack('')
            void navigate({ search: {} })
          }}
        >
          Clear filters
        </Button>
      )}
    </form>
  )
}

export function JobsPage() {
  const filters = route.useSearch()
  const query = useJobs(filters)
  const isFiltered = Object.keys(filters).length > 0
  return (
    <>
      <PageHead documentTitle="Jobs" title="Jobs" lead="Everything Mainstay did and does, newest first." />
      <Filters filters={filters} />
      <Card>
        <QueryState query={query} what="The jobs" skeleton={<SkeletonRows rows={8} size="h-10" />}>
          {(data) => {
            const jobs = data.pages.flatMap((page) => page.items)
            if (jobs.length === 0) {
              if (query.hasNextPage) {
                return <Empty title="Nothing among the newest jobs">Load more to look further back.</Empty>
              }
              return isFiltered ? (
                <Empty title="No job matches">Change or clear the filters above.</Empty>
              ) : (
                <Empty title="No jobs yet">Start a backup on the overview; it will be listed here.</Empty>
              )
            }
            return <JobRows jobs={jobs} />
          }}
        </QueryState>
      </Card>
      {query.hasNextPage && (
        <div className="mt-4 flex justify-center">
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? 'Loading…' : 'Load more'}
          </Button>
        </div>
      )}
    </>
  )
}
