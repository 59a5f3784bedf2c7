/**
 * No Grafana runs here. What can be proved without one: a real Prometheus that scrapes a real fleet answers every query of every panel and every rule, and says what the
 * API of control says.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Agents, GatewayView, Overview, OverviewRow, QueueView, Summary } from '@dialtone/contracts'
import type { Sample } from '@dialtone/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CAUSE_ALERTS, alertRules, type CauseAlert } from '../alerting/index.ts'
import { ruleFile } from './alert-rules.ts'
import { catalogue } from './catalogue.ts'
import { DASHBOARDS } from './dashboards.ts'
import { dashboardOf } from './dashboard.ts'
import { lintExpression } from './lint.ts'
import { ask, queriesOf, type Asking } from './test-support/asking.ts'
import { DEAD, startFleetAtWork, type FleetAtWork } from './test-support/fleet-at-work.ts'

/** What the variables say: a pair of the demo that works with a fault, everything else. */
const VALUES = { domain: 'ours.example', peer: 'expiring.example', vantage: '.*', instance: '.*', job: '.*' }
const PATIENCE_MS = 90_000
const POLL = { timeout: PATIENCE_MS, interval: 500 }
const metrics = catalogue()
let fleet: FleetAtWork

beforeAll(async () => {
  fleet = await startFleetAtWork()
  // Something is refused, and everything in the demo has a name.
  await fleet.knock()
  await vi.waitFor(async () => {
    const { states, causes } = await summary()
    expect(states.unknown).toBe(0)
    expect(Object.keys(causes).length).toBeGreaterThan(20)
  }, { timeout: 180_000, interval: 500 })
}, 240_000)
afterAll(async () => { await fleet?.stop() }, 60_000)

for (const spec of Object.values(DASHBOARDS)) {
  it(`every query of "${spec.title}" is answered`, async () => {
    for (const query of queriesOf(spec)) {
      // What has not happened yet has no series; the linter sees to it that it exists.
      if (query.mayBeEmpty !== undefined) await ask(fleet.prometheus, query, VALUES)
      else await expect.poll(() => ask(fleet.prometheus, query, VALUES).then(found => found.length), { ...POLL, message: `${query.panel} ${query.refId}: ${query.expr}` }).toBeGreaterThan(0)
    }
  }, 2 * PATIENCE_MS)
}

it('every query of a variable has values', async () => {
  for (const { variables } of Object.values(DASHBOARDS)) {
    for (const { name, values } of variables) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(values) ?? []
      const found = await ask(fleet.prometheus, { expr: `group by (${label}) (${selector})`, overTime: false }, VALUES)
      expect(found.filter(({ labels }) => (labels[label] ?? '') !== ''), name).not.toEqual([])
    }
  }
})

describe('says what the API says', () => {
  it('states, causes and incidents', async () => {
    await agrees(async () => (await summary()).states, async () => byLegend(await answers('Domains and pairs by state')))
    await agrees(async () => Object.fromEntries(Object.entries((await summary()).causes).filter(([cause]) => cause !== 'healthy')), async () => Object.fromEntries((await samples('Causes')).map(({ labels, value }) => [labels['cause'], value])))
    await agrees(async () => (await summary()).incidents, async () => Object.fromEntries((await samples('Incidents that are not over')).map(({ labels, value }) => [labels['state'], value])))
  }, 4 * PATIENCE_MS)

  it('who is worst, by which cause, since when', async () => {
    const word = { down: '1 down', unknown: '2 unknown', degraded: '3 degraded', up: '' }
    await agrees(
      async () => (await overview()).filter(({ state }) => state !== 'up').map(({ domain, peer, state, cause, side, since }) => [domain, peer, word[state], cause, side, Date.parse(since)].join(' ')).toSorted(),
      async () => (await samples('Worst first')).map(({ labels: { domain, peer, state, cause, side }, value }) => [domain, peer, state, cause, side, value].join(' ')).toSorted(),
    )
  }, PATIENCE_MS)

  it('one pair: state, cause, and when its certificate ends', async () => {
    const row = async () => (await overview()).find(({ domain, peer }) => domain === VALUES.domain && peer === VALUES.peer)
    await agrees(async () => ({ cause: (await row())?.cause, side: (await row())?.side }), async () => {
      const [{ labels } = { labels: {} as Record<string, string> }] = await samples('Cause of the pair')
      return { cause: labels['cause'], side: labels['side'] }
    })
    expect((await samples('State of the pair'))[0]?.value).toBe(1)
    const left = (await samples('Certificate of the peer ends in'))[0]?.value ?? NaN
    const says = /it ends on (\d{4}-\d\d-\d\d)/.exec((await row())?.sentence ?? '')?.[1]
    expect(new Date(Date.now() + left * 1000).toISOString().slice(0, 10)).toBe(says)
    expect((await samples('Certificates ending soon')).map(({ labels }) => labels['peer'])).toEqual(expect.arrayContaining(['expired.example', 'expiring.example']))
  }, PATIENCE_MS)

  it('agents and targets', async () => {
    await agrees(async () => (await fleet.api<Agents>('/v1/agents')).agents.length, async () => (await samples('Agents that tell of themselves')).find(({ labels }) => labels['state'] === 'running')?.value)
    await agrees(async () => (await fleet.api<Agents>('/v1/agents')).agents.reduce((sum, { targets }) => sum + targets.mine, 0), async () => byLegend(await answers('Targets'))['mine'])
  }, 2 * PATIENCE_MS)

  it('what waits at the gateway, and that nothing is lost', async () => {
    const gateways = async () => (await fleet.api<{ status: GatewayView[] }>('/v1/gateways')).status
    const queues = async () => (await fleet.api<{ queues: QueueView[] }>('/v1/gateways/edge/queues')).queues
    await expect.poll(async () => (await queues()).find(({ to }) => to === DEAD)?.stanzas, POLL).toBeGreaterThan(0)
    await agrees(async () => (await queues()).reduce((sum, { stanzas }) => sum + stanzas, 0), async () => (await samples('Stanzas that wait'))[0]?.value)
    await agrees(async () => (await queues()).find(({ to }) => to === DEAD)?.stanzas, async () => (await samples('Peers that stanzas wait for')).find(({ labels }) => labels['peer'] === DEAD)?.value)
    for (const { value } of await samples('Not accounted for')) expect(value).toBe(0)
    expect((await samples('Bounces by reason')).map(({ labels }) => labels['reason'])).toContain('policy-deny')
    // On a machine with too much to do a gateway may say that it is not well.
    const asWanted = (each: GatewayView) => each.desired === 'running' && each.state === 'running' && each.healthy
    await agrees(async () => {
      const all = await gateways()
      const [well, not] = [all.filter(asWanted), all.filter(each => each.desired === 'running' && !asWanted(each))]
      return { 'as wanted': well.length, 'wanted, not running': not.length, 'not wanted': all.length - well.length - not.length }
    }, async () => byLegend(await answers('Wanted, and running')))
  }, 4 * PATIENCE_MS)
})

