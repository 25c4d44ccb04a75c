import { axeFindings, expect, STACK, shoot, test } from './support/test'

const ID = `made-${Date.now()}`

test('a plan is refused where it is wrong, made, changed and removed', async ({ page }) => {
  await page.goto('/plans')
  await page.getByRole('link', { name: 'New plan' }).click()
  await page.getByLabel('Name', { exact: true }).first().fill('no good name')
  await page.getByLabel('Stored by the instance').selectOption('nas')
  await page.getByLabel('Kind').selectOption('volume')
  await page.getByLabel('Name', { exact: true }).nth(1).fill(`${STACK}_data`)
  await page.getByLabel('As cron').fill('99 2 * * *')
  await page.getByLabel('What is kept').fill('7x')
  await page.getByRole('button', { name: 'Make the plan' }).click()
  await expect(page.getByLabel('As cron')).toHaveAccessibleDescription(/the minute is '99'/)
  await expect(page.getByLabel('What is kept')).toHaveAccessibleDescription(/is no retention/)
  await expect(page.getByLabel('Name', { exact: true }).first()).toHaveAccessibleDescription(/is not allowed/)
  await shoot(page, 'plan-refused')
  expect(await axeFindings(page)).toEqual([])

  await page.getByLabel('Name', { exact: true }).first().fill(ID)
  await page.getByLabel('When it runs').selectOption('0 3 * * 0')
  await page.getByLabel('Time zone').fill('America/New_York')
  await page.getByLabel('What is kept').fill('last=3')
  await expect(page.getByText('Keeps the newest 3')).toBeVisible()
  await page.getByRole('button', { name: 'Make the plan' }).click()
  await expect(page.getByRole('heading', { level: 1, name: ID })).toBeVisible()
  await expect(page.getByText('In the zone of the plan, America/New_York.')).toBeVisible()
  await expect(page.getByText(/3:00 AM/).first()).toBeVisible()

  await page.getByRole('link', { name: 'Change' }).click()
  await expect(page.getByLabel('Time zone')).toHaveValue('America/New_York')
  await page.getByLabel('When it runs').selectOption('')
  await page.getByRole('button', { name: 'Save the plan' }).click()
  await expect(page.getByText('It runs only when somebody asks for it.')).toBeVisible()

  await page.getByRole('button', { name: `Remove ${ID}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page).toHaveURL(/\/plans$/)
  await expect(page.locator(`[data-plan="${ID}"]`)).toHaveCount(0)
})

test('an instance is made with a secret that is never shown again, and keeps it when changed', async ({ page }) => {
  const id = `${ID}-restic`
  await page.goto('/instances')
  await page.getByRole('link', { name: 'New instance' }).click()
  await page.getByLabel('Name', { exact: true }).first().fill(id)
  await page.getByLabel('Repository').fill(`/tmp/${id}`)
  await page.getByLabel('Value').fill('a secret of the test')
  await page.getByLabel('When it runs').selectOption('')
  await page.getByRole('button', { name: 'Make the instance' }).click()
  await expect(page.getByRole('heading', { level: 1, name: id })).toBeVisible()
  await expect(page.getByText('RESTIC_PASSWORD')).toBeVisible()

  await page.getByRole('link', { name: 'Change', exact: true }).click()
  await expect(page.getByLabel('Value')).toHaveValue('')
  expect(await page.content()).not.toContain('a secret of the test')
  await page.getByLabel('Leave out').fill('*.tmp')
  await page.getByRole('button', { name: 'Save the instance' }).click()
  await expect(page.getByText('*.tmp', { exact: true }).and(page.locator('dd'))).toBeVisible()
  const kept = await (await page.request.get(`/api/v1/instances/${id}`)).json()
  expect(kept).toMatchObject({ env_keys: ['RESTIC_PASSWORD'], exclude: ['*.tmp'] })

  await page.getByRole('button', { name: `Remove ${id}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.locator(`[data-instance="${id}"]`)).toHaveCount(0)
})

test('what stands in the configuration cannot be changed here, and says so', async ({ page }) => {
  await page.goto('/plans/nas')
  await expect(page.getByText('It is changed there, not here.')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Change' })).toHaveCount(0)
})
