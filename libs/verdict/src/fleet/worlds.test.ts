// Small worlds, all of them: what is broken in each is known, and the fleet must name what the order of judging puts first, never what is whole.
import type { Cause, Witness } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { reachOf } from '../index.ts'
import { HOST_UNKNOWN, INTERNAL, PUBLIC, REFUSED, TIMEOUT, clear, deaf, domainOf, internal, look, no, pairOf, published, stopped, well, type Seen } from '../test-support/fleet.ts'

const OPTIONS = {
  service: ['up', 'down'], inbound: ['open', 'dropped', 'refused'], outbound: ['open', 'blocked'], resolver: ['answers', 'dead'], records: ['right', 'wrong port', 'gone'],
  peer: ['alive', 'dead'], box: ['ours', 'another'], stream: ['whole', 'stripped'],
} as const
type World = { [Key in keyof typeof OPTIONS]: (typeof OPTIONS)[Key][number] }

const WORLDS = Object.entries(OPTIONS).reduce<Partial<World>[]>((some, [key, values]) => some.flatMap(world => values.map(value => ({ ...world, [key]: value }))), [{}]) as World[]
const PEER = '198.51.100.11'
const SECOND = '192.0.2.21'
const SHARES = { from: { sharesResolverWith: ['ours.example'] } }

it(`names the first of what is broken, in each of ${WORLDS.length} worlds`, () => {
  expect(WORLDS).toHaveLength(576)
  const wrong = WORLDS.flatMap(world => {
    const peers = peersSeen(world)
    const others = secondSeen(world)
    const reach = [reachOf('partner.example', peers), reachOf('second.example', others)]
    const own = domainOf([...ownSeen(world), ...peers, ...others], { reach })
    const pair = pairOf(peers, { own, reach })
    const named = { domain: own.cause, out: pair.out.cause, in: pair.in.cause }
    const expected = { domain: domainCause(world), out: outCause(world), in: inCause(world) }
    return JSON.stringify(named) === JSON.stringify(expected) ? [] : [{ world, named, expected }]
  })
  expect(wrong).toEqual([])
})

function ownSeen (world: World): Witness[] {
  return [
    internal('in1', world.service === 'up' ? well(INTERNAL) : stopped(INTERNAL, REFUSED)),
    published('in1', world.resolver === 'dead' ? deaf() : stopped(PUBLIC, TIMEOUT), SHARES),
    ...['out1', 'out2'].map(vantage => published(vantage, fromOutside(world))),
  ]
}

function fromOutside (world: World): Seen {
  if (world.records === 'gone') return { dns: [no('xmpp-server', 'nodata'), no('xmpps-server', 'nodata')], endpoints: [{ ...stopped('203.0.113.80', REFUSED), source: 'fallback' }] }
  if (world.records === 'right') return answer(world)
  return [{ ...stopped(PUBLIC, TIMEOUT), port: 5369 }, { ...answer(world), id: 'probe', source: 'port-probe' }]
}

/** What port 5269 of our public address does. */
function answer ({ inbound, box, service, stream }: World): ReturnType<typeof well> {
  if (inbound !== 'open') return stopped(PUBLIC, inbound === 'dropped' ? TIMEOUT : REFUSED)
  if (box === 'another') return stopped(PUBLIC, HOST_UNKNOWN)
  if (service === 'down') return stopped(PUBLIC, REFUSED)
  return stream === 'stripped' ? clear(PUBLIC) : well(PUBLIC)
}

function peersSeen ({ resolver, outbound, peer }: World): Witness[] {
  const alive = peer === 'alive' ? well(PEER, 'partner') : stopped(PEER, REFUSED, 'partner')
  const inside = resolver === 'dead' ? deaf('partner.example') : outbound === 'blocked' ? stopped(PEER, TIMEOUT, 'partner') : alive
  return [look('peer', 'in1', inside, SHARES), look('control', 'out1', alive), look('control', 'out2', alive)]
}

/** A peer elsewhere that is always alive. */
function secondSeen ({ resolver, outbound }: World): Witness[] {
  const domain = 'second.example'
  const inside = resolver === 'dead' ? deaf(domain) : outbound === 'blocked' ? stopped(SECOND, TIMEOUT, 'partner') : well(SECOND, 'partner')
  return [look('peer', 'in1', inside, { ...SHARES, domain }), look('control', 'out1', well(SECOND, 'partner'), { domain })]
}

function domainCause ({ service, inbound, outbound, resolver, records, peer, box, stream }: World): Cause {
  if (resolver === 'dead') return 'dns.resolver-unavailable'
  if (records === 'gone') return 'dns.no-records'
  const passes = inbound === 'open' && (box === 'another' || service === 'up')
  if (records === 'wrong port' && passes && box === 'ours') return 'dns.port-unexpected'
  if (service === 'up' && (records === 'wrong port' || !passes)) return records === 'wrong port' || inbound === 'dropped' ? 'path.inbound-blocked' : 'path.inbound-refused'
  if (outbound === 'blocked' && peer === 'alive') return 'path.outbound-blocked'
  if (service === 'down') return records === 'right' && passes ? 'service.wrong-box' : 'service.down'
  return box === 'another' ? 'service.wrong-box' : stream === 'stripped' ? 'path.interfered' : 'healthy'
}

function outCause ({ outbound, resolver, peer }: World): Cause {
  if (resolver === 'dead') return 'dns.resolver-unavailable'
  if (peer === 'dead') return 'peer.unreachable'
  return outbound === 'blocked' ? 'path.outbound-blocked' : 'healthy'
}

/** Ours first, but for what only weakens it; then whom our server cannot call back. */
function inCause (world: World): Cause {
  const domain = domainCause(world)
  return world.peer === 'dead' && (domain === 'healthy' || domain === 'path.interfered') ? 'peer.unreachable' : domain
}
