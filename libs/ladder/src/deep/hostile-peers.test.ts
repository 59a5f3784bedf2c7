// Peers that lie to a deep check, over sockets of their own: what they say is not believed, not kept where it is a secret, and blames nobody.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import type { Observation } from '@dialtone/contracts'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { certificateFor, startPeer, starttlsServer, trustedRoot } from '@dialtone/zoo'
import { afterEach, describe, expect, it } from 'vitest'
import { startListener, type Listener } from '../listener/listener.ts'
import { observe } from '../observe.ts'
import { requestFor, type CheckRequest, type DeepRequest } from '../request.ts'

const [OURS, PEER] = ['probe.example', 'partner.example']
const KEYS = keysOf('a secret of more than 128 bits', DIGEST)
const cleanUp: (() => unknown)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

describe('D1 at our own streams: an answer to db:verify', () => {
  for (const [name, id, from, counts] of [
    ['to our question', undefined, PEER, true],
    ['with another id', 'other', PEER, false],
    ['for another pair', undefined, 'evil.example', false],
  ] as const) {
    it(`${name} ${counts ? 'counts' : 'does not count'}`, async () => {
      const { deep } = await look(await peer((heard, say) => {
        const asked = /<db:verify [^>]*id='([^']*)'/.exec(heard)
        if (asked !== null) say(`<db:verify from='${from}' to='${OURS}' id='${id ?? asked[1] ?? ''}' type='valid'/>`)
      }), { verifyPeers: true, timeoutsMs: { warn: 50, answer: 100, ping: 50 } })
      expect(deep?.connections.find(({ role }) => role === 'verify')?.question?.answer).toEqual(counts ? { type: 'valid' } : undefined)
    })
  }
})

it('a key that is sent back to us in every place stays out of what is kept', async () => {
  const { deep } = await look(await peer((heard, say) => {
    const [, key = ''] = /<db:result [^>]*>([0-9a-f]{64})</.exec(heard) ?? []
    if (key !== '') say(`<x xmlns='urn:x' k='${key}'>${key}</x><db:result from='${PEER}' to='${OURS}' type='error'><error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>${key}</text></error></db:result><stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${key}</text></stream:error>`)
  }))
  expect(deep?.connections[0]?.dialback?.key).toBe('true')
  expect(JSON.stringify(deep)).not.toMatch(/[0-9a-f]{64}/)
})

it('a stranger who connects and says nothing is told, and is nobody’s callback', async () => {
  const listener = await listening()
  const place = listener.places[0] ?? { address: '', port: 0 }
  const { deep } = await look(await peer(heard => {
    if (!heard.includes('<db:result')) return
    const socket = connect(place.port, place.address, () => socket.end('GET / HTTP/1.1\r\n\r\n'))
    cleanUp.push(() => socket.destroy())
  }), { listener, timeoutsMs: { warn: 100, answer: 400, ping: 50 } })
  expect(deep?.callbacks).toEqual([])
  expect(deep?.strayConnections).toMatchObject({ count: 1, sources: [expect.stringContaining('127.0.0.1:')], failure: { at: 'stream' } })
})

it('a right key for the stream of another check is nothing strange, a wrong one is', async () => {
  const listener = await listening()
  const { address, port } = listener.places[0] ?? { address: '', port: 0 }
  for (const [key, strange] of [[KEYS.keyFor({ receiving: PEER, originating: OURS, streamId: 'elsewhere' }), false], ['made up', true]] as const) {
    const { deep } = await look(await peer(heard => {
      if (!heard.includes('<db:result')) return
      const socket = connect(port, address, () => socket.write(`${header(PEER, OURS)}<db:verify from='${PEER}' to='${OURS}' id='elsewhere'>${key}</db:verify>`))
      cleanUp.push(() => socket.destroy())
    }), { listener, timeoutsMs: { warn: 100, answer: 400, ping: 50 } })
    expect(deep?.callbacks).toHaveLength(1)
    expect(deep?.callbacks[0]?.asked).toBeUndefined()
    expect(deep?.callbacks[0]?.strangeId).toBe(strange ? 'elsewhere' : undefined)
  }
})

