import { expect, it } from 'vitest'
import { retentionText } from './retention'

it.each([
  ['7d:4w:6m', '7 daily, 4 weekly and 6 monthly'],
  ['7d:0w:6m', '7 daily and 6 monthly'],
  ['last=7', 'the newest 7'],
  ['last=7,daily=14,within=90d', 'the newest 7, 14 daily and all of the last 90 days'],
  ['yearly=unlimited,within-weekly=1y6m', 'every yearly one and weekly ones of the last 1y6m'],
  ['daily=7,min_keep=3', '7 daily and never fewer than 3'],
  ['all', 'everything'],
  ['fortnightly=2', 'fortnightly=2'],
])('%s keeps %s', (rule, text) => expect(retentionText(rule)).toBe(text))
