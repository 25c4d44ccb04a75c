import { axeFindings, expect, STACK, shoot, test, waitUntilIdle } from './support/test'

test('a plan is run, and what it stored is found where it lies', async ({ page }) => {
  await waitUntilIdle(page)
  await page.goto('/plans')
  const row = page.locator('[data-plan="nas"]')
  await expect(row).toContainText('every day at 02:00')
  await row.getByRole('link', { name: 'nas', exact: true }).click()
  await expect(page.getByText(`${STACK}_data`)).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Next runs' })).toBeVisible()
  await expect(page.getByText('the schedule is read in Europe/Berlin')).toBeVisible()
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByText('Brought to rest, in this order')).toBeVisible()
  await shoot(page, 'plan')
  expect(await axeFindings(page)).toEqual([])
  await page.getByRole('button', { name: 'Run nas now' }).click()
  const dialog = page.getByRole('alertdialog', { name: 'Run nas now?' })
  await expect(dialog).toContainText('Containers that write to what is captured are stopped')
  await dialog.getByRole('button', { name: 'Start backup' }).click()
  await expect(page.getByRole('heading', { name: 'Backup of nas' })).toBeVisible()
  await expect(page.getByText('Succeeded', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
  await shoot(page, 'plan-job')

  await page.goto('/instances/nas')
  await page.getByRole('button', { name: 'Look' }).click()
  await expect(page.getByText('Complete', { exact: true }).first()).toBeVisible()
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByText(/^Keeps \d+ snapshots?, removes \d+\.$/)).toBeVisible()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Ready for a backup')).toBeVisible()
  await shoot(page, 'instance')
  expect(await axeFindings(page)).toEqual([])
})

test('an instance that cannot be used says why and what to do', async ({ page }) => {
  await page.goto('/instances')
  await page.getByRole('link', { name: 'own-tool', exact: true }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Not usable')).toBeVisible()
  await expect(page.getByText(/mainstay-test\/nowhere:local/).last()).toBeVisible()
  await expect(page.getByText('Left to the image')).toBeVisible()
  await shoot(page, 'instance-broken')
  expect(await axeFindings(page)).toEqual([])
})

test('unknown plans and instances say so', async ({ page }) => {
  for (const what of ['plan', 'instance']) {
    await page.goto(`/${what}s/no-such-${what}`)
    await expect(page.getByRole('heading', { name: `There is no such ${what}` })).toBeVisible()
  }
})
