import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { BIDI_REQUEST, FOOTER, dialbackKeyText, dialbackQuestionText, externalText, headerText } from '@dialtone/stream'
import { certificateFor } from '@dialtone/zoo'
import { expect, it } from 'vitest'
import { KEYS, OURS, PEER, SECOND, started, worldOf } from './test-support/gateway.ts'
import { CERTIFICATE, HEADER, authenticated, dial, eventually, secure, type RawPeer } from './test-support/raw-peer.ts'

const STANZA = `<message from='romeo@${PEER}/orchard' to='juliet@${OURS}'><body>hello</body></message>`

it('takes stanzas of a peer that shows a good certificate, in order, and settles once for each read', async () => {
  const { starttls, taken, settled, facts, lanes, inbound, told } = await started()
  const peer = await authenticated(starttls)
  peer.say(STANZA + `<iq from='${PEER}' to='${OURS}' type='get' id='1'/>` + STANZA)
  await eventually(() => taken.length === 3)
  expect(taken.map(({ text }) => text.slice(0, 4))).toEqual(['<mes', '<iq ', '<mes'])
  expect(settled()).toBe(1)
  expect(lanes).toMatchObject([{ pair: { from: PEER, to: OURS }, ended: false, source: { zone: 'outside' } }])
  expect(facts.authenticated).toMatchObject([{ sides: { ours: OURS, peer: PEER }, by: 'external', tls: 'TLSv1.3', certificate: { matches: true, pinned: false } }])
  expect(inbound.select({ peer: PEER })).toMatchObject([{ state: 'ready', pairs: [{ from: PEER, to: OURS, by: 'external' }], tls: 'TLSv1.3', stanzas: { in: 3 } }])
  peer.say(FOOTER)
  expect(await peer.closed).toMatch(/<\/stream:stream>$/)
  await eventually(() => inbound.counts().streams === 0)
  expect(lanes[0]?.ended).toBe(true)
  expect(told.map(({ on }) => on)).toEqual(['stream-opened', 'stream-closed'])
})

it('takes those whose addresses are spelled otherwise, as the same pair', async () => {
  const { starttls, taken } = await started()
  const peer = await authenticated(starttls)
  peer.say(STANZA.replace(PEER, PEER.toUpperCase()) + STANZA.replace(`@${OURS}`, `@${OURS}.`))
  await eventually(() => taken.length === 2)
  expect(taken.map(({ pair }) => pair)).toEqual([{ from: PEER, to: OURS }, { from: PEER, to: OURS }])
})

it('proves a key by its authoritative server, and more pairs on the same stream', async () => {
  const { starttls, taken, verified, facts } = await started()
  const peer = await dial(starttls)
  expect(await secure(peer)).toContain('dialback')
  const [, id = ''] = / id='([^']+)'/.exec(peer.heard.slice(peer.heard.lastIndexOf('<?xml'))) ?? []
  peer.say(dialbackKeyText(PEER, OURS, 'k'))
  await peer.until(/<db:result from='ours.example' to='partner.example' type='valid'\/>/)
  expect(verified).toMatchObject([{ question: { from: PEER, to: OURS, id, key: 'k' }, zone: { name: 'outside' } }])
  expect(facts.shown).toMatchObject([{ answer: 'valid', sides: { ours: OURS, peer: PEER } }])
  peer.say(dialbackKeyText(PEER, SECOND, 'k2'))
  await peer.until(/from='second-ours.example' to='partner.example' type='valid'/)
  peer.say(STANZA + STANZA.replace(OURS, SECOND) + STANZA)
  await eventually(() => taken.length === 3)
  expect(taken.map(({ pair }) => pair.to)).toEqual([OURS, SECOND, OURS])
})

