import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { FOOTER, dialbackKeyText, dialbackQuestionText, headerText } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { KEYS, OURS, PEER, answering, dial, eventually, expectation, secure, started, type RawPeer } from '../test-support/raw-peer.ts'
import { startListener, type ListenerOptions } from './listener.ts'

const HEADER = headerText({ from: PEER, to: OURS })
const QUESTION = dialbackQuestionText(PEER, OURS, 'x', KEYS.keyFor({ receiving: PEER, originating: OURS, streamId: 'x' }))
const VALID = /<db:verify from='ours.example' to='partner.example' id='x' type='valid'\/>/
const BARE: ListenerOptions = { domain: OURS, keys: KEYS, anchors: { system: false, given: [] }, places: [] }

it('answers a question in clear, after STARTTLS, and on the port for direct TLS', async () => {
  const { told, starttls, direct } = await started()
  const clear = await dial(starttls)
  clear.say(HEADER + QUESTION)
  await clear.until(VALID)
  const upgraded = await dial(starttls)
  await secure(upgraded, HEADER)
  upgraded.say(QUESTION)
  await upgraded.until(VALID)
  const encrypted = await dial(direct)
  await encrypted.startTls()
  encrypted.say(HEADER + QUESTION + FOOTER)
  await encrypted.until(VALID)
  await encrypted.closed
  expect(told.filter(event => 'connection' in event && event.connection === 3).map(({ on }) => on)).toEqual(['connected', 'secured', 'header', 'asked', 'closed'])
  expect(told.at(-1)).not.toHaveProperty('because')
})

it('without a certificate offers no TLS, and refuses it', async () => {
  const { starttls } = await started({ clear: true })
  const peer = await dial(starttls)
  peer.say(HEADER)
  expect(await peer.until(/<stream:features>.*<\/stream:features>/)).not.toContain('starttls')
  peer.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  expect(await peer.closed).toMatch(/<failure [^>]*xmpp-tls'\/><\/stream:stream>$/)
})

it('answers a peer from before features, which sends no version', async () => {
  const { starttls } = await started()
  const peer = await dial(starttls)
  peer.say(HEADER.replace(" version='1.0'>", '>') + QUESTION)
  await peer.until(VALID)
  expect(peer.heard).not.toContain('features')
})

it('listens on every place or on none, and names the one where it cannot', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const first = createServer().listen(0, '127.0.0.1')
  await once(first, 'listening')
  const [{ port }, { port: free }] = [taken.address() as AddressInfo, first.address() as AddressInfo]
  first.close()
  const places = [{ address: '127.0.0.1', port: free, kind: 'starttls' }, { address: '127.0.0.1', port, kind: 'direct' }] as const
  await expect(startListener({ ...BARE, places })).rejects.toMatchObject({ code: 'cannot-listen', message: expect.stringContaining(`127.0.0.1:${port}: the port is taken`) as string })
  // The first place was let go.
  const again = createServer().listen(free, '127.0.0.1')
  await once(again, 'listening')
  for (const server of [taken, again]) server.close()
})

it('ends every connection when it stops, whatever it is at', async () => {
  const { listener, told, starttls, direct } = await started()
  const proving = Promise.withResolvers<never>()
  listener.expect(expectation({ prove: () => proving.promise }))
  const peers = [await dial(starttls), await dial(direct), await dial(starttls), await opened(starttls)] as const
  await secure(peers[2], HEADER)
  peers[3].say(dialbackKeyText(PEER, OURS, 'k'))
  await eventually(() => told.some(({ on }) => on === 'key'))
  await listener.stop()
  await Promise.all(peers.map(({ closed }) => closed))
  expect(listener.connections).toBe(0)
  const before = told.length
  // What comes back now is nobody's, and no event after the last.
  proving.reject(new Error('too late'))
  await new Promise(resolve => { setTimeout(resolve, 20) })
  expect(told).toHaveLength(before)
  await listener.stop()
})

it('checks a peer once at a time, and ends no other check than the one that is over', async () => {
  const { listener } = await started()
  const release = listener.expect(expectation())
  expect(() => listener.expect(expectation())).toThrow('partner.example is under check already')
  release()
  const next = listener.expect(expectation())
  release()
  expect(() => listener.expect(expectation())).toThrow('under check already')
  next()
})

it('closes the streams of a check that is over, and those alone', async () => {
  const { listener, told, starttls } = await started()
  const release = listener.expect(expectation())
  const next = listener.expect(expectation({ peer: 'next.example' }))
  const [peer, stranger, both] = [await opened(starttls), await dial(starttls), await opened(starttls)]
  stranger.say(headerText({ from: 'stranger.example', to: OURS }))
  await stranger.until(/<\/stream:features>/)
  both.say(dialbackQuestionText('next.example', OURS, 'y', 'k'))
  await both.until(/id='y'/)
  release()
  expect(await peer.closed).toMatch(/<\/stream:features><\/stream:stream>$/)
  expect(told.findLast(({ on }) => on === 'closed')).not.toHaveProperty('because')
  expect([stranger.open, both.open]).toEqual([true, true])
  next()
  await both.closed
  expect(stranger.open).toBe(true)
})

