import { api } from '@/api/client'

/** Every plan; hosts have fewer than one page holds. */
export function usePlans() {
  return api.useQuery('get', '/api/v1/plans', { params: { query: { limit: 500 } } })
}
