/**
 * Three thousand domains and pairs, seen from three vantages, and two controls that tell of all of them and once disagree: no panel gets more series than a person can read,
 * each counts a domain once, and no query fails because two controls say different things. The expositions are made here; the Prometheus that answers is real.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CAUSES, STATES } from '@dialtone/contracts'
import { loopbackAddress, startPrometheus, type Prometheus } from '@dialtone/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { JOBS } from '../alerting/index.ts'
import { catalogue } from './catalogue.ts'
import { DASHBOARDS } from './dashboards.ts'
import { ask, queriesOf } from './test-support/asking.ts'

const SUBJECTS = 3000
const MOST_SERIES = 200
/** The one domain with all the peers. */
const HUB = 'hub.example'
const VALUES = { domain: HUB, peer: 'p7.example', vantage: '.*', instance: '.*', job: '.*' }
const VANTAGES = ['inside', 'outside-a', 'outside-b']
const AGENTS = Array.from({ length: 4 }, (_, at) => `agent-${at}`)
/** What other labels say. */
const WORDS = ['a', 'b', 'c', 'd']
const SINCE = Math.floor(Date.now() / 1000)
const metrics = catalogue()
const servers: Server[] = []
let prometheus: Prometheus

beforeAll(async () => {
  const controls = await Promise.all([exposing(0), exposing(1)])
  prometheus = await startPrometheus({ interval: 4, scrape: [{ job: JOBS.control, targets: controls }] })
  await prometheus.until('count(dialtone_state)', samples => samples[0]?.value === 2 * SUBJECTS, 120_000)
  // A rate needs two scrapes.
  await prometheus.until('count(rate(dialtone_gateway_stanzas_accepted_total[30s]))', samples => samples[0]?.value === 2, 60_000)
}, 200_000)
afterAll(async () => {
  await prometheus?.stop()
  for (const server of servers) server.close()
})

it('no panel has more series than fit, and every query has an answer', async () => {
  const empty: string[] = []
  const slowest: { ms: number, what: string }[] = []
  for (const spec of Object.values(DASHBOARDS)) {
    const series = new Map<string, number>()
    for (const query of queriesOf(spec)) {
      const began = performance.now()
      const found = await ask(prometheus, query, VALUES)
      slowest.push({ ms: performance.now() - began, what: `${query.dashboard} '${query.panel}' ${query.refId}` })
      series.set(query.panel, (series.get(query.panel) ?? 0) + found.length)
      // Every metric is there, so that what may be empty in a healthy fleet is not.
      if (found.length === 0) empty.push(`${query.dashboard} '${query.panel}' ${query.refId}`)
    }
    expect([...series].filter(([, count]) => count > MOST_SERIES), spec.title).toEqual([])
  }
  expect(empty).toEqual([])
  for (const { ms, what } of slowest.toSorted((a, b) => b.ms - a.ms).slice(0, 5)) console.info(`${ms.toFixed(0)} ms: ${what}`)
}, 300_000)

it('each domain and pair counts once, and the newest of the worst come first', async () => {
  const [states] = Object.values(DASHBOARDS).flatMap(queriesOf).filter(({ panel }) => panel === 'Domains and pairs by state')
  if (states === undefined) throw new Error('no such panel')
  expect((await ask(prometheus, states, VALUES))[0]?.value).toBe(SUBJECTS / STATES.length)
  const [worst] = Object.values(DASHBOARDS).flatMap(queriesOf).filter(({ panel }) => panel === 'Worst first')
  if (worst === undefined) throw new Error('no such panel')
  const down = (await ask(prometheus, worst, VALUES)).filter(({ labels }) => labels['state'] === '1 down')
  expect(down).toHaveLength(100)
  expect(Math.max(...down.map(({ value }) => value))).toBe((SINCE - STATES.indexOf('down')) * 1000)
  expect(Math.min(...down.map(({ value }) => value))).toBe((SINCE - STATES.indexOf('down') - 99 * STATES.length) * 1000)
})

/** `host:port` of a control; the first one exposes for everybody else, too. */
async function exposing (which: number): Promise<string> {
  const counts = (name: string) => /_(?:total|bucket|sum|count)$/.test(name)
  const families = [...metrics].filter(([name, labels]) => name !== 'up' && (which === 0 || labels.includes('peer') || !labels.includes('domain')))
  const still = families.filter(([name]) => !counts(name)).map(([name, labels]) => familyOf(name, labels, which)).join('')
  let scrapes = 0
  const server = createServer((_, response) => {
    scrapes++
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(still + families.filter(([name]) => counts(name)).map(([name, labels]) => familyOf(name, labels, which, scrapes)).join(''))
  })
  servers.push(server)
  const address = loopbackAddress()
  await new Promise<void>(resolve => { server.listen(0, address, resolve) })
  return `${address}:${(server.address() as AddressInfo).port}`
}

/** `value`: of metrics that are not of a domain. */
function familyOf (name: string, labels: readonly string[], which: number, value = 1): string {
  const others = labels.filter(label => !['domain', 'peer', 'cause', 'side'].includes(label) || !labels.includes('domain'))
  let combinations: Record<string, string>[] = [{}]
  for (const label of others) {
    const values = label === 'vantage' ? VANTAGES : label === 'agent' ? AGENTS : label === 'le' ? ['0.1', '1', '+Inf'] : label === 'which' ? ['mine', 'all', 'failing', 'overdue'] : label === 'cause' ? CAUSES : label === 'outcome' ? ['ok', ...WORDS.slice(1)] : WORDS
    combinations = combinations.flatMap(combination => values.map(value => ({ ...combination, [label]: value })))
  }
  if (!labels.includes('domain')) return combinations.map(combination => line(name, combination, value)).join('')
  return Array.from({ length: SUBJECTS }, (_, at) => combinations.map(combination => {
    const subject = labels.includes('peer') ? { domain: HUB, peer: at === 0 ? '' : `p${at}.example` } : { domain: at === 0 ? HUB : `p${at}.example` }
    // The controls disagree about the cause of one in a thousand.
    const cause = labels.includes('cause') ? { cause: CAUSES[(at + (at % 1000 === 0 ? which : 0)) % CAUSES.length] ?? '', side: 'peer' } : {}
    // And the vantages about what is reached.
    const seen = Math.max(0, VANTAGES.indexOf(combination['vantage'] ?? ''))
    return line(name, { ...subject, ...combination, ...cause }, valueOf(name, at + seen))
  }).join('')).join('')
}

function valueOf (name: string, at: number): number {
  if (name.endsWith('_info')) return 1
  if (name.endsWith('_state')) return at % STATES.length
  if (name === 'dialtone_state_since_timestamp_seconds') return SINCE - at
  if (name === 'dialtone_domain_certificate_end_timestamp_seconds') return SINCE + at * 3600
  return name.endsWith('_timestamp_seconds') ? SINCE : at % 2
}

function line (name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const text = Object.entries(labels).map(([label, of]) => `${label}="${of}"`).join(',')
  return `${name}${text === '' ? '' : `{${text}}`} ${value}\n`
}
