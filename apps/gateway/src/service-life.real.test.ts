// What happens to a gateway in service: servers on both sides go away and come back, it is killed, drained and given another configuration, while people talk. None of it needs a hand at the
// gateway, and nothing arrives twice or out of order.
import { BOUNDARY_ADDRESSES as AT, startBoundary, startClient, type Boundary, type TestClient } from '@dialtone/testkit'
import type { GatewayAssignment } from '@dialtone/contracts'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { authenticationsIn } from './test-support/authentications.ts'
import { CHATTER, chatter, disorderOf, ping, reach } from './test-support/conversation.ts'
import { assignmentFor, failingGateway, startGatewayProcess, type Faces, type GatewayProcess } from './test-support/gateway-process.ts'
import { linesSince } from './test-support/lines-since.ts'

const OURS = 'ours.example'
/** By dialback alone, on ejabberd. */
const PARTNER = 'partner.example'
/** On jabberd 2, which knows nothing but dialback. */
const OLD = 'old.example'
/** By certificates, with TLS from the first byte, on Prosody. */
const FRIEND = 'friend.example'
const FACES: Faces = { ours: OURS, peers: [PARTNER, FRIEND, OLD], policies: { partner: { ours: '*', peer: PARTNER, action: 'allow', external: false, withoutDialback: false }, friend: { ours: '*', peer: FRIEND, action: 'allow', certificate: 'valid', dialback: 'never' } } }

const SOON = { timeout: 15_000 }

let boundary: Boundary
let gateway: GatewayProcess
const clients: TestClient[] = []

const server = (domain: string) => {
  const found = domain === OURS ? boundary.inside : boundary.outside[domain]
  if (found === undefined) throw new Error(`nobody serves ${domain}`)
  return found
}
const HOSTS = { [OURS]: 'inside', [PARTNER]: 'ejabberd', [FRIEND]: 'prosody' } as const
const user = async (domain: keyof typeof HOSTS): Promise<TestClient> => {
  const client = await startClient(boundary.host(HOSTS[domain]), `user@${domain}/here`, server(domain))
  clients.push(client)
  return client
}
const policy = (name: string, action: 'allow' | 'deny') => ({ policies, ...rest }: GatewayAssignment): GatewayAssignment => {
  const known = policies[name]
  if (known === undefined) throw new Error(`no policy is called ${name}`)
  return { ...rest, policies: { ...policies, [name]: { ...known, action } } }
}

beforeAll(async () => {
  boundary = await startBoundary({
    inside: { server: 'prosody', domain: OURS, tls: 'optional', users: ['user'], directTls: true },
    outside: [{ server: 'ejabberd', domain: PARTNER, tls: 'required', users: ['user'] }, { server: 'prosody', domain: FRIEND, tls: 'required', trusts: true, users: ['user'], directTls: true }, { server: 'jabberd2', domain: OLD, tls: 'required' }],
  })
  gateway = await startGatewayProcess(boundary, directory => assignmentFor(directory, boundary.root, FACES))
})
afterAll(async () => {
  await gateway?.stop()
  await boundary?.stop()
})
afterEach(async () => {
  await gateway.conserved(0)
  for (const jid of new Set(clients.map(client => client.jid))) {
    const { doubled, late } = disorderOf(clients.filter(client => client.jid === jid))
    // Prosody 0.12 changes the order itself: what comes between the success of EXTERNAL and the features after it is sent before what it has queued.
    expect([doubled, late.filter(about => about.startsWith(`user@${PARTNER}/`))], jid).toEqual([[], []])
  }
  await Promise.all(clients.splice(0).map(client => client.stop()))
})

it('a peer whose authoritative server cannot be reached when it comes the first time gets through as soon as it can', async () => {
  const lines = linesSince(server(PARTNER))
  const away = boundary.network.block('ejabberd', { how: 'refuse', port: 5269, from: 'gateway' })
  const [ours, theirs] = await Promise.all([user(OURS), user(PARTNER)])
  theirs.do({ do: 'message', to: ours.jid, body: 'too early' })
  await theirs.heard({ on: 'error', kind: 'message' })
  expect(await gateway.metric('dialtone_gateway_inbound_keys_total', { zone: 'world', answer: 'error' })).toBeGreaterThan(0)
  expect(authenticationsIn('ejabberd', PARTNER, lines())).toEqual([])
  away.lift()
  await reach(theirs, ours, 'from the peer')
  await reach(ours, theirs, 'from ours')
  await expect.poll(() => authenticationsIn('ejabberd', PARTNER, lines()), SOON).toEqual([{ way: 'in', peer: OURS, by: 'dialback', tls: true }, { way: 'out', peer: OURS, by: 'dialback', tls: true }])
  expect(ours.events.filter(event => event['body'] === 'too early')).toEqual([])
})

it('is reached with TLS from the first byte, and reaches others so', async () => {
  const lines = linesSince(server(FRIEND))
  const [ours, theirs] = await Promise.all([user(OURS), user(FRIEND)])
  await Promise.all([ping(ours, theirs.jid), ping(theirs, ours.jid)])
  const connections = await gateway.connections(AT.prosody)
  expect(connections).toEqual([expect.stringMatching(`^${AT.gateway}:\\d+ ${AT.prosody}:5270$`), expect.stringMatching(`^${AT.gateway}:5270 ${AT.prosody}:\\d+$`)])
  await expect.poll(() => authenticationsIn('prosody', FRIEND, lines()), SOON).toEqual([{ way: 'in', peer: OURS, by: 'EXTERNAL', tls: true }, { way: 'out', peer: OURS, by: 'EXTERNAL', tls: true }])
})