it('hands stanzas to somebody else than here over to be answered, in the name of whom the sender may speak to, and goes on', async () => {
  const { starttls, taken, refused, inbound, settled } = await started({ domains: [OURS, SECOND] })
  const peer = await authenticated(starttls)
  peer.say(dialbackKeyText(PEER, SECOND, 'k'))
  await peer.until(/from='second-ours.example' to='partner.example' type='valid'/)
  const before = settled()
  peer.say(STANZA.replace(OURS, 'nobody.example') + STANZA)
  await eventually(() => taken.length === 1)
  expect(refused).toMatchObject([{ as: { from: PEER, to: OURS }, pair: { from: PEER, to: 'nobody.example' }, reason: 'unknown-domain' }])
  expect(settled()).toBe(before + 1)
  expect(inbound.close({ ours: SECOND }, 'reset', 'an operator closes it')).toBe(1)
  peer.say(STANZA.replace(OURS, SECOND) + STANZA)
  await eventually(() => taken.length === 2)
  expect(refused[1]).toMatchObject({ as: { from: PEER, to: OURS }, pair: { from: PEER, to: SECOND }, reason: 'policy-deny' })
})

it('sends stanzas for a peer by the stream that it has opened, once it has proved itself there (XEP-0288)', async () => {
  const it = await started({ leg: { bidi: true } })
  const peer = await dial(it.starttls)
  expect(await secure(peer, HEADER, CERTIFICATE)).toContain("<bidi xmlns='urn:xmpp:features:bidi'/>")
  peer.say(BIDI_REQUEST + externalText('='))
  await peer.until(/<success[^>]*>/)
  expect(it.offered).toEqual([])
  peer.say(HEADER)
  await peer.until(/<\/stream:features>|<stream:features\/>/)
  await eventually(() => it.offered.length === 1)
  const [out] = it.offered
  if (out === undefined) throw new Error('nothing was offered')
  expect(out).toMatchObject({ pair: { from: OURS, to: PEER }, by: 'bidi', open: true })
  const stanza = Buffer.from(`<message from='juliet@${OURS}' to='romeo@${PEER}' id='back'/>`)
  out.write(stanza, 0, stanza.length, true)
  out.flush()
  await peer.until(/id='back'\/>/)
  expect(it.inbound.select({})).toMatchObject([{ bidi: true, pairs: [{ from: PEER, to: OURS, by: 'external' }, { from: OURS, to: PEER, by: 'bidi' }], stanzas: { in: 0, out: 1 } }])
  out.write(stanza, 0, stanza.length, true)
  let stopped = 0
  out.ending = () => { stopped++ }
  it.inbound.close({}, 'system-shutdown', 'going down')
  // What was written is before the footer, and behind it there is nothing.
  await peer.until(/id='back'\/><stream:error>.*<\/stream:stream>/)
  expect([out.open, stopped]).toEqual([false, 1])
  out.write(stanza, 0, stanza.length, true)
  out.flush()
  peer.say(FOOTER)
  peer.leave()
  expect(await out.ended).toEqual({ clean: true })
  expect((await peer.closed).match(/id='back'/g)).toHaveLength(2)
})

it('offers no way back in clear, where the policy does not want one, and towards a peer to which nothing may go', async () => {
  const features = async (given: Parameters<typeof started>[0]) => {
    const { starttls, offered } = await started(given)
    const peer = await dial(starttls)
    peer.say(HEADER)
    const clear = await peer.until(/<stream:features>.*<\/stream:features>/)
    expect(clear).not.toContain('bidi')
    const it = await secure(await dial(starttls), HEADER, CERTIFICATE)
    expect(offered).toEqual([])
    return it
  }
  expect(await features({})).not.toContain('bidi')
  expect(await features({ leg: { bidi: true }, decide: (_, direction) => direction === 'outbound' ? { action: 'deny' } : {} })).not.toContain('bidi')
  expect(await features({ leg: { bidi: true } })).toContain('bidi')
})

