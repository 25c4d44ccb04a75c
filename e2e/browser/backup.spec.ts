import { expect, newestJob, STACK, shoot, startBackup, test, waitUntilIdle } from './support/test'

test('the overview lists the stack', async ({ page }) => {
  await page.goto('/')
  const row = page.locator(`[data-stack="${STACK}"]`).first()
  await expect(row.getByRole('link', { name: STACK, exact: true })).toBeVisible()
  await expect(row.getByText('Running', { exact: true })).toBeVisible()
})

test('a backup is started, watched live, and succeeds', async ({ page }) => {
  await startBackup(page)
  await page.goto(`/jobs/${(await newestJob(page)).id}`)
  await expect(page.getByRole('heading', { level: 1, name: `Backup of ${STACK}` })).toBeVisible()
  await shoot(page, 'job-running')
  const log = page.getByRole('region', { name: `Log of Backup of ${STACK}` })
  await expect(log.locator('[data-n]').first()).toBeVisible()
  await expect(page.getByText('Succeeded', { exact: true })).toBeVisible({ timeout: 60_000 })

  // Every step has ended well or had nothing to do, and the stack was stopped and started in between.
  const steps = page.locator('[data-step]')
  await expect(steps).toHaveCount(10)
  const states = await steps.evaluateAll((all) => all.map((step) => step.getAttribute('data-state')))
  expect(states.filter((state) => state !== 'succeeded' && state !== 'skipped')).toEqual([])
  for (const step of ['quiesce', 'capture', 'resume', 'publish', 'verify']) {
    await expect(page.locator(`[data-step="${step}"]`)).toHaveAttribute('data-state', 'succeeded')
  }
  await expect(page.getByText('Captured', { exact: true }).first()).toBeVisible()
  await shoot(page, 'job-succeeded')
})

test('a finished log is complete: as many lines as the service has, none twice', async ({ page }) => {
  await waitUntilIdle(page)
  const { id } = await newestJob(page)
  await page.goto(`/jobs/${id}`)
  await expect(page.getByText('Complete', { exact: true })).toBeVisible()
  let lines = 0
  let after: string | null = null
  do {
    const answer = await page.request.get(`/api/v1/jobs/${id}/log?limit=500${after ? `&after=${after}` : ''}`)
    const body: { items: { n: number }[]; next_cursor: string | null } = await answer.json()
    expect(body.items.map((line) => line.n)).toEqual(body.items.map((_, i) => lines + i + 1))
    lines += body.items.length
    after = body.items.length > 0 ? body.next_cursor : null
  } while (after !== null)
  expect(lines).toBeGreaterThan(0)
  await expect(
    page.getByText(`${lines.toLocaleString('en')} ${lines === 1 ? 'line' : 'lines'}`, { exact: true }),
  ).toBeVisible()
})

test('the search of a log narrows it', async ({ page }) => {
  await waitUntilIdle(page)
  await page.goto(`/jobs/${(await newestJob(page)).id}`)
  await expect(page.getByText('Complete', { exact: true })).toBeVisible()
  await page.getByRole('searchbox', { name: 'Search this log' }).fill('surely no line says this')
  await expect(page.getByText('No line matches.')).toBeVisible()
})

test('the log of a job can be downloaded', async ({ page }) => {
  await waitUntilIdle(page)
  await page.goto(`/jobs/${(await newestJob(page)).id}`)
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(file.suggestedFilename()).toMatch(/\.log$/)
  expect(await file.failure()).toBeNull()
})

test('the snapshot tells the command that restores it', async ({ page }) => {
  await waitUntilIdle(page)
  await page.goto('/snapshots')
  await page
    .getByRole('link', { name: new RegExp(`^${STACK},`) })
    .first()
    .click()
  await expect(page.getByText(/^mkdir -p restore && tar -x/)).toBeVisible()
  await expect(page.getByText('Verified', { exact: true }).first()).toBeVisible()
})
