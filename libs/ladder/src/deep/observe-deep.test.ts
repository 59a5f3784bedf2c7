// The whole of a dialback without a real server: the peer is a second listener that has our pair under check, and asks ours about the key.
import type { Callback, ListenerEvent, Observation } from '@dialtone/contracts'
import { Deep, firstProblem } from '@dialtone/contracts/schemas'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { certificateFor, type Issued } from '@dialtone/zoo'
import { afterEach, expect, it } from 'vitest'
import type { Expectation, Prove } from '../listener/expectation.ts'
import { startListener, type Listener } from '../listener/listener.ts'
import { observe } from '../observe.ts'
import { requestFor, type DeepRequest } from '../request.ts'
import { deepConnection } from './deep-connection.ts'

const OURS = 'probe.example'
const PEER = 'partner.example'
const SECRET = keysOf('a secret of more than 128 bits', DIGEST)
const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0)) await clean() })

it('sends a true key, sees the callback, hears valid', async () => {
  const { ours, peer, told } = await both()
  const { deep } = await look(peer, { listener: ours })
  expect(firstProblem(Deep, deep)).toBeUndefined()
  expect(deep?.connections).toMatchObject([{ role: 'dialback', of: 'peer', pair: { from: OURS, to: PEER }, dialback: { key: 'true', secured: false, answer: { type: 'valid' } }, ping: { answer: 'none' } }])
  expect(deep?.callbacks).toMatchObject([{ header: { from: PEER, to: OURS }, asked: { answered: 'valid' } }])
  expect(told.filter(({ on }) => on === 'asked')).toMatchObject([{ pair: { from: PEER, to: OURS }, answered: 'valid', underCheck: true }])
})

it('denies a key that was made with another secret', async () => {
  const { ours, peer } = await both()
  const { deep } = await look(peer, { listener: ours, keys: keysOf('another secret altogether', DIGEST) })
  expect(deep?.connections[0]?.dialback?.answer).toEqual({ type: 'invalid' })
  expect(deep?.callbacks).toMatchObject([{ asked: { answered: 'invalid' } }])
})

it('never tells a secret or a key', async () => {
  const { ours, peer, told } = await both()
  const observation = await look(peer, { listener: ours })
  const text = JSON.stringify([observation, told])
  expect(text).not.toMatch(/[0-9a-f]{64}(?![0-9a-f])/)
  expect(text).toContain('<db:result')
})

it('finds out that the records of our domain do not lead to the listener', async () => {
  const { ours, peer } = await both()
  const { deep } = await look(peer, { listener: ours })
  // There is no resolver in this test, and not knowing is not the same as nowhere.
  expect(deep?.listener).toMatchObject({ domain: OURS, published: 'unknown' })
})

it('D16: dialback in clear proves no more than DNS does, and is told from dialback inside TLS', async () => {
  const clear = await both()
  const secured = await both(await certificateFor({ names: { dns: [OURS, PEER] } }))
  const [weak, strong] = [await look(clear.peer, { listener: clear.ours }), await look(secured.peer, { listener: secured.ours })]
  // Who looks at the answer alone takes the one for the other; where DNS is spoofed, both ends are the attacker's.
  for (const { deep } of [weak, strong]) expect(deep?.connections[0]?.dialback?.answer).toEqual({ type: 'valid' })
  expect(weak.deep?.connections[0]?.dialback?.secured).toBe(false)
  expect(weak.deep?.callbacks[0]?.tls).toBeUndefined()
  expect(strong.deep?.connections[0]?.dialback?.secured).toBe(true)
  expect(strong.deep?.callbacks).toMatchObject([{ tls: 'TLSv1.3', asked: { answered: 'valid' } }])
})

/** A listener for our domain, and one for the peer that has (ours, peer) under check. */
async function both (certificate?: Issued): Promise<{ ours: Listener, peer: Listener, told: ListenerEvent[] }> {
  const told: ListenerEvent[] = []
  const ours = await listener(OURS, told, certificate)
  const peer = await listener(PEER, [], certificate)
  const { port } = ours.places[0] ?? { port: 0 }
  const prove: Prove = async question => {
    const asked = await deepConnection({ kind: 'starttls', source: 'srv', target: OURS, address: '127.0.0.1', family: 4, port }, { role: 'verify', of: 'peer', pair: { from: question.from, to: question.to }, question: { ...question, right: 'valid' } }, {
      request: requestFor({ domain: OURS, resolver: NO_RESOLVER, vantage: 'peer', allowNets: ['127.0.0.0/8'] }), deep: deepRequest({}), signal: AbortSignal.timeout(5000), since: () => 0, progress: () => undefined, certificates: {},
    })
    return asked.question?.answer === undefined ? { failure: { at: 'tcp', why: 'refused' } } : { answer: asked.question.answer }
  }
  const expectation: Expectation = { peer: OURS, addresses: new Set(), prove, since: () => 0, streamIds: new Set(), callbacks: [] as Callback[], callbacksLeftOut: 0, strays: new Map(), asked: new Map() }
  peer.expect(expectation)
  return { ours, peer, told }
}

async function listener (domain: string, told: ListenerEvent[], issued?: Issued): Promise<Listener> {
  const started = await startListener({
    domain, places: [{ address: '127.0.0.1', port: 0, kind: 'starttls' }], keys: SECRET, anchors: { system: false, given: [] }, tell: event => told.push(event),
    ...(issued === undefined ? {} : { certificate: { certificate: issued.chain, key: issued.key } }),
  })
  cleanUp.push(started.stop)
  return started
}

const NO_RESOLVER = { address: '127.0.0.1', port: 9, trusted: false }

function deepRequest (given: Partial<DeepRequest>): DeepRequest {
  return { depth: 'probe', as: OURS, keys: SECRET, publicAddresses: [], verifyPeers: false, quick: false, timeoutsMs: { warn: 500, answer: 2000, ping: 100 }, ...given }
}

async function look (peer: Listener, deep: Partial<DeepRequest>): Promise<Observation> {
  return await observe(requestFor({
    domain: PEER, resolver: NO_RESOLVER, vantage: 'here', allowNets: ['127.0.0.0/8'], secondLooks: false,
    overrides: [{ host: '127.0.0.1', port: peer.places[0]?.port ?? 0, kind: 'starttls' }], deep: deepRequest(deep), timeoutsMs: { dns: 200, tcp: 1000, stream: 2000, tls: 2000, close: 200 },
  }), { signal: AbortSignal.timeout(10_000) })
}
