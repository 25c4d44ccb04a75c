import { expect, newestJob, STACK, startBackup, test, waitUntilIdle } from './support/test'

test('no page scrolls sideways at 320 px', async ({ page }) => {
  await startBackup(page)
  await waitUntilIdle(page)
  await page.setViewportSize({ width: 320, height: 700 })
  const job = `/jobs/${(await newestJob(page)).id}`
  for (const path of [
    '/',
    '/stacks',
    `/stacks/${STACK}`,
    '/plans',
    '/plans/nas',
    '/instances',
    '/instances/nas',
    '/jobs',
    job,
    '/snapshots',
    '/logs',
    '/logs?tab=files',
    '/settings',
    '/plans/new',
    '/instances/new',
    `/restore?stack=${STACK}`,
    '/nowhere',
  ]) {
    await page.goto(path)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(320)
  }
})

test('every page is reached from the bar at the bottom, also at 320 px', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 700 })
  await page.goto('/')
  const bar = page.getByRole('navigation', { name: 'Main' })
  for (const name of ['Stacks', 'Plans', 'Jobs']) {
    await bar.getByRole('link', { name }).click()
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  }
  for (const name of ['Instances', 'Snapshots', 'Logs', 'Settings']) {
    await bar.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name }).click()
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  }
  const isCut = await bar
    .locator('a, button')
    .evaluateAll((all) => all.some((one) => one.scrollWidth > one.clientWidth))
  expect(isCut).toBe(false)
})

test('what is pressed is large enough for a thumb', async ({ page }) => {
  await page.goto('/')
  await expect(page.locator(`[data-stack="${STACK}"]`)).toBeVisible()
  const small = await page.locator('button, main label:has(input), nav a').evaluateAll((all) =>
    all
      .map((one) => ({ box: one.getBoundingClientRect(), text: one.textContent }))
      .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
      .map(({ text }) => text),
  )
  expect(small).toEqual([])
})
