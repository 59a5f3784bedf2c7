import { once } from 'node:events'
import { connect } from 'node:net'
import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'
import { expect, it } from 'vitest'
import { FAULTS, expectedOfPair, randomPairs, startPair, type Fault } from './faults.ts'

const ORDER = ['dialback.domain-claimed', 'peer.unreachable', 'service.silent', 'certificate.expired', 'certificate.untrusted'] as const

it.each([
  ['silent', 'refused', 'peer.unreachable', 'down'],
  ['refused', 'silent', 'peer.unreachable', 'down'],
  ['refused', 'claimed', 'dialback.domain-claimed', 'down'],
  ['refused', 'expired', 'degraded.endpoint-dead', 'degraded'],
  ['refused', 'expired-and-needed', 'peer.unreachable', 'down'],
  ['expired', 'expired-and-needed', 'degraded.endpoint-dead', 'degraded'],
  ['unknown-ca-and-needed', 'expired-and-needed', 'certificate.expired', 'down'],
  ['unknown-ca', 'expired', 'certificate.expired', 'degraded'],
  ['no-tls', 'unknown-ca', 'certificate.untrusted', 'degraded'],
  ['no-tls', 'expiring', 'degraded.certificate-expiring', 'degraded'],
  ['refused', 'dropped', 'peer.unreachable', 'down'],
] as const)('expects of %s and %s: %s', (a, b, cause, state) => {
  expect(expectedOfPair(fault(a), fault(b), ORDER)).toEqual({ cause, state })
})

it('gives every fault its own name', () => {
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length)
})

it('picks pairs of different faults, the same ones for the same numbers', () => {
  const counting = () => {
    let i = 0
    return () => (i++ * 0.618_034) % 1
  }
  const pairs = randomPairs(200, counting())
  expect(pairs).toHaveLength(200)
  expect(pairs.filter(([a, b]) => a === b)).toEqual([])
  expect(randomPairs(200, counting())).toEqual(pairs)
})

it('serves both faults behind one SRV record set', async () => {
  const { request, stop } = await startPair(fault('zero-bytes'), fault('silent'), new AbortController().signal)
  const targets = await srv(request.resolver.port, request.resolver.address)
  expect(targets.map(({ target }) => target)).toEqual(['xmpp.partner.example', 'xmpp2.partner.example'])
  expect(new Set(targets.map(({ port }) => port))).toEqual(new Set([request.fallbackPort]))
  const first = connect(request.fallbackPort, request.resolver.address.replace(/\.53$/, '.2'))
  first.resume()
  await once(first, 'end')
  const second = connect(request.fallbackPort, request.resolver.address.replace(/\.53$/, '.3'))
  await once(second, 'connect')
  const closed = once(second, 'close')
  await stop()
  await closed
  expect(second.bytesRead).toBe(0)
})

it('starts the same pair twice at once, with addresses of its own each', async () => {
  const signal = new AbortController().signal
  const running = await Promise.all([1, 2, 3].map(() => startPair(fault('dropped'), fault('silent'), signal)))
  expect(new Set(running.map(({ request }) => request.resolver.address)).size).toBe(3)
  expect(new Set(running.map(({ request }) => request.fallbackPort)).size).toBe(1)
  await Promise.all(running.map(({ stop }) => stop()))
})

function fault (name: string): Fault {
  const found = FAULTS.find(fault => fault.name === name)
  if (found === undefined) throw new Error(`no fault is called '${name}'`)
  return found
}

async function srv (port: number, address: string): Promise<{ target: string, port: number }[]> {
  const socket = createSocket('udp4')
  socket.send(encode({ type: 'query', id: 1, questions: [{ name: '_xmpp-server._tcp.partner.example', type: 'SRV' }] }), port, address)
  const [message] = await once(socket, 'message') as [Buffer]
  socket.close()
  return (decode(message).answers ?? []).flatMap(answer => answer.type === 'SRV' ? [{ target: answer.data.target, port: answer.data.port }] : [])
}
