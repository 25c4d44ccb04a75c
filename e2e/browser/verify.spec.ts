/** A snapshot is read again; one that was damaged on purpose is found, and said wherever it matters. */
import fs from 'node:fs/promises'
import { expect, type Page, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

async function newest(page: Page): Promise<{ id: string; archive: string }> {
  await startBackup(page)
  await waitUntilIdle(page)
  return (await (await page.request.get(`/api/v1/snapshots?stack=${STACK}&limit=1`)).json()).items[0]
}

async function verify(page: Page, id: string): Promise<void> {
  await page.goto(`/snapshots/${id}`)
  await page.getByRole('button', { name: 'Verify' }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Verify of/ })).toBeVisible()
}

test('a snapshot that is well is verified', async ({ page }) => {
  const { id } = await newest(page)
  await verify(page, id)
  await expect(page.getByText('Succeeded', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
})

test('a snapshot that was cut short is found damaged, and the overview says so first', async ({ page }) => {
  const { id, archive } = await newest(page)
  await fs.truncate(archive, Math.floor((await fs.stat(archive)).size / 2))
  await verify(page, id)
  await expect(page.getByText('Failed', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
  await page.goto(`/snapshots/${id}`)
  await expect(page.getByRole('alert').filter({ hasText: 'This snapshot is damaged' })).toBeVisible()
  await shoot(page, 'damaged')
  await page.goto('/')
  const entry = page.getByRole('listitem').filter({ hasText: `A snapshot of ${STACK}, taken` })
  await expect(entry).toContainText('is damaged')
  await entry.getByRole('link', { name: 'Open the snapshot' }).click()
  await expect(page).toHaveURL(new RegExp(`/snapshots/${id}$`))
})
