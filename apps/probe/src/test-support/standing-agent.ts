// The health of an agent on a host of a test network: `RESOLVER DOMAINS [SOURCE]`. A line on its input is done and answered by one of JSON: `check` looks at the domains
// first and tells its health of it, `look` does not.
import { createInterface } from 'node:readline'
import { NO_METER } from '@dialtone/kernel'
import { observe, requestFor } from '@dialtone/ladder'
import { createHealth } from '../health/health.ts'

const [address = '', domains = '', sourceAddress] = process.argv.slice(2)
const resolver = { address, port: 53 }
const health = createHealth({
  clock: { now: () => Date.now(), elapsed: () => performance.now() }, meter: NO_METER, everyMs: 0, labels: { vantage: 'here', agent: 'one' },
  bus: { connected: false, request: async () => ({ failed: 'disconnected', says: 'there is no bus' }) },
  // What the machine of a test is busy with is not the matter here.
  loop: { peek: () => 0, take: () => 0, stop: () => undefined },
  vantage: () => ({ resolver, controlName: '.', ...(sourceAddress === undefined ? {} : { sourceAddress }) }),
})
for await (const line of createInterface({ input: process.stdin })) {
  const met = line === 'check' ? await Promise.all(domains.split(',').map(look)) : []
  await health.look()
  console.log(JSON.stringify({ met, aside: health.aside() ?? 'nothing', says: health.findings().map(({ says }) => says) }))
}
await health.stop()

/** How far it got: what the check is for is not how it ends. */
async function look (domain: string): Promise<string> {
  const request = requestFor({ domain, vantage: 'here', resolver: { ...resolver, trusted: false }, allowNets: ['10.0.0.0/8'], families: [4], secondLooks: false, timeoutsMs: { dns: 800, tcp: 1500, stream: 1500, tls: 1500, close: 200 } })
  const observation = await observe(request, { signal: new AbortController().signal })
  health.note(observation)
  const tcp = observation.endpoints[0]?.steps.find(({ stage }) => stage === 'tcp')
  return tcp === undefined ? 'no endpoint' : tcp.failure?.why ?? tcp.outcome
}
