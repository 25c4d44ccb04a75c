import { axeFindings, expect, type Page, STACK, shoot, test, waitUntilIdle } from './support/test'

/** Runs the plan of the open page, and follows its job to `outcome`. */
async function runNow(page: Page, plan: string, outcome: string): Promise<void> {
  await page.getByRole('button', { name: `Run ${plan} now` }).click()
  const dialog = page.getByRole('alertdialog', { name: `Run ${plan} now?` })
  await dialog.getByRole('button', { name: 'Start backup' }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Backup of ${plan}` })).toBeVisible()
  await expect(page.getByText(outcome, { exact: true }).first()).toBeVisible({ timeout: 60_000 })
}

test('a plan says what it would do before it was ever run', async ({ page }) => {
  await page.goto('/instances/nas')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Ready for a backup')).toBeVisible()
  await page.goto('/plans')
  const row = page.locator('[data-plan="nas"]')
  await expect(row).toContainText('every day at 02:00, Europe/Berlin')
  await row.getByRole('link', { name: 'nas', exact: true }).click()
  await expect(page.getByText('Plan from the configuration. It is changed there, not here.')).toBeVisible()
  await expect(page.getByText('2 daily, 1 weekly and 1 monthly')).toBeVisible()
  await expect(page.getByText(`${STACK}_data`)).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Next runs' })).toBeVisible()
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByText('Brought to rest, in this order')).toBeVisible()
  await expect(page.getByText(`stop container ${STACK}-db-1 within 5 s`)).toBeVisible()
  await expect(page.getByText('There are no snapshots of it yet.')).toBeVisible()
  await shoot(page, 'plan')
  expect(await axeFindings(page)).toEqual([])
})

test('a plan is run, and what it stored is found where it lies', async ({ page }) => {
  await waitUntilIdle(page)
  await page.goto('/plans/nas')
  await page.getByRole('button', { name: 'Run nas now' }).click()
  const dialog = page.getByRole('alertdialog', { name: 'Run nas now?' })
  await expect(dialog).toContainText('Containers that write to what is captured are stopped')
  await dialog.getByRole('button', { name: 'Not now' }).click()
  await runNow(page, 'nas', 'Succeeded')
  await expect(
    page.getByRole('region', { name: 'Log of Backup of nas' }).locator('[data-n]').first(),
  ).toBeVisible()
  await shoot(page, 'plan-job')
  await page.getByRole('link', { name: 'Open the plan' }).click()
  await expect(page.getByRole('link', { name: 'Backup of nas' }).first()).toBeVisible()

  await page.goto('/instances/nas')
  await page.getByRole('button', { name: 'Look' }).click()
  await expect(page.getByText('Complete', { exact: true }).first()).toBeVisible()
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByText(/^Keeps \d+ snapshots?, removes none\.$/)).toBeVisible()
  await expect(page.getByText('Kept', { exact: true }).first()).toBeVisible()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Ready for a backup')).toBeVisible()
  await shoot(page, 'instance')
  expect(await axeFindings(page)).toEqual([])
  await page.getByRole('button', { name: 'Check now' }).click()
  await expect(page.getByRole('heading', { name: 'Verify of nas' })).toBeVisible()
  await expect(page.getByText('Succeeded', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
})

for (const theme of ['light', 'dark'] as const) {
  test.describe(theme, () => {
    test.use({ colorScheme: theme })

    test('a wrong password is told wherever one asks, and by the job', async ({ page }) => {
      await page.goto('/instances/locked-out')
      const why = page.getByText(
        /The password does not open the repository at .*: set the right RESTIC_PASSWORD/,
      )
      for (const [ask, answer] of [
        ['Test connection', 'Not usable'],
        ['Preview', 'Retention could not be previewed'],
        ['Look', 'The snapshots could not be loaded'],
      ] as const) {
        const told = await why.count()
        await page.getByRole('button', { name: ask, exact: true }).click()
        await expect(page.getByText(answer)).toBeVisible()
        await expect(why).toHaveCount(told + 1)
      }
      await shoot(page, `instance-locked-out-${theme}`)
      expect(await axeFindings(page)).toEqual([])
      await runNow(page, 'locked-out', 'Failed')
      await expect(page.getByRole('alert')).toContainText('the password does not open the repository')
      await page.goto('/plans')
      await expect(page.locator('[data-plan="locked-out"]')).toContainText('nothing was touched')
    })

    test('a target that is gone is told before the run and after it', async ({ page }) => {
      await page.goto('/plans/half')
      await page.getByRole('button', { name: 'Preview' }).click()
      await expect(page.getByRole('button', { name: 'Look again' })).toBeVisible()
      await expect(page.getByText(`Volume ${STACK}_gone: there is no volume`).first()).toBeVisible()
      await shoot(page, `plan-half-${theme}`)
      expect(await axeFindings(page)).toEqual([])
      await waitUntilIdle(page)
      await runNow(page, 'half', 'Partial')
      await expect(page.getByText('Not captured', { exact: true })).toBeVisible()
      await page.goto('/instances')
      const row = page.locator('[data-instance="half"]')
      await expect(row.getByRole('link', { name: 'Partial' })).toBeVisible()
      await expect(row).toContainText('there is no volume')
      await shoot(page, `instances-troubled-${theme}`)
      expect(await axeFindings(page)).toEqual([])
    })
  })
}

test('a plan without targets warns in the list, and cannot be run', async ({ page }) => {
  await page.goto('/plans')
  const row = page.locator('[data-plan="idle"]')
  await expect(row).toContainText('It captures nothing')
  await expect(row.getByRole('button', { name: 'Run idle now' })).toBeDisabled()
})

test('an image that is not there is told by the test of its instance', async ({ page }) => {
  await page.goto('/instances')
  await page.getByRole('link', { name: 'own-tool', exact: true }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Not usable')).toBeVisible()
  await expect(page.getByText(/mainstay-test\/nowhere:local/).last()).toBeVisible()
  await expect(page.getByText('Left to the image')).toBeVisible()
  await shoot(page, 'instance-broken')
  expect(await axeFindings(page)).toEqual([])
})

test('unknown plans and instances say so', async ({ page }) => {
  for (const what of ['plan', 'instance']) {
    await page.goto(`/${what}s/no-such-${what}`)
    await expect(page.getByRole('heading', { name: `There is no such ${what}` })).toBeVisible()
  }
})
