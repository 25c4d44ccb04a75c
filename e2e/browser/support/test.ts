/**
 * What every browser test has: a signed-in page that fails on errors of the page itself (exceptions, violations of the
 * content security policy, requests to another origin), and a few moves that several tests make.
 */
import AxeBuilder from '@axe-core/playwright'
import { test as base, expect, type Page } from '@playwright/test'
import { SESSION, setting } from './settings'

export { expect, type Page }
export const STACK = setting('MAINSTAY_E2E_STACK')
/** A stack that takes 8 s to stop. */
export const SLOW_STACK = setting('MAINSTAY_E2E_SLOW_STACK')
export const PASSWORD = setting('MAINSTAY_E2E_PASSWORD')
/** A second service, which has neither an engine nor a stack. */
export const LOST_URL = setting('MAINSTAY_E2E_LOST_URL')

export const test = base.extend({
  storageState: SESSION,
  page: async ({ page, baseURL }, use) => {
    const origin = new URL(baseURL ?? '').origin
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(`exception: ${error.message}`))
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) faults.push(message.text())
    })
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (/^http/.test(url.protocol) && url.origin !== origin) faults.push(`request to ${url.origin}`)
    })
    await use(page)
    expect(faults).toEqual([])
  },
})

/** Signs in with `password` on the sign-in page that is open. */
export async function signIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Waits until no job of `stack` is at work: a stack takes one at a time. */
export async function waitUntilIdle(page: Page, stack = STACK): Promise<void> {
  for (const state of ['queued', 'running']) {
    await expect(async () => {
      const answer = await page.request.get(`/api/v1/jobs?state=${state}&stack=${encodeURIComponent(stack)}`)
      expect(answer.status()).toBe(200)
      expect((await answer.json()).items).toEqual([])
    }).toPass({ timeout: 60_000 })
  }
}

/** Backs `stack` up from the dashboard, through the dialog. */
export async function startBackup(page: Page, stack = STACK): Promise<void> {
  await waitUntilIdle(page, stack)
  await page.goto('/')
  await page.getByRole('checkbox', { name: `Select ${stack}`, exact: true }).check()
  await page.getByRole('button', { name: 'Back up', exact: true }).click()
  const dialog = page.getByRole('alertdialog', { name: `Back up ${stack} now?` })
  await expect(dialog).toContainText(stack)
  await dialog.getByRole('button', { name: 'Start backup' }).click()
  await expect(page.getByText('Backup started')).toBeVisible()
}

/** The newest job of `stack`. */
export async function newestJob(page: Page, stack = STACK): Promise<{ id: string; state: string }> {
  const answer = await page.request.get(`/api/v1/jobs?limit=1&stack=${encodeURIComponent(stack)}`)
  const [job] = (await answer.json()).items
  expect(job).toBeDefined()
  return job
}

/** Serious and critical findings of axe on the page as it is now, one line each. */
export async function axeFindings(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  return violations
    .filter((found) => found.impact === 'serious' || found.impact === 'critical')
    .map((found) => `${found.impact} ${found.id}: ${found.nodes.map((node) => node.target).join(' | ')}`)
}

/** A picture for people to look at, in `shots/`. */
export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `shots/${name}-${test.info().project.name}.png`, fullPage: true })
}
