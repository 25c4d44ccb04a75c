import { getRouteApi, Link } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { api, type LogFile } from '@/api/client'
import { bytes } from '@/lib/format'
import { buttonClass } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { cn } from '@/ui/cn'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Ago } from '@/ui/time'
import { logFileUrl } from './file-url'
import { LogViewer } from './log-viewer'
import { useSystemLog } from './use-log'

const route = getRouteApi('/logs')

function SystemLog() {
  const source = useSystemLog()
  return (
    <Card title="System log" hint="What the service itself does, as it happens.">
      <LogViewer source={source} name="the system" />
    </Card>
  )
}

function FileRow({ file }: { file: LogFile }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-60">
        <Link
          to="/logs/files/$name"
          params={{ name: file.name }}
          className="break-all font-medium underline-offset-4 hover:underline"
        >
          {file.name}
        </Link>
        <p className="text-muted text-xs">
          {bytes(file.size_bytes)}, <Ago at={file.modified_at} />
        </p>
      </div>
      <a
        href={logFileUrl(file.name, true)}
        download
        className={buttonClass('outline', 'sm')}
        aria-label={`Download ${file.name}`}
      >
        <Download aria-hidden /> Download
      </a>
    </li>
  )
}

function LogFiles() {
  const query = api.useQuery('get', '/api/v1/logs/files', { params: { query: { limit: 500 } } })
  return (
    <Card title="Log files" hint="One file for each job, kept for the configured number of days.">
      <QueryState query={query} what="The log files" skeleton={<SkeletonRows rows={6} size="h-10" />}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="No log files yet">Each job leaves one here.</Empty>
          ) : (
            <ul className="divide-y divide-line">
              {page.items.map((file) => (
                <FileRow key={file.name} file={file} />
              ))}
            </ul>
          )
        }
      </QueryState>
    </Card>
  )
}

function Tab({ tab, isOpen, children }: { tab: 'live' | 'files'; isOpen: boolean; children: string }) {
  return (
    <Link
      to="/logs"
      search={tab === 'files' ? { tab } : {}}
      aria-current={isOpen ? 'page' : undefined}
      className={cn(
        '-mb-px border-b-2 px-3 py-2 font-medium',
        isOpen ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
      )}
    >
      {children}
    </Link>
  )
}

export function LogsPage() {
  const { tab = 'live' } = route.useSearch()
  return (
    <>
      <PageHead documentTitle="Logs" title="Logs" />
      <nav aria-label="Kinds of logs" className="mb-4 flex gap-1 border-line border-b">
        <Tab tab="live" isOpen={tab === 'live'}>
          Live
        </Tab>
        <Tab tab="files" isOpen={tab === 'files'}>
          Files
        </Tab>
      </nav>
      {tab === 'live' ? <SystemLog /> : <LogFiles />}
    </>
  )
}
