/** What the runner script tells. A missing value is a failure with its name, never a skipped test. */
export function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; start the browser tests through e2e/browser.sh`)
  return value
}

/** The session that `sign-in.setup.ts` leaves behind. */
export const SESSION = 'test-results/.session/session.json'
