/** Tokens of programs, and the sessions of people: who may speak to the service, and how one is shut out. */
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { scopeWord } from '@/lib/words'
import { Button } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { Command } from '@/ui/copy'
import { ConfirmDialog } from '@/ui/dialog'
import { Choice, TextField } from '@/ui/field'
import { QueryState } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { Ago } from '@/ui/time'
import { tell, tellProblem } from '@/ui/toast'

type Token = Schemas['Token']
type Scope = Schemas['Scope']

const TOKENS = { queryKey: ['get', '/api/v1/auth/tokens'] }
const LIFETIMES = [
  { value: '', label: 'never' },
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '365', label: 'in a year' },
] as const
const SCOPES = (Object.keys(scopeWord) as Scope[]).map((value) => ({ value, label: scopeWord[value] }))

function Revoke({ token }: { token: Token }) {
  const client = useQueryClient()
  const revoke = api.useMutation('delete', '/api/v1/auth/tokens/{id}', {
    onSuccess: () => tell('Revoked', token.name),
    onError: (error) => tellProblem('The token could not be revoked', error),
    onSettled: () => void client.invalidateQueries(TOKENS),
  })
  return (
    <ConfirmDialog
      trigger={
        <Button size="sm" variant="danger" disabled={revoke.isPending} aria-label={`Revoke ${token.name}`}>
          Revoke
        </Button>
      }
      title={`Revoke ${token.name}?`}
      confirm="Revoke"
      variant="danger"
      onConfirm={() => revoke.mutate({ params: { path: { id: token.id } } })}
    >
      <p>Whoever uses it is shut out at once. This cannot be taken back; a new token can be made.</p>
    </ConfirmDialog>
  )
}

function Row({ token }: { token: Token }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-56">
        <p className="break-words font-medium">{token.is_session ? 'A signed-in browser' : token.name}</p>
        <p className="text-muted text-xs">
          {scopeWord[token.scope]}; last used <Ago at={token.last_used_at} />
          {token.expires_at ? (
            <>
              , expires <Ago at={token.expires_at} />
            </>
          ) : (
            ', never expires'
          )}
        </p>
      </div>
      <Revoke token={token} />
    </li>
  )
}

function NewToken({ onMade }: { onMade: (made: Schemas['CreatedToken']) => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [scope, setScope] = useState<Scope>('read')
  const [days, setDays] = useState<(typeof LIFETIMES)[number]['value']>('365')
  const create = api.useMutation('post', '/api/v1/auth/tokens', {
    onSuccess: (made) => {
      setName('')
      onMade(made)
    },
    onError: (error) => tellProblem('The token could not be made', error),
    onSettled: () => void client.invalidateQueries(TOKENS),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const expires = days ? { expires_in_days: Number(days) } : {}
    create.mutate({ body: { name: name.trim(), scope, ...expires } })
  }
  return (
    <form onSubmit={submit} className="flex flex-wrap items-end gap-3 border-line border-b px-4 py-3">
      <TextField
        label="Name of the new token"
        required
        value={name}
        placeholder="nightly"
        onChange={(event) => setName(event.target.value)}
      />
      <Choice label="It may" value={scope} options={SCOPES} onChange={setScope} />
      <Choice label="Expires" value={days} options={LIFETIMES} onChange={setDays} />
      <Button type="submit" variant="primary" disabled={create.isPending}>
        {create.isPending ? 'Making…' : 'Make token'}
      </Button>
    </form>
  )
}

function Made({ made }: { made: Schemas['CreatedToken'] }) {
  return (
    <div role="status" className="border-line border-b bg-ok/10 px-4 py-3">
      <p className="mb-2 font-medium">
        Copy the token {made.name} now: it is shown this once, and kept only as a hash.
      </p>
      <Command text={made.token} label="the token" />
    </div>
  )
}

function List({ tokens }: { tokens: readonly Token[] }) {
  return (
    <ul className="divide-y divide-line">
      {tokens.map((token) => (
        <Row key={token.id} token={token} />
      ))}
    </ul>
  )
}

/** The signed-in browsers; more than a few hide the tokens. */
function Sessions({ sessions }: { sessions: readonly Token[] }) {
  if (sessions.length === 0) return null
  return (
    <details className="border-line border-t">
      <summary className="cursor-pointer px-4 py-2.5 text-muted">
        {count(sessions.length, 'signed-in browser')}
      </summary>
      <List tokens={sessions} />
    </details>
  )
}

export function TokensCard() {
  const [made, setMade] = useState<Schemas['CreatedToken'] | null>(null)
  const query = api.useQuery('get', '/api/v1/auth/tokens', {
    params: { query: { limit: 500, sessions: true } },
  })
  return (
    <Card title="Tokens" hint="For programs that use the API; and the browsers that are signed in">
      <NewToken onMade={setMade} />
      {made && <Made made={made} />}
      <QueryState query={query} what="The tokens" skeleton={<SkeletonRows rows={3} size="h-10" />}>
        {(page) => {
          const tokens = page.items.filter((token) => !token.is_session)
          return (
            <>
              {tokens.length === 0 ? <Empty title="No tokens yet" /> : <List tokens={tokens} />}
              <Sessions sessions={page.items.filter((token) => token.is_session)} />
            </>
          )
        }}
      </QueryState>
    </Card>
  )
}
