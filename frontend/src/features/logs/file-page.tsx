import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { problemStatus } from '@/api/problem'
import { NotFound } from '@/features/shell/not-found'
import { LogStore } from '@/lib/log-store'
import { parseLogFile } from '@/lib/log-text'
import { buttonClass } from '@/ui/button'
import { Card } from '@/ui/card'
import { PageHead } from '@/ui/page'
import { QueryState } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'
import { logFileUrl } from './file-url'
import { LogViewer } from './log-viewer'

const route = getRouteApi('/logs/files/$name')

async function fetchText(name: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(logFileUrl(name, false), { signal })
  if (!answer.ok) throw await answer.json()
  return await answer.text()
}

function FileText({ name, text }: { name: string; text: string }) {
  const store = useMemo(() => {
    const made = new LogStore(undefined, (run) => run())
    made.push(parseLogFile(text))
    return made
  }, [text])
  return (
    <Card title="Content">
      <LogViewer
        source={{ store, status: 'ended' }}
        name={name}
        downloadUrl={logFileUrl(name, true)}
        startsAtEnd={false}
      />
    </Card>
  )
}

export function LogFilePage() {
  const { name } = route.useParams()
  const query = useQuery({
    queryKey: ['log-file', name],
    queryFn: ({ signal }) => fetchText(name, signal),
    gcTime: 0,
  })
  if ([400, 404, 422].includes(problemStatus(query.error) ?? 0)) return <NotFound what="log file" />
  return (
    <>
      <PageHead
        documentTitle={name}
        title={<span className="break-all text-xl">{name}</span>}
        actions={
          <Link to="/logs" search={{ tab: 'files' }} className={buttonClass()}>
            All log files
          </Link>
        }
      />
      <QueryState query={query} what="The log file" skeleton={<Skeleton size="h-[60dvh]" />}>
        {(text) => <FileText name={name} text={text} />}
      </QueryState>
    </>
  )
}
