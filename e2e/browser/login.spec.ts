import { expect, PASSWORD, signIn, test } from './support/test'

test.describe('without a session', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('a wrong password is told, the right one opens the page that was asked for', async ({ page }) => {
    await page.goto('/jobs?state=failed')
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
    await signIn(page, 'not the password')
    await expect(page.getByRole('alert')).toHaveText('Wrong password.')
    await expect(page.getByLabel('Password')).toBeFocused()
    await signIn(page, PASSWORD)
    await expect(page.getByRole('heading', { name: 'Jobs', level: 1 })).toBeVisible()
    await expect(page).toHaveURL(/\/jobs\?state=failed$/)
  })

  test('signing out ends the session', async ({ page }) => {
    await page.goto('/')
    await signIn(page, PASSWORD)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
    expect((await page.request.get('/api/v1/status')).status()).toBe(401)
  })

  test('after the session has expired one is back on the same page', async ({ page, context }) => {
    await page.goto('/logs?tab=files')
    await signIn(page, PASSWORD)
    await expect(page.getByRole('heading', { name: 'Log files' })).toBeVisible()
    await context.clearCookies()
    await page.getByRole('link', { name: 'Jobs' }).click()
    await expect(page.getByText('Your session has expired.')).toBeVisible()
    await signIn(page, PASSWORD)
    await expect(page.getByRole('heading', { name: 'Jobs', level: 1 })).toBeVisible()
    await expect(page).toHaveURL(/\/jobs$/)
  })
})
