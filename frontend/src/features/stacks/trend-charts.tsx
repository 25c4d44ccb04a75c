/** Size, duration and stopped time of the last backups as bars, with the same as a table. Fetched when first shown. */
import { Link } from '@tanstack/react-router'
import { CircleAlert } from 'lucide-react'
import type { Job } from '@/api/client'
import { bytes, duration, shortTime } from '@/lib/format'
import { hasShrunk, type Measure, median, type Point, trendOf } from '@/lib/trend'

const WIDTH = 300
const HEIGHT = 64
/** So many bars can be told apart on a phone. */
const MOST = 40

interface Chart {
  measure: Measure
  name: string
  text: (value: number) => string
}

const CHARTS: readonly Chart[] = [
  { measure: 'size', name: 'Stored', text: bytes },
  { measure: 'duration', name: 'Duration', text: duration },
  { measure: 'stopped', name: 'Stopped for', text: duration },
]

function Bars({ points, chart }: { points: readonly Point[]; chart: Chart }) {
  const highest = Math.max(...points.map((point) => point.value), 1)
  const step = WIDTH / MOST
  return (
    <svg
      role="img"
      aria-label={`${chart.name} of the last ${points.length} good backups, the newest at the right`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      className="h-16 w-full"
      preserveAspectRatio="none"
    >
      <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className="stroke-line" />
      {points.map((point, i) => {
        const height = Math.max(2, (point.value / highest) * (HEIGHT - 4))
        return (
          <rect
            key={point.job}
            x={WIDTH - (points.length - i) * step + 1}
            y={HEIGHT - height}
            width={step - 2}
            height={height}
            className={i === points.length - 1 ? 'fill-accent' : 'fill-accent/50'}
          >
            <title>{`${shortTime(point.at)}: ${chart.text(point.value)}`}</title>
          </rect>
        )
      })}
    </svg>
  )
}

function Trend({ jobs, chart }: { jobs: readonly Job[]; chart: Chart }) {
  const points = trendOf(jobs, chart.measure).slice(-MOST)
  const newest = points.at(-1)
  const values = points.map((point) => point.value)
  return (
    <figure className="min-w-0">
      <figcaption className="flex items-baseline justify-between gap-3">
        <span className="text-muted text-xs">{chart.name}</span>
        <span className="font-semibold tabular-nums">{newest ? chart.text(newest.value) : '–'}</span>
      </figcaption>
      <Bars points={points} chart={chart} />
      <p className="text-muted text-xs">
        {points.length > 1 &&
          `usually ${chart.text(median(values))}, at most ${chart.text(Math.max(...values))}`}
      </p>
    </figure>
  )
}

function Table({ jobs }: { jobs: readonly Job[] }) {
  const good = [...trendOf(jobs, 'size')].reverse()
  const byId = new Map(jobs.map((job) => [job.id, job]))
  const cell = (job: Job | undefined, { measure, text }: Chart) => {
    const [point] = job ? trendOf([job], measure) : []
    return point ? text(point.value) : '–'
  }
  return (
    <details className="border-line border-t px-4 py-2">
      <summary className="cursor-pointer py-1 text-muted text-xs">As a table</summary>
      <div className="overflow-x-auto">
        <table className="w-full text-left tabular-nums">
          <thead className="text-muted text-xs">
            <tr>
              <th className="py-1 pr-4 font-normal">Backup</th>
              {CHARTS.map((chart) => (
                <th key={chart.measure} className="py-1 pr-4 font-normal">
                  {chart.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {good.map((point) => (
              <tr key={point.job} className="border-line border-t">
                <td className="py-1 pr-4">
                  <Link
                    to="/jobs/$id"
                    params={{ id: point.job }}
                    className="underline-offset-4 hover:underline"
                  >
                    {shortTime(point.at)}
                  </Link>
                </td>
                {CHARTS.map((chart) => (
                  <td key={chart.measure} className="py-1 pr-4">
                    {cell(byId.get(point.job), chart)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

export function TrendCharts({ jobs }: { jobs: readonly Job[] }) {
  return (
    <>
      {hasShrunk(trendOf(jobs, 'size')) && (
        <p className="flex items-start gap-2 border-line border-b bg-warn/10 px-4 py-2">
          <CircleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
          The newest backup is less than half as large as they usually are. Look whether something is missing.
        </p>
      )}
      <div className="grid gap-x-8 gap-y-4 px-4 py-3 sm:grid-cols-3">
        {CHARTS.map((chart) => (
          <Trend key={chart.measure} jobs={jobs} chart={chart} />
        ))}
      </div>
      <Table jobs={jobs} />
    </>
  )
}
