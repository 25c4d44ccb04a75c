/**
 * The browser tests drive the true service, which the runner script has started. They find it, its password and a
 * stack that runs in the environment: MAINSTAY_E2E_URL, MAINSTAY_E2E_PASSWORD, MAINSTAY_E2E_STACK.
 * The browser is the system's Chromium; CHROMIUM names another one. Nothing is downloaded.
 */
import { defineConfig, devices } from '@playwright/test'
import { setting } from './browser/support/settings'

const launchOptions = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

export default defineConfig({
  testDir: 'browser',
  outputDir: 'test-results',
  // One stack is backed up by several tests, and a stack takes one job at a time.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: { baseURL: setting('MAINSTAY_E2E_URL'), actionTimeout: 20_000, trace: 'retain-on-failure', launchOptions },
  projects: [
    { name: 'sign-in', testMatch: 'sign-in.setup.ts' },
    {
      name: 'desktop',
      dependencies: ['sign-in'],
      testIgnore: 'phone.spec.ts',
      use: { ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } },
    },
    {
      name: 'phone',
      dependencies: ['sign-in'],
      testMatch: ['backup.spec.ts', 'looks.spec.ts', 'phone.spec.ts'],
      use: { ...devices['Pixel 7'] },
    },
  ],
})
