/** The way back, with true data: what was lost is there again, and what was replaced can be put back. */
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { axeFindings, expect, type Page, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

/** A file in the directory of the stack. */
async function noteOf(page: Page): Promise<string> {
  const stack = await (await page.request.get(`/api/v1/stacks/${STACK}`)).json()
  return path.join(stack.directory, 'note.txt')
}

async function waitUntilRestored(page: Page): Promise<void> {
  await expect(page).toHaveURL(/\/jobs\/job_/)
  await expect(page.getByText('Succeeded', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
}

test('a stack is put back where it was in four clicks from the overview, and that can be taken back', async ({ page }) => {
  const note = await noteOf(page)
  await fs.writeFile(note, 'as it was')
  await startBackup(page)
  await waitUntilIdle(page)
  await fs.writeFile(note, 'spoilt')

  await page.goto('/')
  await page.getByRole('link', { name: `Restore ${STACK}`, exact: true }).click() // 1
  await expect(page.getByRole('heading', { level: 1, name: `Restore ${STACK}` })).toBeVisible()
  await page.getByRole('radio', { name: /^Where it was/ }).check() // 2
  await expect(page.getByText('What is there now is kept beside it')).toBeVisible()
  await expect(page.getByText(/^Everything written since the snapshot/)).toBeVisible()
  const start = page.getByRole('button', { name: 'Start restore' })
  await expect(start).toBeDisabled()
  await page.getByLabel(`Type ${STACK} to replace what is there`).fill(STACK)
  await shoot(page, 'restore')
  expect(await axeFindings(page)).toEqual([])
  await start.click() // 3
  await waitUntilRestored(page)
  expect(await fs.readFile(note, 'utf8')).toBe('as it was')
  await expect(page.getByText('what was restored', { exact: true })).toBeVisible()
  await shoot(page, 'restored')
  expect(await axeFindings(page)).toEqual([])

  await page.getByRole('button', { name: 'Put back what was there' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Put it back' }).click()
  await expect(page.getByText('an earlier restore')).toBeVisible()
  await waitUntilRestored(page)
  expect(await fs.readFile(note, 'utf8')).toBe('spoilt')
  const stack = await (await page.request.get(`/api/v1/stacks/${STACK}`)).json()
  expect(stack.state).toBe('running')
})

test('a single file is found and restored into a directory', async ({ page }) => {
  const note = await noteOf(page)
  await fs.writeFile(note, 'one file of many')
  await startBackup(page)
  await waitUntilIdle(page)
  const place = path.join(await fs.mkdtemp(path.join(os.tmpdir(), 'mainstay-browser-')), 'restored')
  const newest = await (await page.request.get(`/api/v1/snapshots?stack=${STACK}&limit=1`)).json()
  await page.goto(`/snapshots/${newest.items[0].id}?path=data`)
  await page.getByRole('checkbox', { name: 'Select note.txt' }).check()
  await page.getByRole('link', { name: 'Restore selected' }).click()
  await expect(page.getByText('data/note.txt', { exact: true }).first()).toBeVisible()
  await page.getByLabel('Directory on the host, new or empty').fill(place)
  await expect(page.getByText('Nothing is stopped.')).toBeVisible()
  await page.getByRole('button', { name: 'Start restore' }).click()
  await waitUntilRestored(page)
  expect(await fs.readFile(path.join(place, 'data', 'note.txt'), 'utf8')).toBe('one file of many')
  await fs.rm(path.dirname(place), { recursive: true })
})

test('what cannot be done is said before it is tried', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.goto(`/restore?stack=${STACK}`)
  await page.getByLabel('Name of the new stack').fill(STACK)
  await expect(page.getByRole('alert').filter({ hasText: 'This cannot be done as it is' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Start restore' })).toBeDisabled()
  await page.getByRole('radio', { name: /^Into a directory/ }).check()
  await page.getByLabel('Directory on the host, new or empty').fill('/proc/restored')
  await expect(page.getByRole('alert').filter({ hasText: 'This cannot be done as it is' })).toBeVisible()
})
