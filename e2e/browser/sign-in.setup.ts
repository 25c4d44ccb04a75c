import { expect, test } from '@playwright/test'
import { SESSION, setting } from './support/settings'

test('sign in once for all tests', async ({ request }) => {
  const answer = await request.post('/api/v1/auth/login', {
    data: { password: setting('MAINSTAY_E2E_PASSWORD') },
    headers: { 'X-Requested-With': 'mainstay' },
  })
  expect(answer.status()).toBe(200)
  await request.storageState({ path: SESSION })
})
