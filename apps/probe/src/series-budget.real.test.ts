// The series budget of the architecture, over HTTP, on a process that is fed a hundred thousand texts that a peer made up.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { checkMetrics, loopbackAddress, overBudget, readExposition, type Series } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { startHostilePeer } from './test-support/hostile-peer.ts'

const TEXTS = 100_000
const DOMAINS = Array.from({ length: 50 }, (_, at) => `department-${at}.example`)
const AT_ONCE = 16

it('a hundred thousand made-up texts make no series, and no domain has more than its budget', async () => {
  const address = loopbackAddress()
  const peer = await startHostilePeer(address)
  onTestFinished(peer.close)
  const child = fork(join(import.meta.dirname, 'test-support/agent-process.ts'), [address, String(peer.port), DOMAINS.join(',')])
  onTestFinished(() => { child.disconnect() })
  const [{ url }] = await once(child, 'message') as [{ url: string }]

  // After every way that the peer answers has been seen, nothing new may come.
  const understood = await probeUntil(url, () => peer.sent() > TEXTS / 10)
  const early = await scrape(url)
  await probeUntil(url, () => peer.sent() >= TEXTS)
  const late = await scrape(url)

  expect(peer.sent()).toBeGreaterThanOrEqual(TEXTS)
  // They were read as what they are, and not thrown away as no XML.
  expect(understood).toBeGreaterThan(10)
  expect(late.text).not.toContain(peer.mark)
  expect(overBudget(late.series)).toEqual([])
  expect(late.series.length).toBeLessThan(2000)
  expect(names(late.series)).toEqual(names(early.series))
  expect(late.series.length - early.series.length).toBeLessThan(20)
  expect(late.series.filter(({ name }) => name === 'dialtone_metrics_refused_total')).toEqual([])
  expect(await checkMetrics(late.text)).toMatchObject({ valid: true })
}, 300_000)

/** Every answer is looked at as well. Resolves to how many told of a mechanism that nobody knows. */
async function probeUntil (url: string, enough: () => boolean): Promise<number> {
  let next = 0
  let understood = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (!enough()) {
      const domain = DOMAINS[next++ % DOMAINS.length] ?? ''
      const text = await (await fetch(`${url}/probe?module=s2s&target=${domain}`)).text()
      if (!/^probe_success [01]$/m.test(text) || text.includes('zq')) throw new Error(`not an answer: ${text.slice(0, 2000)}`)
      if (text.includes('mechanism="other"} 1')) understood += 1
    }
  }))
  return understood
}

async function scrape (url: string): Promise<{ text: string, series: Series[] }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return { text, series: readExposition(text) }
}

function names (series: readonly Series[]): string[] {
  return [...new Set(series.map(({ name }) => name))].sort()
}
