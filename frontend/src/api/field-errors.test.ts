import { expect, it } from 'vitest'
import { fieldErrors } from './field-errors'

const problem = {
  type: 'about:blank',
  title: 'Invalid body',
  status: 400,
  code: 'invalid_body',
  detail: 'the body is not valid: …',
  errors: [
    { name: 'schedule', pointer: '/schedule', detail: "'x' is no schedule" },
    { name: 'targets[1].name', pointer: '/targets/1/name', detail: 'no volume is called so' },
    { name: 'bogus', detail: 'unknown field' },
  ],
}

it('puts each error at its field, and those of parts at the whole', () => {
  const errors = fieldErrors(problem)
  expect(errors.at('/schedule')).toBe("'x' is no schedule")
  expect(errors.at('/targets/1')).toBe('No volume is called so')
  expect(errors.at('/targets/1', false)).toBeUndefined()
  expect(errors.at('/targets/10')).toBeUndefined()
  expect(errors.at('/timezone')).toBeUndefined()
})

it('tells the rest apart, so that nothing is lost', () => {
  expect(fieldErrors(problem).rest(['/schedule', '/targets'])).toEqual(['Unknown field'])
  expect(fieldErrors({ ...problem, errors: [], detail: 'the id is taken' }).rest([])).toEqual([
    'The id is taken',
  ])
  expect(fieldErrors(new TypeError('x')).rest([])).toHaveLength(1)
  expect(fieldErrors(null).rest([])).toEqual([])
})

it('forgets what was said of a field that was changed since', () => {
  const errors = fieldErrors(problem, (pointer) => pointer === '/schedule')
  expect(errors.at('/schedule')).toBeUndefined()
  expect(errors.at('/targets/1')).toBeDefined()
})
