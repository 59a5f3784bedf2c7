import { expect, it } from 'vitest'
import { firstProblem } from './problem.ts'
import { Finding } from './report.ts'

it('names the field that is wrong', () => {
  expect(firstProblem(Finding, { check: 's2s.x', outcome: 'a', level: 'bad', says: '', vantage: 'here' })).toMatch(/\/level/)
  expect(firstProblem(Finding, null)).toMatch(/the whole/)
})

it('finds nothing wrong with what has the shape', () => {
  expect(firstProblem(Finding, { check: 's2s.x', outcome: 'a', level: 'ok', says: '', vantage: 'here' })).toBeUndefined()
})
