/**
 * The fleet against an organisation's site: what breaks there is named by control from all vantages together, and the API, the metrics and a real
 * Prometheus say the same. What is named of many more breaks, tools/lab/matrix tries. Then the faults of the fleet itself: nothing that was observed is lost or doubled.
 */
import type { OverviewRow } from '@dialtone/contracts'
import { SITE_DOMAINS, startPrometheus, type Prometheus } from '@dialtone/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFleetSite, type FleetSite } from './test-support/fleet-site.ts'

const { ours, partner, provider } = SITE_DOMAINS
let fleet: FleetSite
let prometheus: Prometheus

beforeAll(async () => {
  fleet = await startFleetSite()
  prometheus = await startPrometheus({
    scrape: [
      { job: 'control', targets: [hostOf(fleet.controls[0].url)], bearerToken: fleet.token },
      { job: 'agents', targets: Object.values(fleet.agents).map(({ metricsUrl }) => hostOf(metricsUrl)) },
    ],
  })
}, 120_000)
afterAll(async () => {
  await prometheus?.stop()
  await fleet?.stop()
}, 60_000)

it('finds everything healthy before anything breaks', async () => {
  await healthy()
  await agreed(ours, undefined, 'healthy')
}, 120_000)

/** Breaks one thing, says whose verdict tells which cause, heals it. */
type Break = { what: string, breaks: () => unknown, heals: () => unknown, named: readonly { peer?: string, cause: string, side: OverviewRow['side'], state: OverviewRow['state'] }[] }

const BREAKS: readonly Break[] = [
  {
    what: 'the firewall drops what goes out to port 5269', breaks: () => { outbound = fleet.site.blockOutbound() }, heals: () => outbound?.lift(),
    named: [{ cause: 'path.outbound-blocked', side: 'path', state: 'down' }],
  },
  {
    what: 'the service is stopped', breaks: () => fleet.site.stopService(), heals: () => fleet.site.startService(),
    named: [{ cause: 'service.down', side: 'ours', state: 'down' }],
  },
  {
    what: 'the resolver of the inside is dead', breaks: () => { resolver = fleet.site.blockResolver() }, heals: () => resolver?.lift(),
    named: [{ cause: 'dns.resolver-unavailable', side: 'ours', state: 'down' }],
  },
  {
    what: 'the record names a wrong address', breaks: () => fleet.site.publish(['_xmpp-server._tcp SRV 0 5 5269 xmpp', 'xmpp A 203.0.113.99']), heals: () => fleet.site.publish(fleet.site.records),
    named: [{ cause: 'dns.address-unexpected', side: 'ours', state: 'down' }],
  },
]
let outbound: { lift: () => void } | undefined
let resolver: { lift: () => void } | undefined

describe('names what broke', () => {
  for (const { what, breaks, heals, named } of BREAKS) {
    it(`${what}: ${named.map(({ cause }) => cause).join(', ')}`, async () => {
      await breaks()
      try {
        for (const { peer, ...expected } of named) {
          const row = await fleet.until(ours, peer, ({ cause, state }) => cause === expected.cause && state === expected.state)
          expect(row).toMatchObject(expected)
          await agreed(ours, peer, expected.cause)
        }
      } finally {
        await heals()
      }
      await healthy()
    }, 180_000)
  }
})

/** Every domain and pair is well. */
async function healthy (): Promise<void> {
  await fleet.until(ours, undefined, ({ cause }) => cause === 'healthy')
  for (const peer of [partner, provider]) await fleet.until(ours, peer, ({ out }) => out?.cause === 'healthy')
}

/** Both controls, and Prometheus after a scrape, say the same. */
async function agreed (domain: string, peer: string | undefined, cause: string): Promise<void> {
  await fleet.until(domain, peer, row => row.cause === cause, { control: 1 })
  const series = `dialtone_cause_info{domain="${domain}",peer="${peer ?? ''}"}`
  await prometheus.until(series, samples => samples.length > 0 && samples.every(({ labels }) => labels['cause'] === cause))
}

function hostOf (url: string): string {
  return new URL(url).host
}
