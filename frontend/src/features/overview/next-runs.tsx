import { Link } from '@tanstack/react-router'
import type { Schemas } from '@/api/client'
import { Card, Empty } from '@/ui/card'
import { Ago, When } from '@/ui/time'

type NextRun = Schemas['NextRun']

function Name({ run }: { run: NextRun }) {
  const look = 'break-all font-medium underline-offset-4 hover:underline'
  if (run.plan)
    return (
      <Link to="/plans/$id" params={{ id: run.plan }} className={look}>
        {run.plan}
      </Link>
    )
  if (run.stack)
    return (
      <Link to="/stacks/$name" params={{ name: run.stack }} className={look}>
        {run.stack}
      </Link>
    )
  return <>a backup</>
}

/** What will run next, the soonest first. */
export function NextRunsCard({ runs }: { runs: readonly NextRun[] }) {
  return (
    <Card title="Next runs">
      {runs.length === 0 ? (
        <Empty title="Nothing is scheduled">
          Give a plan a schedule, and it runs by itself.{' '}
          <Link to="/plans" className="text-accent underline underline-offset-4">
            To the plans
          </Link>
        </Empty>
      ) : (
        <ol className="divide-y divide-line">
          {runs.slice(0, 8).map((run) => (
            <li key={`${run.plan} ${run.stack} ${run.at}`} className="flex items-baseline gap-4 px-4 py-2">
              <span className="min-w-0 flex-1">
                <Name run={run} />
              </span>
              <span className="text-right text-muted text-xs">
                <When at={run.at} />
                <span className="block">
                  <Ago at={run.at} />
                </span>
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
