import { axeFindings, expect, shoot, test } from './support/test'

test('the self-test says what is well', async ({ page }) => {
  await page.goto('/settings')
  const check = page.locator('[data-check="docker.reachable"]')
  await expect(check).toContainText('Fine')
  await page.getByRole('button', { name: 'Check again' }).click()
  await expect(check).toContainText('Fine')
  await expect(page.getByText('Reachable', { exact: true })).toBeVisible()
  await shoot(page, 'settings')
})

test('a token is made, opens the API, and opens nothing once it is revoked', async ({ page, playwright, baseURL }) => {
  const name = `browser-${Date.now()}`
  await page.goto('/settings')
  await page.getByLabel('Name of the new token').fill(name)
  await page.getByRole('button', { name: 'Make token' }).click()
  await expect(page.getByText(`Copy the token ${name} now`)).toBeVisible()
  const secret = await page.getByRole('status').filter({ hasText: name }).locator('code').innerText()
  expect(await axeFindings(page)).toEqual([])
  const program = await playwright.request.newContext({
    baseURL: baseURL ?? '',
    storageState: { cookies: [], origins: [] },
    extraHTTPHeaders: { Authorization: `Bearer ${secret}` },
  })
  expect((await program.get('/api/v1/status')).status()).toBe(200)
  // It may only look.
  expect((await program.post('/api/v1/stacks/no-such-stack/backup')).status()).toBe(403)

  await page.getByRole('button', { name: `Revoke ${name}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
  await expect(page.getByRole('button', { name: `Revoke ${name}` })).toHaveCount(0)
  expect((await program.get('/api/v1/status')).status()).toBe(401)
  await program.dispose()
})
