import { api } from '@/api/client'

/** Every instance; hosts have fewer than one page holds. */
export function useInstances() {
  return api.useQuery('get', '/api/v1/instances', { params: { query: { limit: 500 } } })
}