it('proves the key of a peer under check, and hears its pong alone', async () => {
  const { listener, starttls } = await started()
  const check = expectation()
  listener.expect(check)
  const pong = new Promise(resolve => { check.asked.set('p1', resolve) })
  const peer = await opened(starttls)
  peer.say(dialbackKeyText(PEER, OURS, 'k'))
  await peer.until(/<db:result [^>]*type='valid'\/>/)
  peer.say(`<iq type='result' id='p1' from='${PEER}' to='${OURS}'/>`)
  expect(await pong).toMatchObject({ answer: 'result', source: expect.stringContaining('127.0.0.1:') as string })
  peer.say(`<iq type='result' id='p1' from='${PEER}' to='${OURS}'/>`)
  expect(await peer.closed).toContain('<policy-violation ')
  expect(check.callbacks).toMatchObject([{ authenticated: 'dialback', reverse: { answer: { type: 'valid' } }, failure: { why: 'broke-protocol' } }])
})

it('keeps what one stream says of two peers apart', async () => {
  const { listener, starttls } = await started()
  const [one, other] = [expectation({ peer: 'one.example', streamIds: new Set(['x']) }), expectation({ streamIds: new Set(['x']) })]
  for (const each of [one, other]) listener.expect(each)
  const peer = await dial(starttls)
  peer.say(headerText({ from: 'one.example', to: OURS }) + QUESTION)
  await peer.until(VALID)
  // One that is under check cannot answer for another.
  expect(one.callbacks).toMatchObject([{ header: { from: 'one.example' } }])
  expect(one.callbacks[0]?.asked).toBeUndefined()
  expect(other.callbacks).toMatchObject([{ header: { from: 'one.example' }, asked: { answered: 'valid' } }])
})

it('has a place for the callback, whoever came before it in the peer\'s name', async () => {
  const { listener, starttls } = await started({ limits: { connectionsPerAddress: 100, accepts: 100 } })
  const check = expectation({ streamIds: new Set(['x']) })
  listener.expect(check)
  for (let at = 0; at < 55; at++) (await opened(starttls)).leave()
  const peer = await opened(starttls)
  peer.say(QUESTION)
  await peer.until(VALID)
  expect(check.callbacks).toHaveLength(50)
  expect(check.callbacksLeftOut).toBe(6)
  expect(check.callbacks.at(-1)).toMatchObject({ asked: { answered: 'valid' } })
})

it('ends one connection by a mistake of ours, and goes on', async () => {
  const broken = { ...KEYS, isOurs: (key: string, scope: Parameters<typeof KEYS.isOurs>[1]) => { if (scope.streamId === 'bad') throw new Error('broken'); return KEYS.isOurs(key, scope) } }
  const { listener, told, starttls } = await started({ keys: broken })
  listener.expect(expectation({ prove: () => Promise.reject(new Error('broken too')) }))
  const first = await opened(starttls)
  first.say(dialbackQuestionText(PEER, OURS, 'bad', 'k'))
  await first.closed
  expect(told.at(-1)).toMatchObject({ on: 'closed', because: { at: 'probe', why: 'unclassified', detail: 'Error: broken' } })
  const second = await opened(starttls)
  second.say(dialbackKeyText(PEER, OURS, 'k') + QUESTION)
  await second.until(VALID)
  await second.until(/<remote-connection-failed /)
})

it('lets nothing that was said in clear count inside TLS', async () => {
  const { listener, told, starttls } = await started()
  listener.expect(expectation({ prove: answering('valid') }))
  const ahead = await opened(starttls)
  ahead.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + dialbackKeyText(PEER, OURS, 'k'))
  expect(await ahead.closed).toContain('<not-well-formed ')
  // Proved in clear, in one packet with <starttls/>: forgotten with the restart.
  const before = await opened(starttls)
  before.say(dialbackKeyText(PEER, OURS, 'k') + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/> \n")
  await before.until(/<proceed[^>]*>/)
  await before.startTls()
  before.say(`${HEADER}<iq type='result' id='p1' from='${PEER}' to='${OURS}'/>`)
  expect(await before.closed).toContain('<not-authorized ')
  expect(told.filter(({ on }) => on === 'authenticated')).toEqual([])
})

it('ends a peer that asks and never reads', async () => {
  const { told, starttls } = await started({ limits: { questions: 1e9, unsentBytes: 1000 } })
  const peer = await opened(starttls)
  peer.socket().pause()
  const timer = setInterval(() => { if (peer.open) peer.say(QUESTION.repeat(500)) }, 1)
  await eventually(() => told.some(({ on }) => on === 'closed'))
  clearInterval(timer)
  expect(told.at(-1)).toMatchObject({ because: { why: 'went-silent', detail: 'does not take what it asked for' } })
})

async function opened (at: { address: string, port: number }): Promise<RawPeer> {
  const peer = await dial(at)
  peer.say(HEADER)
  await peer.until(/<\/stream:features>/)
  return peer
}
