import { expect, newestJob, SLOW_STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

test('a job at work is cancelled, and its stack runs again', async ({ page }) => {
  await startBackup(page, SLOW_STACK)
  const { id } = await newestJob(page, SLOW_STACK)
  await page.goto(`/jobs/${id}`)
  await expect(page.getByText(`${SLOW_STACK} is stopped:`)).toBeVisible()
  await page.getByRole('button', { name: `Cancel: Backup of ${SLOW_STACK}` }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog).toContainText('is started again')
  await shoot(page, 'cancel')
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith(`/jobs/${id}/cancel`)),
    dialog.getByRole('button', { name: 'Cancel the job' }).click(),
  ])
  expect(answer.ok()).toBe(true)
  await expect(page.getByRole('region', { name: 'Notifications' }).getByText('Cancelling')).toBeVisible()

  // The page learns of the end by itself, and offers what comes next.
  await expect(page.getByText('Cancelled', { exact: true }).first()).toBeVisible({ timeout: 30_000 })
  await expect(page.getByRole('button', { name: /^Cancel/ })).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Retry' })).toBeVisible()
  await shoot(page, 'cancelled')
  await expect(async () => {
    const stack = await (await page.request.get(`/api/v1/stacks/${encodeURIComponent(SLOW_STACK)}`)).json()
    expect(stack.state).toBe('running')
  }).toPass({ timeout: 15_000 })
  const kept = await (await page.request.get(`/api/v1/snapshots?stack=${encodeURIComponent(SLOW_STACK)}`)).json()
  expect(kept.items).toEqual([])
})

test('a cancel that comes too late is told', async ({ page }) => {
  await waitUntilIdle(page, SLOW_STACK)
  const { id } = await newestJob(page, SLOW_STACK)
  // The page is held at the moment when the job was still at work; the cancel goes to the true service.
  const job = await (await page.request.get(`/api/v1/jobs/${id}`)).json()
  await page.route(`**/api/v1/jobs/${id}`, (route) =>
    route.fulfill({ json: { ...job, state: 'running', finished_at: null } }),
  )
  for (const stream of [`**/api/v1/jobs/${id}/log/stream**`, '**/api/v1/events**'])
    await page.route(stream, (route) => route.abort())
  await page.goto(`/jobs/${id}`)
  await page.getByRole('button', { name: `Cancel: Backup of ${SLOW_STACK}` }).click()
  await page.getByRole('button', { name: 'Cancel the job' }).click()
  await expect(page.getByRole('region', { name: 'Notifications' }).getByText('Could not cancel')).toBeVisible()
})
