// The network while all is well, looked at with the plain tools of the seed: nc and dig, from inside and outside.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PEERS, type World } from '../seams.ts'
import { startWorld } from './index.ts'
import type { WorldHost } from './places.ts'
import { askPeers } from './users.ts'

let world: World
beforeAll(async () => { world = await startWorld() }, 60_000)
afterAll(async () => { await world.stop() })

it('has users of ours reach every peer, and be reached', async () => {
  expect(await askPeers(world)).toMatchObject(PEERS.map(peer => ({ peer, says: 'pong' })))
})

it('lets in what is translated, and drops and counts the rest', async () => {
  expect(await nc('amsterdam', '203.0.113.10')).toBe('open')
  expect(await nc('inside', '10.10.0.10')).toBe('open')
  expect(await nc('inside', '198.51.100.11')).toBe('open')
  const before = await world.controls.firewall.counters()
  expect(await nc('amsterdam', '203.0.113.11')).toBe('no answer')
  expect(await nc('inside', '203.0.113.10')).toBe('no answer') // no hairpin
  expect(await nc('frankfurt', '10.10.0.10')).toBe('unreachable')
  expect(await nc('edge', '198.51.100.11')).toBe('no answer') // only through its gateway
  const after = await world.controls.firewall.counters()
  expect(after['deny-in-5269']).toBeGreaterThan(before['deny-in-5269'] ?? 0)
  expect(after['deny-out']).toBeGreaterThan(before['deny-out'] ?? 0)
})

it('publishes the records of the seed, to inside and outside alike', async () => {
  for (const from of ['inside', 'amsterdam'] as const) {
    expect(await dig(from, 'SRV', '_xmpp-server._tcp.cupdomain.test')).toEqual(['0 0 5269 cup1.cupdomain.test.'])
    expect(await dig(from, 'SRV', '_xmpp-server._tcp.gmail.test')).toHaveLength(5)
    expect(await dig(from, 'AAAA', 'xmpp.six.test')).toEqual(['2001:db8:60::60'])
    expect(await validated(from, 'xmpp.six.test')).toBe('validated')
    expect((await world.host(from).run('dig', ['+tries=1', 'servfail.test'])).stdout).toContain('status: SERVFAIL')
    expect((await world.host(from).run('dig', ['+tries=1', 'nx.test'])).stdout).toContain('status: NXDOMAIN')
  }
})

it('has the signed zone signed as it is to be, whether its servers stop and start before or after', { timeout: 60_000 }, async () => {
  const { keys, outside } = world.controls.names
  const seen = async (): Promise<string[]> => {
    await world.controls.names.forgotten()
    return await Promise.all((['inside', 'amsterdam'] as const).map(async from => await validated(from, 'xmpp.six.test')))
  }
  const trustAgain = await keys.lay('dnssec', 'new')
  const startAgain = await outside.lay('dns', false)
  await startAgain()
  expect(await seen()).toEqual(['SERVFAIL', 'SERVFAIL'])
  await trustAgain()
  expect(await seen()).toEqual(['validated', 'validated'])

  const start = await outside.lay('dns', false)
  const trust = await keys.lay('dnssec', 'new')
  expect((await world.host('amsterdam').run('dig', ['+tries=1', '+time=1', '@192.0.2.55', 'six.test'])).code).not.toBe(0)
  await trust()
  await start()
  expect(await seen()).toEqual(['validated', 'validated'])
})

it('speaks IPv6 where a peer does', async () => {
  expect(await nc('amsterdam', '2001:db8:60::60')).toBe('open')
  expect(await nc('amsterdam', '2001:db8:60::60', 5270)).toBe('open')
})

it('has servers that are broken for good', async () => {
  expect([await nc('amsterdam', '198.51.100.86'), await nc('amsterdam', '198.51.100.85'), await nc('amsterdam', '198.51.100.83')]).toEqual(['refused', 'no answer', 'open'])
  expect(await said('198.51.100.81')).toContain('HTTP/1.1 400')
  expect(await said('198.51.100.90')).toContain('host-unknown')
})

it('joins the office with the inside, whatever the firewall lets through', async () => {
  expect(await nc('office', '10.10.0.10')).toBe('open')
  expect((await world.host('inside').run('ip', ['route', 'get', '192.0.2.10'])).code).toBe(0)
})

it('ends streams between servers when something changed, and no check, nor what answers one', async () => {
  const place = { address: '198.51.100.11', port: 5269 }
  const probe = { address: '198.51.100.200', port: 5269 }
  const listener = await world.host('amsterdam').listen(probe)
  const [stream, answer, first] = await Promise.all([world.host('ours').connect(place), world.controls.at('gmail').connect(probe), world.host('inside').connect(place)])
  const ended = new Promise<void>(resolve => { stream.on('error', () => undefined).on('close', () => { resolve() }) })
  stream.resume()
  // Those that begin while others are ended, too.
  const [checks, cut, settled] = [[answer, first], new Set<string>(), new AbortController()]
  const look = async (from: 'inside' | 'amsterdam'): Promise<void> => {
    while (!settled.signal.aborted) {
      checks.push(await world.host(from).connect(place))
      const name = `${from} ${checks.length}`
      checks.at(-1)?.on('error', () => cut.add(name)).on('close', () => cut.add(name)).resume()
    }
  }
  for (const [name, socket] of [['answer', answer], ['first', first]] as const) socket.on('error', () => cut.add(name)).on('close', () => cut.add(name)).resume()
  const looking = (['inside', 'inside', 'inside', 'amsterdam', 'amsterdam', 'amsterdam'] as const).map(look)
  await world.controls.settle()
  await ended
  settled.abort()
  await Promise.all(looking)
  expect([checks.length > looking.length, [...cut]]).toEqual([true, []])
  for (const check of checks) check.removeAllListeners('close').destroy()
  listener.close()
})

/** As `nc -z` tells it. */
async function nc (from: WorldHost, address: string, port = 5269): Promise<string> {
  const { code, stderr } = await world.controls.at(from).run('nc', ['-vzn', '-w', '2', address, String(port)])
  return code === 0 ? 'open' : /refused/.test(stderr) ? 'refused' : /unreachable|No route/.test(stderr) ? 'unreachable' : 'no answer'
}

async function dig (from: WorldHost, type: string, name: string): Promise<string[]> {
  return (await world.controls.at(from).run('dig', ['+short', '+tries=1', type, name])).stdout.trim().split('\n').toSorted()
}

async function validated (from: WorldHost, name: string): Promise<string> {
  const { stdout } = await world.controls.at(from).run('dig', ['+tries=1', name])
  return /flags:[^;]* ad[ ;]/.test(stdout) ? 'validated' : /status: (\w+)/.exec(stdout)?.[1] ?? stdout
}

/** What a server answers to the header of a stream. */
async function said (address: string): Promise<string> {
  const header = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='hostunknown.test' version='1.0'>"
  return (await world.host('frankfurt').run('sh', ['-c', `(printf "%s" "$0"; sleep 1) | nc -w 3 ${address} 5269`, header])).stdout
}
