import {
  axeFindings,
  expect,
  newestJob,
  STACK,
  shoot,
  startBackup,
  test,
  waitUntilIdle,
} from './support/test'

const PAGES: readonly { name: string; path: string; ready: string }[] = [
  { name: 'overview', path: '/', ready: 'Recent jobs' },
  { name: 'stacks', path: '/stacks', ready: 'Stacks' },
  { name: 'stack', path: `/stacks/${encodeURIComponent(STACK)}`, ready: 'Services' },
  { name: 'plans', path: '/plans', ready: 'Plans' },
  { name: 'plan', path: '/plans/nas', ready: 'Next runs' },
  { name: 'plan-new', path: '/plans/new', ready: 'New plan' },
  { name: 'instances', path: '/instances', ready: 'Instances' },
  { name: 'instance', path: '/instances/nas', ready: 'Retention' },
  { name: 'instance-new', path: '/instances/new', ready: 'New instance' },
  { name: 'jobs', path: '/jobs', ready: 'Jobs' },
  { name: 'snapshots', path: '/snapshots', ready: 'Snapshots' },
  { name: 'restore', path: `/restore?stack=${encodeURIComponent(STACK)}`, ready: `Restore ${STACK}` },
  { name: 'logs', path: '/logs', ready: 'System log' },
  { name: 'settings', path: '/settings', ready: 'Self-test' },
  { name: 'files', path: '/logs?tab=files', ready: 'Log files' },
  { name: 'not-found', path: '/no/such/page', ready: 'There is no such page' },
]

for (const theme of ['light', 'dark'] as const) {
  test.describe(theme, () => {
    test.use({ colorScheme: theme })

    for (const { name, path, ready } of PAGES) {
      test(`${name} has no serious finding`, async ({ page }) => {
        await page.goto(path)
        await expect(page.getByRole('heading', { name: ready, exact: true }).first()).toBeVisible()
        await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
        await expect(page.getByText('could not be loaded')).toHaveCount(0)
        await shoot(page, `${name}-${theme}`)
        expect(await axeFindings(page)).toEqual([])
      })
    }

    test('the dialog and a job have no serious finding', async ({ page }) => {
      await page.goto('/')
      await page.getByRole('checkbox', { name: `Select ${STACK}`, exact: true }).check()
      await page.getByRole('button', { name: 'Back up', exact: true }).click()
      await expect(page.getByRole('alertdialog')).toBeVisible()
      await page.evaluate(() =>
        Promise.all(document.getAnimations().map((motion) => motion.finished.catch(() => {}))),
      )
      expect(await axeFindings(page)).toEqual([])
      await page.keyboard.press('Escape')

      await startBackup(page)
      await waitUntilIdle(page)
      await page.goto(`/jobs/${(await newestJob(page)).id}`)
      await expect(page.getByText('Complete', { exact: true })).toBeVisible()
      await shoot(page, `job-${theme}`)
      expect(await axeFindings(page)).toEqual([])
    })
  })
}

test.describe('without a session', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('the sign-in has no serious finding', async ({ page }) => {
    await page.goto('/')
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
    await shoot(page, 'login')
    expect(await axeFindings(page)).toEqual([])
  })
})