it('the certificate of the probe is shown in the name of the probe alone', async () => {
  const shown = await certificateFor({ names: { dns: [OURS] } })
  const zoo = await startPeer(starttlsServer({ tls: { clientCertificate: 'demanded' } }), { domain: PEER, address: '127.0.0.1' })
  if (zoo === undefined) throw new Error('no port')
  cleanUp.push(zoo.close)
  const request = { clientCertificate: { certificate: shown.chain, key: shown.key }, anchors: { system: false, given: [await trustedRoot()] } }
  // In the name of OURS none is shown: the server that demands one ends the handshake.
  const ours = await look(zoo.port, {}, { ...request, as: 'ours.example' })
  expect(ours.asked.clientCertificate).toBe(false)
  expect(ours.endpoints[0]?.featuresAgain).toBeUndefined()
  expect((await look(zoo.port, {}, request)).endpoints[0]?.featuresAgain).toBeDefined()
})

it('two checks of one peer with one listener wait for each other', async () => {
  const listener = await listening()
  const port = await peer((heard, say) => { if (heard.includes('<db:result')) say(`<db:result from='${PEER}' to='${OURS}' type='valid'/>`) })
  const both = await Promise.all([1, 2].map(() => look(port, { listener, timeoutsMs: { warn: 100, answer: 400, ping: 100 } })))
  for (const { deep } of both) expect(deep?.connections[0]?.dialback?.answer).toEqual({ type: 'valid' })
})

it('endpoints beyond the bound are counted', async () => {
  const port = await peer((heard, say) => { if (heard.includes('<db:result')) say(`<db:result from='${PEER}' to='${OURS}' type='valid'/>`) })
  const overrides = Array.from({ length: 10 }, (_, at) => ({ host: `127.0.0.${at + 1}`, port, kind: 'starttls' as const }))
  const { deep } = await look(port, { timeoutsMs: { warn: 100, answer: 400, ping: 100 } }, { overrides })
  expect([deep?.connections.length, deep?.endpointsLeftOut]).toEqual([8, 2])
})

function header (from: string, to: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='${from}' to='${to}' id='s${Math.random()}' version='1.0'>`
}

/** A peer in clear; `hears` is told each packet after its header. The port. */
async function peer (hears: (heard: string, say: (text: string) => void) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('data', bytes => {
      const heard = String(bytes)
      if (heard.includes('<stream:stream')) socket.write(`${header(PEER, OURS)}<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>`)
      hears(heard, text => { socket.write(text) })
      if (heard.includes('</stream:stream>')) socket.end('</stream:stream>')
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '0.0.0.0', resolve) })
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function listening (): Promise<Listener> {
  const listener = await startListener({ domain: OURS, places: [{ address: '127.0.0.1', port: 0, kind: 'starttls' }], keys: KEYS, anchors: { system: false, given: [] } })
  cleanUp.push(listener.stop)
  return listener
}

async function look (port: number, deep: Partial<DeepRequest> = {}, request: Partial<CheckRequest> = {}): Promise<Observation> {
  return await observe(requestFor({
    domain: PEER, resolver: { address: '127.0.0.1', port: 9, trusted: false }, vantage: 'here', allowNets: ['127.0.0.0/8'], secondLooks: false, overrides: [{ host: '127.0.0.1', port, kind: 'starttls' }],
    timeoutsMs: { dns: 200, tcp: 1000, stream: 2000, tls: 2000, close: 200 },
    deep: { depth: 'probe', as: OURS, keys: KEYS, publicAddresses: [], verifyPeers: false, quick: false, timeoutsMs: { warn: 500, answer: 2000, ping: 100 }, ...deep }, ...request,
  }), { signal: AbortSignal.timeout(12_000) })
}