it('jabberd2 answers a ping over TLS', async () => {
  const lines = linesSince(server(OLD))
  await ping(await user(OURS), OLD)
  await expect.poll(() => authenticationsIn('jabberd2', OLD, lines()), SOON).toEqual([{ way: 'in', peer: OURS, by: 'dialback', tls: true }, { way: 'out', peer: OURS, by: 'dialback', tls: true }])
})

it('a policy that changes ends the streams of its pair, and no other', async () => {
  const [ours, partner, friend] = await Promise.all([user(OURS), user(PARTNER), user(FRIEND)])
  await Promise.all([ping(ours, partner.jid), ping(ours, friend.jid), ping(friend, ours.jid)])
  const [before, lines, friends] = [await gateway.connections(AT.prosody), linesSince(server(OURS)), linesSince(server(FRIEND))]
  expect(before).toHaveLength(2)
  await gateway.configure(policy('partner', 'deny'))
  await expect.poll(() => gateway.connections(AT.ejabberd), SOON).toEqual([])
  ours.do({ do: 'message', to: partner.jid, body: 'denied' })
  await ours.heard({ on: 'error', kind: 'message', sender: partner.jid })
  partner.do({ do: 'message', to: ours.jid, body: 'denied' })
  await partner.heard({ on: 'error', kind: 'message', sender: ours.jid })
  await Promise.all([ping(ours, friend.jid), ping(friend, ours.jid)])
  await gateway.configure(policy('partner', 'allow'))
  await reach(ours, partner, 'allowed')
  await reach(partner, ours, 'allowed')
  await Promise.all([ping(ours, friend.jid), ping(friend, ours.jid)])
  expect(await gateway.connections(AT.prosody)).toEqual(before)
  expect([lines(), friends()].join('\n')).not.toMatch(/(friend\.example->ours\.example|ours\.example->friend\.example).*(closed|complete)|disconnected: (friend\.example->ours|ours\.example->friend)/)
})

for (const [name, domain, other] of [['our server', OURS, PARTNER], ['a server outside', PARTNER, OURS]] as const) {
  it(`goes on when ${name} was restarted while people talked`, async () => {
    const [restarted, stays] = await Promise.all([user(domain), user(other)])
    await reach(stays, restarted, 'before')
    const stops = [chatter(stays, restarted), chatter(restarted, stays)]
    await stays.heard({ on: 'message', body: `${CHATTER}: 20` })
    await boundary.stopServer(domain)
    await boundary.startServer(domain)
    const again = await user(domain)
    await again.heard({ on: 'message', sender: stays.jid })
    for (const stop of stops) stop()
    await reach(again, stays, 'after')
    await reach(stays, again, 'after')
  })
}

it('goes on when it was killed, with what it has on its disk', async () => {
  const [ours, partner, friend] = await Promise.all([user(OURS), user(PARTNER), user(FRIEND)])
  await Promise.all([reach(ours, partner, 'before'), reach(friend, ours, 'before')])
  const stops = [chatter(ours, partner), chatter(friend, ours)]
  await partner.heard({ on: 'message', body: `${CHATTER}: 20` })
  expect(await gateway.end('SIGKILL')).toBeNull()
  await gateway.start()
  for (const stop of stops) stop()
  // A resolver that found the gateway's gone waits before it asks again.
  for (const [one, two] of [[ours, partner], [partner, ours], [ours, friend], [friend, ours]] as const) await reach(one, two, `after ${one.jid}`, 40_000)
}, 120_000)

it('drains and starts again as its configuration says, while people write', async () => {
  const [ours, partner] = await Promise.all([user(OURS), user(PARTNER)])
  await Promise.all([reach(ours, partner, 'before'), reach(partner, ours, 'before')])
  const stops = [chatter(ours, partner), chatter(partner, ours)]
  await partner.heard({ on: 'message', body: `${CHATTER}: 20` })
  await gateway.drain()
  await Promise.all([ours.heard({ on: 'error', kind: 'message' }), partner.heard({ on: 'error', kind: 'message' })])
  expect(await gateway.connections(AT.ejabberd)).toEqual([])
  await gateway.configure(({ spec, ...rest }) => ({ ...rest, spec: { ...spec, desired: 'running' } }))
  for (const stop of stops) stop()
  await reach(ours, partner, 'after')
  await reach(partner, ours, 'after')
})

it('logs nothing for a stanza', async () => {
  const [ours, friend] = await Promise.all([user(OURS), user(FRIEND)])
  await Promise.all([ping(ours, friend.jid), ping(friend, ours.jid)])
  const [accepted, logged] = [(await gateway.conserved(1)).accepted, gateway.logged(/./)]
  for (let number = 1; number <= 300; number++) ours.do({ do: 'message', to: friend.jid, body: `line: ${number}` })
  await friend.heard({ on: 'message', body: 'line: 300' })
  await gateway.conserved(accepted + 300)
  expect(gateway.logged(/./)).toBe(logged)
})

it('does not start where a port is taken, and says which', async () => {
  const { code, said } = await failingGateway(boundary, async directory => {
    // Nothing else of it is in the way of the one that runs.
    const { spec, ...rest } = await assignmentFor(directory, boundary.root, FACES)
    return { ...rest, spec: { ...spec, zones: (spec.zones ?? []).map(zone => zone.responder === undefined ? zone : { ...zone, listen: [], responder: { ...zone.responder, listen: [{ address: AT.gatewayInside, port: 5354 }] } }) } }
  })
  expect(said).toMatch(new RegExp(`^dialtone gateway: .*/spec/zones/0/listen/0: .*${AT.gateway}:5269: the port is taken`, 'm'))
  expect(code).toBe(78)
})
