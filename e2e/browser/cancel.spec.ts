import { expect, newestJob, STACK, startBackup, test, waitUntilIdle } from './support/test'

test('a job at work offers to be cancelled and says what that does', async ({ page }) => {
  // The stack of the tests is small, so the job may be over before a person could press; its state is held as it was
  // when the page first saw it, and the cancel goes to the true service.
  await startBackup(page)
  const { id } = await newestJob(page)
  let first: string | null = null
  await page.route(`**/api/v1/jobs/${id}`, async (route) => {
    const answer = await route.fetch()
    first ??= JSON.stringify({ ...(await answer.json()), state: 'running', finished_at: null })
    await route.fulfill({ response: answer, body: first })
  })
  await page.route(`**/api/v1/jobs/${id}/log/stream**`, (route) => route.abort())
  await page.route('**/api/v1/events**', (route) => route.abort())
  await page.goto(`/jobs/${id}`)
  await page.getByRole('button', { name: `Cancel: Backup of ${STACK}` }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog).toContainText('is started again')
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith(`/jobs/${id}/cancel`)),
    dialog.getByRole('button', { name: 'Cancel the job' }).click(),
  ])
  // 409 when the job was quicker; both are told.
  expect([200, 202, 409]).toContain(answer.status())
  await expect(page.getByText(answer.ok() ? 'Cancelling' : 'Could not cancel', { exact: true })).toBeVisible()
  await waitUntilIdle(page)
  const stack = await (await page.request.get(`/api/v1/stacks/${encodeURIComponent(STACK)}`)).json()
  expect(stack.state).toBe('running')
})
