import { NO_METER, type Labels } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { createBadTargets, type Place } from './bad-targets.ts'
import { LIMITS } from './limits.ts'

const PLACE: Place = { address: '192.0.2.1', port: 5269, kind: 'starttls' }

it('doubles the time at every failure, to an hour, and forgets it all after a success', () => {
  const { bad, at } = made()
  const waits = Array.from({ length: 9 }, () => {
    bad.mark('outside', PLACE, 'partner.example', false)
    return bad.waits('outside', PLACE, 'partner.example')
  })
  expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000, 3_600_000])
  bad.clear('outside', PLACE, 'partner.example')
  expect(bad.waits('outside', PLACE, 'partner.example')).toBeUndefined()
  bad.mark('outside', PLACE, 'partner.example', false)
  at.ms += 59_999
  expect(bad.waits('outside', PLACE, 'another.example')).toBe(1)
  at.ms += 1
  expect(bad.waits('outside', PLACE, 'partner.example')).toBeUndefined()
})

it('keeps zones, ports, kinds and what is about one domain alone apart', () => {
  const { bad } = made()
  bad.mark('outside', PLACE, 'partner.example', true)
  expect(bad.waits('outside', PLACE, 'partner.example')).toBe(60_000)
  expect([['inside', PLACE, 'partner.example'], ['outside', { ...PLACE, port: 5270 }, 'partner.example'], ['outside', { ...PLACE, kind: 'direct' }, 'partner.example'], ['outside', PLACE, 'another.example']]
    .map(([zone, place, domain]) => bad.waits(zone as string, place as Place, domain as string))).toEqual([undefined, undefined, undefined, undefined])
})

it('is bounded, counted by zone, and forgets what the operator names', () => {
  const { bad, gauge } = made(3)
  for (const last of [1, 2, 3, 4]) bad.mark('outside', { ...PLACE, address: `192.0.2.${last}` }, `p${last}.example`, false)
  expect(bad.size).toBe(3)
  expect(bad.waits('outside', PLACE, 'p1.example')).toBeUndefined()
  bad.mark('inside', PLACE, 'p5.example', false)
  expect(gauge).toEqual(new Map([['outside', 2], ['inside', 1]]))
  expect([bad.forget('outside', 'p5.example'), bad.forget(undefined, 'p5.example'), bad.forget('outside'), bad.forget()]).toEqual([0, 1, 2, 0])
  expect(gauge).toEqual(new Map([['outside', 0], ['inside', 0]]))
})

function made (badTargets = 100) {
  const at = { ms: 0 }
  const gauge = new Map<string, number>()
  const meter = { ...NO_METER, set: (_metric: unknown, { zone = '' }: Labels, value: number) => { gauge.set(zone, value) } }
  return { at, gauge, bad: createBadTargets({ clock: { now: () => 0, elapsed: () => at.ms }, meter }, { ...LIMITS, badTargets }) }
}
