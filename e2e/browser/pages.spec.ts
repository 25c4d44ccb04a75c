import { expect, STACK, shoot, test } from './support/test'

test('an address that leads nowhere says so and leads back', async ({ page }) => {
  await page.goto('/no/such/page')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
  await shoot(page, 'not-found')
  await page.getByRole('link', { name: 'To the overview', exact: true }).click()
  await expect(page.locator(`[data-stack="${STACK}"]`)).toBeVisible()
})

test('unknown jobs, stacks and snapshots say so', async ({ page }) => {
  for (const [path, what] of [
    [`/jobs/job_${'0'.repeat(32)}`, 'job'],
    ['/jobs/nonsense', 'job'],
    ['/stacks/no-such-stack', 'stack'],
    [`/snapshots/snap_${'0'.repeat(32)}`, 'snapshot'],
  ]) {
    await page.goto(`${path}`)
    await expect(page.getByRole('heading', { name: `There is no such ${what}` })).toBeVisible()
  }
})

test('a query that fails tells why and can be tried again', async ({ page }) => {
  let isBroken = true
  const problem = {
    type: 'about:blank',
    title: 'Internal',
    status: 500,
    code: 'internal',
    detail: 'the store is locked',
  }
  await page.route('**/api/v1/jobs?*', (route) =>
    isBroken
      ? route.fulfill({ status: 500, json: problem, contentType: 'application/problem+json' })
      : route.continue(),
  )
  await page.goto('/jobs')
  await expect(page.getByText('The jobs could not be loaded')).toBeVisible()
  await expect(page.getByText('the store is locked')).toBeVisible()
  await shoot(page, 'error')
  isBroken = false
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('The jobs could not be loaded')).toBeHidden()
})

test('filters live in the address', async ({ page }) => {
  await page.goto('/jobs')
  await page.getByLabel('State').selectOption('failed')
  await expect(page).toHaveURL(/state=failed/)
  await page.reload()
  await expect(page.getByLabel('State')).toHaveValue('failed')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/jobs$/)
})

test('a lost connection is told, and goes away by itself', async ({ page, context }) => {
  await page.goto('/')
  await expect(page.locator(`[data-stack="${STACK}"]`)).toBeVisible()
  await page.route('**/api/v1/events**', (route) => route.abort())
  await page.reload()
  await expect(page.getByText('Connection lost.')).toBeVisible()
  await page.unroute('**/api/v1/events**')
  await expect(page.getByText('Connection lost.')).toBeHidden({ timeout: 30_000 })
  expect(context.pages()).toHaveLength(1)
})

test('keyboard alone: skip link, select, dialog, and back', async ({ page }) => {
  await page.goto('/')
  const box = page.getByRole('checkbox', { name: `Select ${STACK}`, exact: true })
  await expect(box).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await box.focus()
  await page.keyboard.press('Space')
  const start = page.getByRole('button', { name: 'Back up', exact: true })
  await start.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alertdialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(start).toBeFocused()
})

test('the theme is chosen in a menu and kept', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('button', { name: /^Theme/ }).click()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  await expect(page.locator('html')).toHaveClass(/dark/)
  await page.reload()
  await expect(page.locator('html')).toHaveClass(/dark/)
})

test('the API documentation is there', async ({ page }) => {
  const answer = await page.request.get('/swagger-ui/')
  expect(answer.status()).toBe(200)
  expect(await answer.text()).toContain('swagger')
})

test('a script that did not come is asked for again', async ({ page }) => {
  let failures = 0
  await page.route('**/assets/*.js', (route) => {
    if (failures > 0) return route.continue()
    failures += 1
    return route.abort()
  })
  await page.goto('/jobs')
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible()
  expect(failures).toBe(1)
})

test('a service that is gone: what was there stays, what was not is told, and both come back', async ({ page }) => {
  await page.goto('/')
  await expect(page.locator(`[data-stack="${STACK}"]`)).toBeVisible()
  // As some proxies answer in the place of a service that is down: with nothing but the status.
  await page.route('**/api/v1/**', (route) => route.fulfill({ status: 502, body: '' }))
  await page.getByRole('link', { name: 'Snapshots' }).click()
  await expect(page.getByText('The snapshots could not be loaded')).toBeVisible()
  await shoot(page, 'gone')
  await page.getByRole('link', { name: 'Overview', exact: true }).click()
  await expect(page.locator(`[data-stack="${STACK}"]`)).toBeVisible()
  await page.unroute('**/api/v1/**')
  await page.getByRole('link', { name: 'Snapshots' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Snapshots' })).toBeVisible()
  await expect(page.getByText('The snapshots could not be loaded')).toBeHidden()
})
