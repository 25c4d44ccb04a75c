import { api } from '@/api/client'

/** Every stack; hosts have fewer than one page holds. */
export function useStacks() {
  return api.useQuery('get', '/api/v1/stacks', { params: { query: { limit: 500 } } })
}