it('takes the way back of a pair back with the pair, with the policy, and when the stream breaks', async () => {
  const it = await started({ leg: { bidi: true } })
  const opened = async () => {
    const peer = await dial(it.starttls)
    await secure(peer, HEADER, CERTIFICATE)
    peer.say(BIDI_REQUEST + dialbackKeyText(PEER, OURS, 'k'))
    await peer.until(/type='valid'/)
    const out = it.offered.at(-1)
    if (out === undefined) throw new Error('nothing was offered')
    return { peer, out }
  }
  const first = await opened()
  await it.become(await worldOf({ leg: { bidi: true }, decide: (_, direction) => direction === 'outbound' ? { action: 'deny' } : {} }))
  expect(await first.out.ended).toEqual({ clean: true })
  expect(first.peer.open).toBe(true)
  await it.become(await worldOf({ leg: { bidi: true } }))
  expect(it.offered).toHaveLength(2)
  it.offered[1]?.close('policy-violation', 'the rules have changed')
  expect(await first.peer.closed).toContain('<policy-violation')
  expect(await it.offered[1]?.ended).toMatchObject({ clean: false })
  const second = await opened()
  second.peer.socket().destroy()
  expect(await second.out.ended).toMatchObject({ clean: false, because: { at: 'stream' } })
})

it('on direct TLS takes a peer from the first byte, and its certificate instead of a key', async () => {
  const { direct, verified, facts } = await started()
  const peer = await dial(direct)
  await peer.startTls(CERTIFICATE, { ALPNProtocols: ['xmpp-server'] })
  peer.say(HEADER)
  await peer.until(/<\/stream:features>/)
  peer.say(dialbackKeyText(PEER, OURS, 'k'))
  await peer.until(/type='valid'/)
  expect(verified).toEqual([])
  expect(facts.authenticated).toMatchObject([{ by: 'certificate' }])
})

it('towards the inside stands for every foreign domain, and takes the servers of the zone alone', async () => {
  const { inside, taken, verified } = await started()
  const peer = await dial(inside)
  peer.say(headerText({ from: OURS, to: PEER }))
  expect(await peer.until(/<stream:features>.*<\/stream:features>/)).toContain('starttls')
  peer.say(dialbackKeyText(OURS, PEER, 'k'))
  await peer.until(/<db:result from='partner.example' to='ours.example' type='valid'\/>/)
  expect(verified).toMatchObject([{ zone: { name: 'inside' }, question: { from: OURS, to: PEER } }])
  peer.say(`<message from='juliet@${OURS}' to='romeo@${PEER}'/>`)
  await eventually(() => taken.length === 1)
})

it('answers whose key it is, by the zone in which it is asked', async () => {
  const { starttls, inside, told, facts } = await started()
  const peer = await dial(starttls)
  await secure(peer)
  peer.say(dialbackQuestionText(PEER, OURS, 'x', KEYS.outside.keyFor({ receiving: PEER, originating: OURS, streamId: 'x' })))
  await peer.until(/<db:verify from='ours.example' to='partner.example' id='x' type='valid'\/>/)
  peer.say(dialbackQuestionText(PEER, OURS, 'x', KEYS.inside.keyFor({ receiving: PEER, originating: OURS, streamId: 'x' })))
  await peer.until(/id='x' type='invalid'\/>/)
  const own = await dial(inside)
  own.say(headerText({ from: OURS, to: PEER }) + dialbackQuestionText(OURS, PEER, 'y', KEYS.inside.keyFor({ receiving: OURS, originating: PEER, streamId: 'y' })))
  await own.until(/id='y' type='valid'\/>/)
  expect(told.filter(({ on }) => on === 'asked').map(({ zone, says }) => `${zone}: ${says}`)).toEqual([
    'outside: was told that a key of ours.example is ours', 'outside: showed a key of ours.example that is not ours', 'inside: was told that a key of partner.example is ours',
  ])
  expect(facts.asked.map(({ answer }) => answer)).toEqual(['valid', 'invalid', 'valid'])
})

