import { OUTCOMES } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { Ledger } from './outcome.ts'

it('adds up as long as whoever moves a stanza changes two numbers, and says what is missing otherwise', () => {
  const ledger = new Ledger()
  for (const outcome of OUTCOMES) {
    ledger.accepted++
    expect(ledger.missing).toBe(1)
    ledger.queued++
    expect(ledger.missing).toBe(0)
    ledger.queued--
    ledger.onStream++
    ledger.onStream--
    ledger.outcomes[outcome]++
    expect(ledger.missing).toBe(0)
  }
  expect(ledger.conservation()).toEqual({ accepted: 6, outcomes: { acknowledged: 1, written: 1, 'unknown-fate': 1, bounced: 1, expired: 1, 'dropped-by-rule': 1 }, queued: 0, onStream: 0, retried: 0 })
})