describe('alert rules', () => {
  const rules = ruleFile(Object.values(DASHBOARDS).map(spec => dashboardOf(spec))).groups.flatMap(group => group.rules)
  const exprOf = (uid: string) => (rules.find(rule => rule.uid === uid)?.data[0]?.model as { expr?: string } | undefined)?.expr ?? ''

  it('every rule is answered, with 1 for each alert whatever its expression is', async () => {
    for (const { uid } of rules) {
      const found = await fleet.prometheus.query(exprOf(uid))
      expect(found.filter(({ value }) => value !== 1), uid).toEqual([])
      expect(lintExpression(exprOf(uid), metrics), uid).toEqual([])
    }
  })

  for (const [name, causes] of Object.entries(CAUSE_ALERTS) as [CauseAlert, readonly string[]][]) {
    it(`${name} is of what the API gives its causes`, async () => {
      const ids = alertRules().filter(rule => rule.name === name).map(({ id }) => `dlt-${id.replace('Dialtone', '')}`)
      await agrees(
        async () => (await overview()).filter(({ cause, state }) => causes.includes(cause) && state !== 'up').map(({ domain, peer, cause }) => [domain, peer, cause].join(' ')).toSorted(),
        async () => [...new Set((await Promise.all(ids.map(uid => fleet.prometheus.query(exprOf(uid))))).flat().map(({ labels: { domain, peer, cause } }) => [domain, peer, cause].join(' ')))].toSorted(),
      )
    }, PATIENCE_MS)
  }
})

async function overview (): Promise<OverviewRow[]> {
  return (await fleet.api<Overview>('/v1/overview?limit=1000')).domains
}

async function summary (): Promise<Summary> {
  return await fleet.api<Summary>('/v1/summary')
}

/** Both say the same, asked again and again while the fleet moves. */
async function agrees (api: () => Promise<unknown>, prometheus: () => Promise<unknown>): Promise<void> {
  const seen = { api: undefined as unknown, prometheus: undefined as unknown }
  await expect.poll(async () => {
    seen.api = await api()
    seen.prometheus = await prometheus()
    return isDeepStrictEqual(seen.prometheus, seen.api) ? 'the same' : JSON.stringify(seen)
  }, POLL).toBe('the same')
}

async function answers (title: string): Promise<{ query: Asking, found: Sample[] }[]> {
  const queries = Object.values(DASHBOARDS).flatMap(queriesOf).filter(({ panel }) => panel === title)
  expect(queries, title).not.toEqual([])
  return await Promise.all(queries.map(async query => ({ query, found: await ask(fleet.prometheus, query, VALUES) })))
}

async function samples (title: string): Promise<Sample[]> {
  return (await answers(title)).flatMap(({ found }) => found)
}

function byLegend (of: { query: Asking, found: Sample[] }[]): Record<string, number | undefined> {
  return Object.fromEntries(of.map(({ query, found }) => [query.legend, found[0]?.value]))
}