it('follows the configuration: what stays is not touched, what cannot be opened changes nothing', async () => {
  const { inbound, starttls, become } = await started()
  const peer = await authenticated(starttls)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const listen = [{ address: '127.0.0.1', port: 0 }]
  expect(await become(await worldOf({ outside: { listen: [...listen, { address: '127.0.0.1', port }] } }))).toEqual([{ pointer: '/spec/zones/0/listen/1', says: expect.stringContaining(`127.0.0.1:${port}: the port is taken`) as string }])
  expect(inbound.listeners().map(({ open }) => open)).toEqual([true, true, true])
  taken.close()
  await once(taken, 'close')
  expect(await become(await worldOf({ outside: { listen: [...listen, { address: '127.0.0.1', port }] } }))).toEqual([])
  expect(inbound.listeners().map(place => place.port)).toEqual(expect.arrayContaining([starttls.port, port]))
  expect(peer.open).toBe(true)
  await become(await worldOf({ outside: { desired: 'stopped' } }))
  await peer.until(/<system-shutdown .*<\/stream:stream>/)
  peer.say(FOOTER)
  await peer.closed
  expect(inbound.listeners().map(({ zone }) => zone)).toEqual(['inside'])
})

it('judges streams anew: those that comply go on, denied pairs are taken back, and with the last the stream', async () => {
  const { starttls, become, lanes, taken } = await started()
  const peer = await authenticated(starttls)
  peer.say(dialbackKeyText('other.example', OURS, 'k'))
  await peer.until(/to='other.example' type='valid'/)
  await become(await worldOf({ decide: name => name === 'other.example' ? { action: 'deny' } : {} }))
  expect(lanes.map(({ pair: { from }, ended }) => `${from} ${ended}`)).toEqual([`${PEER} false`, 'other.example true'])
  peer.say(STANZA)
  await eventually(() => taken.length === 1)
  await become(await worldOf({ leg: { external: false } }))
  expect(await peer.closed).toContain('<policy-violation ')
})

it('shows the certificate of the server that is named, by SNI or else by the header', async () => {
  const own = await Promise.all([OURS, SECOND].map(async domain => {
    const { chain, key } = await certificateFor({ names: { dns: [domain] } })
    return [domain, { certificate: chain, key }] as const
  }))
  const { starttls, direct } = await started({ certificates: Object.fromEntries(own) })
  const shown = (peer: RawPeer) => (peer.socket() as TLSSocket).getPeerCertificate().subjectaltname
  const named = await dial(direct)
  await named.startTls(undefined, { servername: SECOND })
  expect(shown(named)).toBe(`DNS:${SECOND}`)
  const nameless = await dial(starttls)
  await secure(nameless, headerText({ from: PEER, to: SECOND }), undefined, { servername: '' })
  expect(shown(nameless)).toBe(`DNS:${SECOND}`)
})

it('acknowledges what it has taken, where stream management is on', async () => {
  const { starttls } = await started({ leg: { streamManagement: true } })
  const peer = await authenticated(starttls)
  peer.say(`${STANZA}<enable xmlns='urn:xmpp:sm:3'/>${STANZA}${STANZA}<r xmlns='urn:xmpp:sm:3'/>`)
  await peer.until(/<enabled xmlns='urn:xmpp:sm:3'\/><a xmlns='urn:xmpp:sm:3' h='2'\/>/)
})

it('shows a changed certificate to the next, and leaves who is there alone', async () => {
  const { starttls, become } = await started()
  const first = await authenticated(starttls)
  const { chain, key } = await certificateFor({ names: { dns: [OURS, 'renewed.example'] } })
  await become(await worldOf({ certificates: { [OURS]: { certificate: chain, key } } }))
  const next = await dial(starttls)
  await secure(next)
  const shown = (next.socket() as TLSSocket).getPeerCertificate()
  expect(shown.subjectaltname).toContain('renewed.example')
  expect(first.open).toBe(true)
})

