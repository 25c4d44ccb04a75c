/** The service that finds no Docker Engine and no stack: it says so, and every page has something to show. */
import { axeFindings, expect, LOST_URL, PASSWORD, shoot, signIn, test } from './support/test'

test.use({ baseURL: LOST_URL, storageState: { cookies: [], origins: [] } })

for (const theme of ['light', 'dark'] as const) {
  test(`no engine: the dashboard says what is wrong and what to do (${theme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme })
    await page.goto('/')
    await signIn(page, PASSWORD)
    await expect(page.getByRole('heading', { level: 1, name: 'Docker cannot be reached' })).toBeVisible()
    const banner = page.getByRole('alert').filter({ hasText: 'cannot reach the Docker Engine' })
    await expect(banner).toContainText('mainstay doctor')
    await expect(page.getByText('No jobs yet')).toBeVisible()
    await shoot(page, `no-engine-${theme}`)
    expect(await axeFindings(page)).toEqual([])
  })
}

test('nothing there yet: each list says what would fill it', async ({ page }) => {
  await page.goto('/stacks')
  await signIn(page, PASSWORD)
  await expect(page.getByRole('heading', { level: 1, name: 'Stacks' })).toBeVisible()
  for (const [path, text] of [
    ['/stacks', 'No stacks found'],
    ['/jobs', 'No jobs yet'],
    ['/jobs?state=failed', 'No job matches'],
    ['/snapshots', 'No snapshots yet'],
    ['/plans', 'No plans yet'],
    ['/instances', 'No instances yet'],
  ] as const) {
    await page.goto(path)
    await expect(page.getByText(text, { exact: true })).toBeVisible()
  }
})
