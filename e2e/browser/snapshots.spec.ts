import fs from 'node:fs/promises'
import { axeFindings, expect, type Page, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

async function openNewest(page: Page): Promise<string> {
  await startBackup(page)
  await waitUntilIdle(page)
  const answer = await page.request.get(`/api/v1/snapshots?stack=${STACK}&limit=1`)
  const id: string = (await answer.json()).items[0].id
  await page.goto(`/snapshots/${id}`)
  return id
}

test('snapshots are filtered, and the filter is in the address', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.goto('/snapshots')
  await page.getByLabel('Stack').selectOption(STACK)
  await expect(page).toHaveURL(new RegExp(`stack=${STACK}`))
  await expect(page.getByRole('link', { name: new RegExp(`^${STACK},`) }).first()).toBeVisible()
  await page.getByLabel('Content').selectOption('gaps')
  await expect(page.getByText('No snapshot matches')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/snapshots$/)
})

test('a snapshot is walked through, a file is read and downloaded', async ({ page }) => {
  const id = await openNewest(page)
  const files = page.locator('[data-entry]')
  await files.getByRole('link', { name: 'compose', exact: true }).click()
  await expect(page).toHaveURL(/path=compose/)
  await page.getByRole('link', { name: 'compose.yaml', exact: true }).click()
  const content = page.getByRole('region', { name: 'Content of compose.yaml' })
  await expect(content).toContainText('services:')
  await shoot(page, 'files')
  expect(await axeFindings(page)).toEqual([])
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    content.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(file.suggestedFilename()).toBe('compose.yaml')
  expect(await fs.readFile(await file.path(), 'utf8')).toBe(await content.locator('pre').innerText())

  // A directory comes as a tar.
  await page.goto(`/snapshots/${id}`)
  const [tar] = await Promise.all([
    page.waitForEvent('download'),
    files.filter({ hasText: 'compose' }).getByRole('link', { name: 'Download compose', exact: true }).click(),
  ])
  expect(tar.suggestedFilename()).toMatch(/\.tar$/)
  expect((await fs.readFile(await tar.path())).subarray(257, 262).toString()).toBe('ustar')

  // The address alone leads to the same place, and the way back up works.
  await page.goto(`/snapshots/${id}?path=volumes/${STACK}_data`)
  await expect(page.getByRole('navigation', { name: 'Way to this directory' })).toContainText(`${STACK}_data`)
  await page.getByRole('navigation', { name: 'Way to this directory' }).getByRole('link', { name: 'volumes' }).click()
  await expect(files.filter({ hasText: `${STACK}_data` })).toBeVisible()
})

test('a directory that the snapshot does not have says so', async ({ page }) => {
  const id = await openNewest(page)
  await page.goto(`/snapshots/${id}?path=no/such/place`)
  await expect(page.getByText('The files could not be loaded')).toBeVisible()
})

test('a snapshot in a restic repository is walked through in the same way', async ({ page }) => {
  const started = await page.request.post('/api/v1/plans/nas/run', { headers: { 'X-Requested-With': 'mainstay' } })
  expect(started.status()).toBe(202)
  const { id } = await started.json()
  await expect(async () => {
    expect((await (await page.request.get(`/api/v1/jobs/${id}`)).json()).state).toBe('succeeded')
  }).toPass({ timeout: 60_000 })
  const answer = await page.request.get('/api/v1/snapshots?plan=nas&limit=1')
  await page.goto(`/snapshots/${(await answer.json()).items[0].id}`)
  await expect(page.locator('[data-entry]').first()).toBeVisible()
})
