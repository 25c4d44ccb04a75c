/**
 * The typed client of the service's API. Types come from `schema.d.ts`, which `npm run gen` makes from the
 * OpenAPI document; never edit that file, and never write a wire type by hand. To use one more operation, call
 * `api.useQuery('get', '/api/v1/…')`; to use one more type, add an alias below.
 */
import createFetchClient, { type Middleware } from 'openapi-fetch'
import createClient from 'openapi-react-query'
import { noteServerDate } from '@/lib/now'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Instance = Schemas['Instance']
export type Job = Schemas['Job']
export type JobKind = Schemas['JobKind']
export type JobState = Schemas['JobState']
export type Level = Schemas['LogLevel']
export type LogFile = Schemas['LogFile']
export type LogLine = Schemas['LogLine']
export type LogPage = Schemas['LogPage']
export type Plan = Schemas['Plan']
export type PlanTarget = Schemas['PlanTarget']
export type Problem = Schemas['Problem']
export type Progress = Schemas['Progress']
export type Snapshot = Schemas['Snapshot']
export type Stack = Schemas['Stack']
export type StackState = Schemas['StackState']
export type Status = Schemas['Status']
export type Step = Schemas['Step']
export type StepName = Schemas['StepName']
export type Target = Schemas['TargetResult']

/** Every write carries this header; another site cannot send it, so its forged requests are refused. */
export const WRITE_HEADER = { 'X-Requested-With': 'mainstay' } as const

type Listener = () => void
const unauthenticated = new Set<Listener>()

/** Calls `listener` whenever an answer says that there is no session (any more). */
export function onUnauthenticated(listener: Listener): () => void {
  unauthenticated.add(listener)
  return () => void unauthenticated.delete(listener)
}

/** What a proxy answers in the service's place (a page, or nothing at all), as the problem that it is. */
function answerOfProxy({ status }: Response): Response {
  const problem = {
    type: 'about:blank',
    title: 'Unreachable',
    status,
    code: 'unreachable',
    detail: `The service cannot be reached: something in between answered ${status} in its place.`,
  }
  return Response.json(problem, { status })
}

const conventions: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') {
      for (const [name, value] of Object.entries(WRITE_HEADER)) request.headers.set(name, value)
    }
    return request
  },
  onResponse({ response, schemaPath }) {
    if (!response.ok && !response.headers.get('content-type')?.includes('json'))
      return answerOfProxy(response)
    noteServerDate(response.headers.get('date'))
    if (response.status === 401 && !schemaPath.includes('/auth/')) for (const told of unauthenticated) told()
    return response
  },
}

export const http = createFetchClient<paths>({
  baseUrl: globalThis.location?.origin ?? '',
  credentials: 'same-origin',
  // Looked up at each call, so that tests can stand in for the service.
  fetch: (request) => globalThis.fetch(request),
})
http.use(conventions)
export const api = createClient(http)

/**
 * How a paged list is followed, for `api.useInfiniteQuery`: by the cursor that the page before gave out. The first
 * page is asked for with `null`, which is left out of the address; `undefined` would be sent as a cursor of 0.
 */
export const BY_CURSOR = {
  pageParamName: 'cursor',
  initialPageParam: null,
  getNextPageParam: (last: { next_cursor?: string | null }) => last.next_cursor ?? null,
} as const
