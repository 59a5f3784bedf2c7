// From what gateways tell of their way to the server of a domain, to what is said of the domain, and its end.
import { openStore } from '@dialtone/store'
import { domainTokens, type PairFacts } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { expect, it, onTestFinished } from 'vitest'
import { createAnalysis } from './analysis.ts'
import { keyOf } from './board.ts'
import { takePairFacts } from './pair-facts.ts'
import { createSlices } from './slices.ts'
import { OURS, PEER, T0, counts, delivery, handClock, seen, usualConfiguration } from './test-support/rig.ts'

const time = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString()

it('a domain whose gateway does not reach its server is down until it does', async () => {
  const { tell, until, said } = start('edge')
  await until(60)
  expect(said()).toEqual(['up', 'healthy'])
  tell(61, 'edge', { failedAt: time(60), reason: 'unreachable' })
  await until(120)
  expect(said()).toEqual(['down', 'service.down'])
  tell(121, 'edge', { readyAt: time(120) })
  await until(180)
  expect(said()).toEqual(['up', 'healthy'])
})

it('where nothing comes any more it ends a quarter of an hour after the last attempt, within five minutes', async () => {
  const { tell, until, said } = start('edge')
  tell(61, 'edge', { failedAt: time(60), reason: 'unreachable' })
  await until(60 + 15 * 60)
  expect(said()).toEqual(['down', 'service.down'])
  await until(60 + 21 * 60)
  expect(said()).toEqual(['up', 'healthy'])
})

it('one of two that reaches it makes it degraded, as soon as it carries', async () => {
  const { tell, until, said } = start('edge', 'core')
  for (const gateway of ['edge', 'core']) tell(1, gateway, { readyAt: time(0) })
  await until(3600)
  tell(3601, 'edge', { readyAt: time(0), failedAt: time(3600), reason: 'unreachable' })
  await until(3660)
  expect(said()).toEqual(['down', 'service.down'])
  tell(3661, 'core', { readyAt: time(0) }, { lastStanzaAt: time(3660) })
  await until(3720)
  expect(said()).toEqual(['degraded', 'service.down'])
})

/** Two vantages outside reach the gateway all the time. */
function start (...gateways: readonly string[]) {
  const [clock, meter, configuration] = [handClock(), counts(), usualConfiguration()]
  const store = openStore({ file: ':memory:', clock })
  onTestFinished(() => { store.close() })
  for (const name of gateways) configuration.put('Gateway', name, { desired: 'running', zones: [{ name: 'inside', side: 'internal', listen: [], domains: [OURS] }] })
  const analysis = createAnalysis({ store, configuration, slices: createSlices(clock), meter, logger: NO_LOGGER, clock })
  analysis.configured([])
  let [now, observed, told] = [0, 0, 0]
  return {
    until: async (seconds: number) => {
      for (; now < seconds; now += 60) {
        await analysis.take(['north', 'south'].map(vantage => delivery(seen({ vantage, domain: OURS, job: 'own-published', at: now, id: `observed-${++observed}` }), observed)))
        await analysis.pass(T0 + (now + 60) * 1000)
      }
    },
    tell: (seconds: number, gateway: string, inside: PairFacts['inside'], inbound: PairFacts['inbound'] = {}) => {
      const body: PairFacts = {
        v: 1, id: `facts-${1000 + ++told}`, gateway, at: time(seconds), startedAt: time(-10), ours: OURS, peer: PEER, inbound, outbound: {}, ...(inside === undefined ? {} : { inside }),
        asked: { valid: 0, invalid: 0, refused: 0 }, shown: { valid: 0, invalid: 0, failed: 0 }, bounces: {}, policy: { action: 'allow', shadowed: 0, refused: 0 },
        stanzas: { in: 0, out: 0, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 } },
      }
      takePairFacts([{ body, id: body.id, key: [gateway, ...domainTokens(PEER)], seq: told, at: time(seconds) }], { store, analysis, meter })
    },
    said: () => {
      const half = analysis.board.get(keyOf({ domain: OURS }))?.halves[0]
      return [half?.state, half?.cause]
    },
  }
}
