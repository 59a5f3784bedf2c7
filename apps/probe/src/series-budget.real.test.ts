// The series budget of the architecture, over HTTP, on an agent whose only peer makes up a hundred thousand texts.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { checkMetrics, loopbackAddress, overBudget, readExposition, type Series } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { startHostilePeer } from './test-support/hostile-peer.ts'

const TEXTS = 100_000
const DOMAINS = Array.from({ length: 100 }, (_, at) => `department-${at}.example`)
/** What an agent says of each domain. */
const PER_DOMAIN = ['dialtone_srv_health', 'dialtone_s2s_reachable', 'dialtone_last_observation_timestamp_seconds']

it('a hundred thousand made-up texts make no series, and no domain has more than its budget', async () => {
  const address = loopbackAddress()
  const peer = await startHostilePeer(address)
  onTestFinished(peer.close)
  const child = fork(join(import.meta.dirname, 'test-support/agent-process.ts'), [address, String(peer.port), DOMAINS.join(',')])
  onTestFinished(() => { child.disconnect() })
  const [{ url }] = await once(child, 'message') as [{ url: string }]

  // When every way that the peer answers has been met, nothing new may come.
  await until(() => peer.sent() > TEXTS / 4 && peer.keysAnswered() > 50)
  const early = await scrape(url)
  const probed = await Promise.all(DOMAINS.slice(0, 40).map(domain => textOf(`${url}/probe?module=s2s&target=${domain}`)))
  await until(() => peer.sent() >= TEXTS)
  const late = await scrape(url)

  for (const text of [late.text, ...probed]) expect(text).not.toContain(peer.mark)
  // They were read as what they are, and not thrown away as no XML.
  expect(probed.some(text => text.includes('probe_sasl_mechanism_offered{mechanism="other"} 1'))).toBe(true)
  expect(overBudget(late.series)).toEqual([])
  for (const name of PER_DOMAIN) expect([name, late.series.filter(each => each.name === name).length]).toEqual([name, DOMAINS.length])
  const others = (series: readonly Series[]) => series.filter(({ labels }) => labels['domain'] === undefined)
  expect(others(late.series).length).toBeLessThan(1500)
  expect(others(late.series).length - others(early.series).length).toBeLessThan(60)
  expect(late.series.filter(({ name }) => name === 'dialtone_metrics_refused_total')).toEqual([])
  expect(await checkMetrics(late.text)).toMatchObject({ valid: true })
}, 300_000)

async function until (enough: () => boolean): Promise<void> {
  const end = performance.now() + 120_000
  while (!enough()) {
    if (performance.now() > end) throw new Error('the agent did not meet enough in two minutes')
    await pause(50)
  }
}

async function scrape (url: string): Promise<{ text: string, series: Series[] }> {
  const text = await textOf(`${url}/metrics`)
  return { text, series: readExposition(text) }
}

async function textOf (url: string): Promise<string> {
  return (await fetch(url)).text()
}
