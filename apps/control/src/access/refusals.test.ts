import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { AuditRecord } from '../audit/audit.ts'
import { WINDOW_MS, createRefusals } from './refusals.ts'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function stand () {
  const entries: AuditRecord[] = []
  return { entries, says: () => entries.map(({ actor, subject, says }) => `${actor} ${subject} ${says}`), refusals: createRefusals({ record: async entry => { entries.push(entry) } }) }
}
const refused = (actor: string, subject: string) => ({ actor, role: 'viewer', subject, says: 'needs admin' })

it('the first is an entry at once, and the others of a minute are one with their number', async () => {
  const { entries, says, refusals } = stand()
  for (let times = 0; times < 1000; times++) await refusals.forbidden(refused('eve', 'POST /v1/reset'))
  await refusals.forbidden(refused('eve', 'POST /v1/apply'))
  await refusals.forbidden(refused('bob', 'POST /v1/reset'))
  expect(says()).toEqual(['eve POST /v1/reset needs admin', 'eve POST /v1/apply needs admin', 'bob POST /v1/reset needs admin'])
  await vi.advanceTimersByTimeAsync(WINDOW_MS)
  expect(says().slice(3)).toEqual(['eve POST /v1/reset 999 more within 60 s: needs admin'])
  expect(entries.every(({ action, outcome, role }) => action === 'forbidden' && outcome === 'refused' && role === 'viewer')).toBe(true)
  await refusals.forbidden(refused('eve', 'POST /v1/reset'))
  expect(entries).toHaveLength(5)
})

it('what was counted is written at the end', async () => {
  const { says, refusals } = stand()
  for (let times = 0; times < 3; times++) await refusals.forbidden(refused('eve', 'POST /v1/reset'))
  await refusals.stop()
  await vi.advanceTimersByTimeAsync(WINDOW_MS)
  expect(says()).toEqual(['eve POST /v1/reset needs admin', 'eve POST /v1/reset 2 more within 60 s: needs admin'])
})

it('many routes are bounded', async () => {
  const { entries, refusals } = stand()
  for (let at = 0; at < 5000; at++) await refusals.forbidden(refused('eve', `POST /${at}`))
  expect(entries.length).toBe(2001)
  await refusals.stop()
  expect(entries.slice(2001)).toMatchObject([{ actor: 'eve', subject: 'several routes', says: expect.stringContaining('2999 more') }])
})