it('drains: nothing new, an end for who has not authenticated, and for the rest when told, up to their footer', async () => {
  const { inbound, starttls, taken } = await started()
  const [ready, waiting] = [await authenticated(starttls), await dial(starttls)]
  waiting.say(HEADER)
  await waiting.until(/features>/)
  inbound.drain()
  expect(await waiting.closed).toMatch(/<system-shutdown [^>]*\/>.*<\/stream:stream>$/)
  await expect(dial(starttls)).rejects.toThrow()
  ready.say(STANZA)
  await eventually(() => taken.length === 1)
  expect(inbound.close({}, 'system-shutdown', 'drained')).toBe(1)
  await ready.until(/<system-shutdown .*<\/stream:stream>/)
  // What was under way when the peer heard of it.
  ready.say(STANZA + FOOTER)
  await ready.closed
  expect(taken).toHaveLength(2)
})

it('closes what is selected, and of a stream with other pairs those pairs alone', async () => {
  const { inbound, starttls, lanes } = await started()
  const peer = await authenticated(starttls)
  peer.say(dialbackKeyText('other.example', OURS, 'k'))
  await peer.until(/to='other.example' type='valid'/)
  expect(inbound.close({ peer: 'nobody.example' }, 'policy-violation', 'x')).toBe(0)
  expect(inbound.close({ peer: 'other.example' }, 'policy-violation', 'blocked')).toBe(1)
  expect(lanes.map(({ ended }) => ended)).toEqual([false, true])
  expect(inbound.close({ zone: 'outside' }, 'policy-violation', 'blocked')).toBe(1)
  expect(await peer.closed).toContain('blocked')
})

it('reads no more while the core cannot take more', async () => {
  const { starttls, taken, lanes } = await started()
  const peer = await authenticated(starttls)
  lanes[0]?.source.pause()
  lanes[0]?.source.pause()
  // More than the system keeps for both sides.
  const text = STANZA.replace('hello', 'x'.repeat(100_000)).repeat(10)
  for (let at = 0; at < 20; at++) peer.say(text)
  await eventually(() => peer.socket().writableLength > 0)
  lanes[0]?.source.resume()
  const before = taken.length
  await new Promise(resolve => { setImmediate(resolve) })
  expect(taken.length - before).toBeLessThan(10)
  lanes[0]?.source.resume()
  await eventually(() => taken.length === 200)
})

it('ends with both footers whoever says nothing any more, after white space that shows whether it lives', async () => {
  let passed = 0
  const { starttls, inbound } = await started({ bounds: { idleMs: 1000 }, clock: { now: () => Date.now(), elapsed: () => passed } })
  const peer = await authenticated(starttls)
  passed += 1
  // What came last has been seen by a sweep.
  await eventually(() => inbound.counts().negotiating === 0)
  await new Promise(resolve => { setTimeout(resolve, 50) })
  passed += 600
  await peer.until(/^ /)
  passed += 600
  await peer.until(/<\/stream:stream>$/)
  peer.say(FOOTER)
  await peer.closed
  await eventually(() => inbound.counts().streams === 0)
})

it('keeps so many streams of one pair, the newest', async () => {
  const { starttls, inbound } = await started({ pair: { streams: 2 } })
  const peers = [await authenticated(starttls), await authenticated(starttls), await authenticated(starttls)] as const
  expect(await peers[0].closed).toContain('<resource-constraint ')
  expect(inbound.counts()).toMatchObject({ streams: 2, negotiating: 0 })
})

it('without a certificate offers no TLS where it is optional, and goes on nowhere in clear where it is required', async () => {
  const { inside, starttls } = await started({ withoutCertificate: true })
  const own = await dial(inside)
  own.say(headerText({ from: OURS, to: PEER }))
  expect(await own.until(/<stream:features>.*<\/stream:features>/)).not.toContain('starttls')
  const peer = await dial(starttls)
  peer.say(HEADER + dialbackKeyText(PEER, OURS, 'k') + externalText('='))
  await peer.until(/<required\/>/)
  await peer.until(/<db:result .*?<policy-violation .*?<encryption-required\/>/)
})
