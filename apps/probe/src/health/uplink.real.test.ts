// An agent on a host of its own, peers in three other networks and a resolver in a fourth: what breaks is broken at the router between them, or on its host.
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createNetwork, startKnot, type Block, type Network } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'

const AGENT = fileURLToPath(new URL('../test-support/standing-agent.ts', import.meta.url))
const PEERS = { 'a.example': '198.51.100.10', 'b.example': '10.1.0.10', 'c.example': '10.2.0.10' }
const RESOLVER = '10.3.0.53'
const [OWN, SECOND] = ['203.0.113.10', '203.0.113.11']
const ALL = ['ok', 'ok', 'ok']

it('a router that forwards nothing any more is no fault of the peers; when it does again, nothing is set aside', async () => {
  const { network, ask } = await place()
  expect(await ask('check')).toEqual({ met: ALL, aside: 'nothing', says: [] })
  const blocks = cut(network, [...Object.keys(PEERS), 'resolver'])
  expect(await ask('check')).toMatchObject({ aside: 'uplink', says: [expect.stringContaining('the way out of this place is broken') as string] })
  for (const block of blocks) block.lift()
  expect(await ask('check')).toEqual({ met: ALL, aside: 'nothing', says: [] })
})

it('a firewall that drops outbound 5269 is a fact about the network', async () => {
  const { network, ask } = await place()
  await ask('check')
  const blocks = cut(network, Object.keys(PEERS), 5269)
  expect(await ask('check')).toEqual({ met: ['timeout', 'timeout', 'timeout'], aside: 'nothing', says: [] })
  expect(blocks.every(block => block.packets() > 0)).toBe(true)
})

it('a resolver that died is a fact about the network', async () => {
  const { network, ask } = await place()
  await ask('check')
  cut(network, ['resolver'])
  expect(await ask('check')).toEqual({ met: ['no endpoint', 'no endpoint', 'no endpoint'], aside: 'nothing', says: [] })
})

it('peers that all refuse are there', async () => {
  const { network, ask } = await place()
  await ask('check')
  for (const host of Object.keys(PEERS)) network.block(host, { how: 'refuse', port: 5269, from: 'agent' })
  cut(network, ['resolver'])
  expect(await ask('check')).toMatchObject({ aside: 'nothing' })
})

for (const [name, command, source, says] of [
  ['the default route', ['route', 'del', 'default'], [], 'there is no default route any more'],
  ['the source address', ['address', 'del', `${SECOND}/32`, 'dev', 'eth0'], [SECOND], `the source address ${SECOND} is on no interface of this machine`],
  ['the interface', ['link', 'set', 'eth0', 'down'], [], 'no interface has an address any more'],
] as const) {
  it(`${name} of the host gone is certain at once`, async () => {
    const { network, ask } = await place(...source)
    expect(await ask('look')).toEqual({ met: [], aside: 'nothing', says: [] })
    await network.host('agent').run('ip', command)
    expect(await ask('look')).toEqual({ met: [], aside: 'uplink', says: [says] })
  })
}

async function place (...source: string[]): Promise<{ network: Network, ask: (what: 'check' | 'look') => Promise<unknown> }> {
  const network = await createNetwork({ hosts: [{ name: 'agent', addresses: [OWN, SECOND] }, { name: 'resolver', addresses: [RESOLVER] }, ...Object.entries(PEERS).map(([name, address]) => ({ name, addresses: [address] as const }))] })
  onTestFinished(network.remove)
  const zones = Object.entries(PEERS).map(([name, address]) => ({ name, records: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${address}`] }))
  const dns = await startKnot({ zones: [{ name: '.', records: [] }, ...zones], address: RESOLVER, port: 53, namespace: network.host('resolver').namespace })
  onTestFinished(dns.stop)
  // Whoever connects has arrived: more is not asked of a peer here.
  for (const name of Object.keys(PEERS)) (await network.host(name).listen({ port: 5269 })).on('connection', socket => socket.destroy())
  const child = network.host('agent').spawn(process.execPath, [AGENT, RESOLVER, Object.keys(PEERS).join(','), ...source], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdin === null || child.stdout === null) throw new Error('the agent has no pipes')
  const [input, lines] = [child.stdin, createInterface({ input: child.stdout })]
  return { network, ask: what => answer(lines, () => input.write(`${what}\n`)) }
}

async function answer (lines: Interface, ask: () => unknown): Promise<unknown> {
  const line = new Promise<string>((resolve, reject) => lines.once('line', resolve).once('close', () => reject(new Error('the agent ended'))))
  ask()
  return JSON.parse(await line)
}

/** Dropped at the router, what the agent sends there. */
function cut (network: Network, hosts: readonly string[], port?: number): Block[] {
  return hosts.map(host => network.block(host, { how: 'drop', from: 'agent', ...(port === undefined ? {} : { port }) }))
}
