import { axeFindings, expect, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

test('a stack tells what is captured, how it went over time, and what it has to restore', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.goto(`/stacks/${STACK}`)
  await expect(page.locator(`[data-coverage="${STACK}_data"]`)).toContainText('Captured')
  const stored = page.getByRole('img', { name: /^Stored of the last \d+ good backups/ })
  await expect(stored).toBeVisible()
  await page.getByText('As a table').click()
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText(/MiB|KiB/)
  await expect(page.getByRole('link', { name: new RegExp(`^${STACK},`) }).first()).toBeVisible()
  await shoot(page, 'stack')
  expect(await axeFindings(page)).toEqual([])
})

test('the dialog tells for how long the stack was stopped the last time', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.goto(`/stacks/${STACK}`)
  await page.getByRole('button', { name: 'Back up', exact: true }).click()
  await expect(page.getByRole('alertdialog')).toContainText(new RegExp(`The last time ${STACK} was stopped for`))
  await page.keyboard.press('Escape')
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
})
