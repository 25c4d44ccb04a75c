import { expect, newestJob, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

test('the overview says in one sentence how things are, and what comes next', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.goto('/')
  // The plan nas runs at 02:00 in Berlin; which hour that is here is the browser's to say.
  await expect(page.getByRole('heading', { level: 1, name: /stacks protected.*; next run .*\d\d:\d\d$/ })).toBeVisible()
  await expect(page.locator(`[data-stack="${STACK}"]`).getByRole('img')).toHaveAccessibleName(/^Last 30 days: .*1 good/)
  await expect(page.getByRole('region', { name: 'Next runs' }).or(page.getByText('Next runs')).first()).toBeVisible()
  await shoot(page, 'overview')
})

test('what failed stands first, with its reason and the way to it', async ({ page }) => {
  // One of the targets of this plan does not exist.
  const started = await page.request.post('/api/v1/plans/half/run', { headers: { 'X-Requested-With': 'mainstay' } })
  expect(started.status()).toBe(202)
  const { id } = await started.json()
  await expect(async () => {
    const job = await (await page.request.get(`/api/v1/jobs/${id}`)).json()
    expect(job.state).toBe('partial')
  }).toPass({ timeout: 60_000 })
  await page.goto('/')
  const entry = page.getByRole('listitem').filter({ hasText: 'Plan half was only partial' })
  await expect(entry).toContainText(`${STACK}_gone`)
  await expect(entry.getByRole('button', { name: 'Run half now' })).toBeVisible()
  await entry.getByRole('link', { name: 'See why' }).click()
  await expect(page).toHaveURL(new RegExp(`/jobs/${id}$`))
})

test('a stack without a backup is backed up from where that is said', async ({ page }) => {
  await waitUntilIdle(page)
  const before = await newestJob(page)
  await page.route('**/api/v1/stacks?*', async (route) => {
    const answer = await route.fetch()
    const body = await answer.json()
    const items = body.items.map((one: { name: string }) =>
      one.name === STACK ? { ...one, protected: false, last_job: null, last_success_at: null } : one,
    )
    await route.fulfill({ response: answer, json: { ...body, items } })
  })
  await page.goto('/')
  const entry = page.getByRole('listitem').filter({ hasText: `${STACK} has no good backup` })
  await entry.getByRole('button', { name: `Back up ${STACK} now` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Start backup' }).click()
  await expect(page.getByText('Backup started')).toBeVisible()
  expect((await newestJob(page)).id).not.toBe(before.id)
  await waitUntilIdle(page)
})
