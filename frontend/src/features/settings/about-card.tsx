import { ExternalLink } from 'lucide-react'
import { api } from '@/api/client'
import { list } from '@/lib/format'
import { buttonClass } from '@/ui/button'
import { Card, Fact } from '@/ui/card'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Ago } from '@/ui/time'

export function AboutCard() {
  const query = api.useQuery('get', '/api/v1/info', {}, { staleTime: 600_000 })
  const docs = (
    <a href="/swagger-ui/" className={buttonClass('outline', 'sm')}>
      <ExternalLink aria-hidden /> API documentation
    </a>
  )
  return (
    <Card title="About" actions={docs}>
      <QueryState query={query} what="The version" skeleton={<SkeletonRows rows={2} />}>
        {(info) => (
          <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3">
            <Fact name="Version">{info.version}</Fact>
            <Fact name="Host">{info.node_name}</Fact>
            <Fact name="Time zone">{info.timezone}</Fact>
            <Fact name="Running since">
              <Ago at={info.started_at} />
            </Fact>
            {info.features.length > 0 && (
              <Fact name="Built with" isLong>
                {list(info.features, 12)}
              </Fact>
            )}
            <Fact name="Licence" isLong>
              Mainstay is free software under the Apache License 2.0 or the MIT License, as you choose. The
              parts it is made of keep their own licences.
            </Fact>
          </dl>
        )}
      </QueryState>
    </Card>
  )
}

export function HostsCard() {
  const query = api.useQuery('get', '/api/v1/hosts', {})
  return (
    <Card title="Hosts" hint="The Docker Engines that Mainstay drives">
      <QueryState query={query} what="The hosts" skeleton={<SkeletonRows rows={1} size="h-10" />}>
        {(hosts) => (
          <ul className="divide-y divide-line">
            {hosts.items.map((host) => (
              <li key={host.name} className="px-4 py-2.5">
                <p className="flex flex-wrap justify-between gap-x-4">
                  <span className="break-all font-medium">{host.name}</span>
                  <span className={host.state === 'reachable' ? 'text-ok' : 'text-bad'}>
                    {host.state === 'reachable' ? 'Reachable' : 'Not reachable'}
                  </span>
                </p>
                <p className="break-all text-muted text-xs">
                  {[host.address, host.engine_version && `Docker ${host.engine_version}`]
                    .filter(Boolean)
                    .join(', ')}
                </p>
                {host.message && <p className="break-words text-muted text-xs">{host.message}</p>}
              </li>
            ))}
          </ul>
        )}
      </QueryState>
    </Card>
  )
}
