import fs from 'node:fs/promises'
import { expect, shoot, test } from './support/test'

test('the system log is live', async ({ page }) => {
  await page.goto('/logs')
  await expect(page.getByRole('status').filter({ hasText: 'Live' })).toBeVisible()
  await expect(
    page.getByRole('region', { name: 'Log of the system' }).locator('[data-n]').first(),
  ).toBeVisible()
  await shoot(page, 'logs')
})

test('a log file is listed, shown and downloaded', async ({ page }) => {
  const listed = await (await page.request.get('/api/v1/logs/files?limit=1')).json()
  const name: string = listed.items[0].name
  await page.goto('/logs')
  await page.getByRole('link', { name: 'Files', exact: true }).click()
  await page.getByRole('link', { name, exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  await expect(page.getByRole('region', { name: `Log of ${name}` }).locator('[data-n="1"]')).toBeVisible()
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(file.suggestedFilename()).toBe(name)
  expect((await fs.readFile(await file.path())).length).toBeGreaterThan(0)
})

test('a log file that does not exist is told as such', async ({ page }) => {
  await page.goto('/logs/files/no-such-file.log')
  await expect(page.getByRole('heading', { name: 'There is no such log file' })).toBeVisible()
})
