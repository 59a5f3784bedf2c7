// Rows of dialback, identity and TLS (gateways.md 7.1, 7.2) over sockets: each attack first shown to work where its guard is missing. What is in the tables
// alone is in libs/stream/src/negotiation/security.test.ts, the comparison of keys (D8) in libs/net/src/digest.test.ts.
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { DIGEST } from '@dialtone/net'
import {
  advanceReceiving, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, headerText, identityOf, keysOf, readCertificate,
  type Keys, type Pair, type ReceivingCommand, type ReceivingState,
  BIDI_REQUEST,
} from '@dialtone/stream'
import type { CertificateSpec } from '@dialtone/zoo'
import { describe, expect, it } from 'vitest'
import { GUARDS, type Guards } from './guards.ts'
import { chainOf } from './identity.ts'
import { KEYS, OURS, PEER, started, worldOf, type Given, type Started } from './test-support/gateway.ts'
import { CERTIFICATE, HEADER, STARTTLS, authenticated, dial, eventually, secure, type RawPeer } from './test-support/raw-peer.ts'

const VICTIM = 'victim.example'
const stanza = (from: string) => `<message from='${from}' to='${OURS}'/>`
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The table, as a server has it that makes this mistake: what it returns replaces what the table says. */
const mistaken = (mistake: (state: Extract<ReceivingState, { at: 'negotiating' }>, event: Parameters<Guards['advance']>[1]) => [ReceivingState, ...ReceivingCommand[]] | undefined): Pick<Guards, 'advance'> => ({
  advance: (state, event) => (state.at === 'negotiating' ? mistake(state, event) : undefined) ?? advanceReceiving(state, event),
})
const admitting = (state: Extract<ReceivingState, { at: 'negotiating' }>, pair: Pair): [ReceivingState, ...ReceivingCommand[]] =>
  [{ ...state, standing: { ...state.standing, authenticated: [...state.standing.authenticated, pair] } }, { do: 'send-dialback-result', pair, answer: { type: 'valid' } }]
/** Judges a chain and asks for no name. */
const namesNobody: Guards['proves'] = (sent, anchors) => chainOf(sent, anchors).path.length > 0

describe('D1: answers that nobody asked for (CVE-2012-3525, CVE-2012-4669, CVE-2012-4670)', () => {
  const lies = dialbackAnswerText('result', VICTIM, OURS, { type: 'valid' }) + stanza(VICTIM)
  it('let in whoever they name, where what says valid is believed', async () => {
    const { taken } = await attack(lies, { guards: mistaken((state, event) => event.on === 'dialback-result' ? admitting(state, { from: event.from, to: event.to }) : undefined) })
    await eventually(() => taken.length === 1)
    expect(taken[0]?.pair.from).toBe(VICTIM)
  })
  it('are counted, authenticate nobody, and end the stream', async () => {
    const { taken, peer, facts } = await attack(lies)
    expect(await peer.closed).toContain('<not-authorized ')
    const second = await attack(dialbackAnswerText('verify', VICTIM, OURS, { type: 'valid' }, 'x').repeat(3))
    expect(await second.peer.closed).toContain('<invalid-id ')
    expect(second.count('dialtone_gateway_unsolicited_dialback_total', { zone: 'outside' })).toBe(3)
    expect([taken, facts.authenticated]).toEqual([[], []])
  })
})

it('D2: nor on a stream that wants to be bidirectional, which is not offered', async () => {
  const wants = "<bidi xmlns='urn:xmpp:bidi'/>" + dialbackAnswerText('result', VICTIM, OURS, { type: 'valid' }) + stanza(VICTIM)
  const naive = await attack(wants, { guards: mistaken((state, event) => event.on === 'bidi' ? [state] : event.on === 'dialback-result' ? admitting(state, { from: event.from, to: event.to }) : undefined) })
  await eventually(() => naive.taken.length === 1)
  const { peer, taken } = await attack(wants)
  expect(await peer.closed).toContain('<unsupported-feature ')
  expect(/<stream:features>.*?<\/stream:features>/.exec(peer.heard)?.[0]).not.toContain('bidi')
  expect(taken).toEqual([])
})

it('D3: a key can be made by whoever knows the secret, and by nobody else (CVE-2016-1232)', async () => {
  const guessed = keysOf('1234', DIGEST)
  const question = dialbackQuestionText(PEER, OURS, 'x', guessed.keyFor({ receiving: PEER, originating: OURS, streamId: 'x' }))
  const naive = await attack(question, { keys: { outside: guessed } })
  await naive.peer.until(/id='x' type='valid'/)
  const { peer } = await attack(question)
  await peer.until(/id='x' type='invalid'/)
})

it('D4: no two scopes have one key (CVE-2016-0756)', async () => {
  const joined: Keys = { keyFor: ({ receiving, originating, streamId }) => DIGEST.hmacSha256('s', receiving + originating + streamId), isOurs: (key, scope) => key === joined.keyFor(scope) }
  const [made, asked] = [{ receiving: 'example.info', originating: 'rm.example.org', streamId: 'x' }, { receiving: 'example.in', originating: 'form.example.org', streamId: 'x' }]
  const header = headerText({ from: asked.receiving, to: asked.originating })
  for (const [keys, answer] of [[joined, 'valid'], [KEYS.outside, 'invalid']] as const) {
    const { starttls } = await started({ keys: { outside: keys }, domains: [OURS, asked.originating], leg: { tls: 'optional' } })
    const peer = await dial(starttls)
    peer.say(header + dialbackQuestionText(asked.receiving, asked.originating, 'x', keys.keyFor(made)))
    await peer.until(new RegExp(`id='x' type='${answer}'`))
  }
})

it('D5: a key for one receiving server is none for another', async () => {
  const loose: Keys = { keyFor: ({ streamId }) => DIGEST.sha256(`secret ${streamId}`), isOurs: (key, scope) => key === loose.keyFor(scope) }
  for (const [keys, answer] of [[loose, 'valid'], [KEYS.outside, 'invalid']] as const) {
    // The attacker had us connect to it with an id of its choice, the one that the victim gave it.
    const relayed = keys.keyFor({ receiving: 'attacker.example', originating: OURS, streamId: 'of-the-victim' })
    const { peer } = await attack(dialbackQuestionText(PEER, OURS, 'of-the-victim', relayed), { keys: { outside: keys } })
    await peer.until(new RegExp(`id='of-the-victim' type='${answer}'`))
  }
})

it('D6: nobody outside is told about a foreign domain, not even with a right key of the inside', async () => {
  const question = dialbackQuestionText(PEER, VICTIM, 'x', KEYS.inside.keyFor({ receiving: PEER, originating: VICTIM, streamId: 'x' }))
  const one = { keys: { outside: KEYS.inside } }
  const naive = await attack(question, { ...one, guards: { standing: (world, zone, pair) => ({ ...GUARDS.standing(world, zone, pair), served: true }) } })
  await naive.peer.until(/id='x' type='valid'/)
  const { peer, count } = await attack(question, one)
  expect(await peer.until(/<db:verify .*?<\/db:verify>/)).toMatch(/from='victim.example' to='partner.example' id='x' type='error'.*<item-not-found /)
  expect(count('dialtone_gateway_asked_total', { zone: 'outside', answer: 'item-not-found' })).toBe(1)
  // The stream stays, for what is ours.
  peer.say(dialbackQuestionText(PEER, OURS, 'y', 'k'))
  await peer.until(/id='y' type='invalid'/)
})

it('D7: a certificate for one domain proves no second one on the same stream (CVE-2021-32919)', async () => {
  const claim = dialbackKeyText(VICTIM, OURS, 'k')
  const naive = await attack(claim, { guards: { proves: namesNobody } }, CERTIFICATE)
  await naive.peer.until(/to='victim.example' type='valid'/)
  expect(naive.verified).toEqual([])
  const { peer, verified, facts } = await attack(claim, { answers: () => ({ type: 'invalid' }) }, CERTIFICATE)
  expect(await peer.closed).toMatch(/<db:result from='ours.example' to='victim.example' type='invalid'\/>/)
  expect(verified).toHaveLength(1)
  expect(facts.authenticated).toEqual([])
})

it('D9: a domain that ends like another is another', async () => {
  const send = async (given: Given) => {
    const all = await started(given)
    const peer = await authenticated(all.starttls)
    peer.say(stanza(`evil${PEER}`))
    return { ...all, peer }
  }
  const naive = await send({ guards: mistaken((state, event) => event.on === 'stanza' && event.from?.endsWith(PEER) === true ? [state, { do: 'deliver', pair: { from: PEER, to: OURS } }] : undefined) })
  await eventually(() => naive.taken.length === 1)
  const { peer, taken } = await send({})
  expect(await peer.closed).toContain('<invalid-from ')
  expect(taken).toEqual([])
})

const SPELLINGS = [
  'ours.example', 'OURS.example', 'Ours.Example', 'oUrS.eXaMpLe', 'ours.example.', 'OURS.EXAMPLE.', 'ours.EXAMPLE', 'Ours.example.', 'oURS.example', 'ours.exampl\u0065',
]
const OTHERS = [
  'ours.example..', '.ours.example', 'ours..example', ' ours.example', 'ours.example ', 'ours.example/', 'x@ours.example', 'ours.example/x', 'ours%2Eexample', 'ours\u3002example', 'ours\uFF0Eexample',
  '\uFF4Furs.example', 'ours.example:5269', '[::1]', '[ours.example]', '*.example', 'ours.*', '-ours.example', 'ours-.example', 'ours.example\u00AD', 'ou\u200Brs.example', 'ours.example\u0301', '\u0301ours.example', 'ours_.exa mple',
  `${'o'.repeat(64)}.example`, `${'a.'.repeat(130)}example`, 'ours.example&#10;', 'ours.example&#9;', 'ours.example\u0000'.replace('\u0000', '&#x7F;'), 'xn--.example!', 'ours,example',
]

it('D10, D13: nobody comes in our name, however it is spelled; and what is no domain is none of ours', async () => {
  // Compared as text, nine are somebody else.
  expect(SPELLINGS.filter(from => from !== OURS).length).toBeGreaterThan(7)
  const naive = await started({ guards: { standing: (world, zone, pair) => ({ ...GUARDS.standing(world, zone, { ...pair, from: VICTIM }), ours: false }) } })
  const in1 = await dial(naive.starttls)
  in1.say(headerText({ from: OURS, to: OURS }))
  await in1.until(/<stream:features>/)
  const { starttls, taken } = await started({ bounds: { accepts: 1000, connectionsPerAddress: 1000 } })
  for (const from of SPELLINGS) {
    const peer = await dial(starttls)
    peer.say(headerText({ from, to: OURS }))
    expect(await peer.closed, from).toContain('<not-authorized ')
  }
  for (const name of OTHERS) {
    const peer = await dial(starttls)
    peer.say(HEADER.replace(`to='${OURS}'`, `to='${name}'`))
    expect(await peer.closed, name).toMatch(/<(?:improper-addressing|host-unknown|not-well-formed) /)
  }
  const peer = await authenticated(starttls)
  for (const spelling of SPELLINGS) peer.say(`<message from='${PEER}' to='x@${spelling}/r'/>`)
  await eventually(() => taken.length === SPELLINGS.length)
  peer.say(dialbackKeyText('Ours.Example', OURS, 'k'))
  expect(await peer.until(/<db:result.*?<\/db:result>/)).toContain('<policy-violation ')
})

it('D11: a header does not become another with the restart (CVE-2018-10847)', async () => {
  const again = async (given: Given) => {
    const all = await started(given)
    const peer = await dial(all.starttls)
    await secure(peer, HEADER, CERTIFICATE)
    peer.say(externalText('='))
    await peer.until(/<success[^>]*>/)
    peer.say(headerText({ from: VICTIM, to: OURS }) + stanza(VICTIM))
    return { ...all, peer }
  }
  const naive = await again({
    guards: {
      advance: (state, event) => {
        if (state.at !== 'awaiting-header' || state.standing.authenticated.length === 0 || event.on !== 'header') return advanceReceiving(state, event)
        // The speaker is whoever the last header names.
        const { first: _, ...rest } = state
        const pair = { from: event.header.from ?? '', to: OURS }
        return [...advanceReceiving({ ...rest, standing: { ...state.standing, authenticated: [pair] } }, event), { do: 'send-dialback-result', pair, answer: { type: 'valid' } }]
      },
    },
  })
  await eventually(() => naive.taken.length === 1)
  expect(naive.taken[0]?.pair.from).toBe(VICTIM)
  const { peer, taken } = await again({})
  expect(await peer.closed).toContain('<improper-addressing ')
  expect(taken).toEqual([])
})

it('D12: every header has an id of its own that nobody can know before, and one of the peer\'s choice means nothing', async () => {
  const idsOf = async (given: Given) => {
    const { starttls } = await started(given)
    const peers = await Promise.all([dial(starttls), dial(starttls), dial(starttls)])
    return (await Promise.all(peers.map(async peer => {
      await secure(peer)
      return [...peer.heard.matchAll(/<stream:stream[^>]* id='([^']+)'/g)].map(([, id]) => id)
    }))).flat()
  }
  // With a generator that repeats, a key for one stream is one for another.
  expect(new Set(await idsOf({ random: { bytes: count => new Uint8Array(count) } })).size).toBe(1)
  const ids = await idsOf({})
  expect(new Set(ids).size).toBe(6)
  expect(ids.every(id => /^[0-9a-f]{32}$/.test(id ?? ''))).toBe(true)
  const { peer, taken } = await attack('')
  const [, id = ''] = / id='([^']+)'/.exec(peer.heard) ?? []
  peer.say(dialbackAnswerText('verify', PEER, OURS, { type: 'valid' }, id) + stanza(PEER))
  expect(await peer.closed).toContain('<not-authorized ')
  expect(taken).toEqual([])
})

describe('EXTERNAL', () => {
  const send = async (spec: CertificateSpec | undefined, authzid: string, given: Given = {}) => {
    const all = await started(given)
    const peer = await dial(all.starttls)
    const offered = await secure(peer, HEADER, spec)
    peer.say(externalText(base64(authzid)))
    await peer.until(/<success[^>]*>|<failure .*?<\/failure>/)
    return { ...all, peer, offered }
  }

  it('D14: in no other name than the stream\'s', async () => {
    const naive = await send(CERTIFICATE, VICTIM, { guards: mistaken(({ offer, secured, standing, pair }, event) => event.on === 'sasl-auth' ? [{ at: 'awaiting-header', offer, secured, first: pair, standing: { ...standing, authenticated: [{ from: event.authzid ?? '', to: pair.to }] } }, { do: 'send-sasl-success', pair: { from: event.authzid ?? '', to: pair.to } }] : undefined) })
    naive.peer.say(HEADER + stanza(VICTIM))
    await eventually(() => naive.taken.length === 1)
    for (const authzid of [VICTIM, `evil${PEER}`, `user@${PEER}`]) {
      const { peer, facts } = await send(CERTIFICATE, authzid)
      expect(peer.heard).toContain('<invalid-authzid/>')
      expect(facts.authenticated).toEqual([])
    }
  })

  it('D15: not by a certificate that is good for somebody else, nor by one in the right name that nobody vouches for (CVE-2014-3451)', async () => {
    const naive = await send({ names: { dns: ['evil.example'] } }, PEER, { guards: { proves: namesNobody } })
    expect(naive.facts.authenticated).toMatchObject([{ by: 'external', sides: { peer: PEER } }])
    for (const spec of [
      { names: { dns: ['evil.example'] } }, { names: { dns: [`evil${PEER}`, `${PEER}.evil.example`] } }, { names: { dns: [PEER] }, issuer: 'self' as const }, { names: { dns: [PEER] }, issuer: 'unknown' as const },
      { names: { dns: [PEER] }, validDays: { from: -60, to: -2 } }, { names: {}, commonName: PEER }, undefined,
    ]) {
      const { offered, peer, facts } = await send(spec, PEER)
      expect(offered).not.toContain('EXTERNAL')
      expect(peer.heard).toContain('<not-authorized/>')
      expect(facts.authenticated).toEqual([])
    }
  })

  it('C4: by a certificate of a public authority, which is for servers alone', async () => {
    const forServers: CertificateSpec = { names: { dns: [PEER] }, usages: ['serverAuth'] }
    const purposeful: Guards['proves'] = (sent, anchors, domain, leg, now) => readCertificate(sent[0] ?? new Uint8Array(0))?.extendedKeyUsage?.includes('1.3.6.1.5.5.7.3.2') === true && GUARDS.proves(sent, anchors, domain, leg, now)
    expect((await send(forServers, PEER, { guards: { proves: purposeful } })).facts.authenticated).toEqual([])
    expect((await send(forServers, PEER)).facts.authenticated).toMatchObject([{ by: 'external' }])
  })

  it('C5: and by none that only has the purpose, whoever signed it', async () => {
    const named: Guards['proves'] = (sent, _, domain) => sent[0] !== undefined && identityOf(readCertificate(sent[0]) as NonNullable<ReturnType<typeof readCertificate>>, domain).match !== 'none'
    for (const issuer of ['self', 'unknown'] as const) {
      const spec: CertificateSpec = { names: { dns: [PEER] }, usages: ['serverAuth'], issuer }
      // "The purpose is wrong" is what the platform says of these, too: who passes it over lets everybody in.
      expect((await send(spec, PEER, { guards: { proves: named } })).facts.authenticated).toHaveLength(1)
      expect((await send(spec, PEER)).facts.authenticated).toEqual([])
    }
  })

  it('C6: names are what the DER says, never pieces of text (CVE-2021-44531, CVE-2009-2408)', async () => {
    const split: Guards['proves'] = (sent, anchors, domain) => namesNobody(sent, anchors, domain, { certificate: 'any', pins: [] }, 0) &&
      (new X509Certificate(Buffer.from(sent[0] ?? [])).subjectAltName ?? '').replaceAll('"', '').replaceAll(String.raw`\u0000`, '\0').split(/, |\0|\n/).some(name => name.replace(/^.*:/, '') === domain)
    const comma: CertificateSpec = { names: { xmppAddr: [`evil.example, DNS:${PEER}`] } }
    const nul: CertificateSpec = { names: { dns: [`${PEER}\0.evil.example`] } }
    expect((await send(comma, PEER, { guards: { proves: split } })).facts.authenticated).toHaveLength(1)
    for (const spec of [comma, nul, { names: { dns: [`evil.example\n${PEER}`] } }, { names: { dns: ['evil.example'] }, commonName: PEER }]) expect((await send(spec, PEER)).facts.authenticated).toEqual([])
  })

  it('C7: a wildcard is a whole label, and one', async () => {
    const loose: Guards['proves'] = (sent, _, domain) => readCertificate(sent[0] ?? new Uint8Array(0))?.dnsNames.some(name => domain.endsWith(name.slice(name.indexOf('*') + 1))) === true
    expect((await send({ names: { dns: ['*.example'] } }, PEER, { guards: { proves: loose } })).facts.authenticated).toHaveLength(1)
    for (const name of ['*.example', '*', '*.*', 'p*.example', '*artner.example', '*.partner.example', '*.*.example', 'partner.*']) expect((await send({ names: { dns: [name] } }, PEER)).facts.authenticated, name).toEqual([])
    const { starttls, facts } = await started()
    await authenticated(starttls, { header: headerText({ from: `chat.${PEER}`, to: OURS }), as: { names: { dns: [`*.${PEER}`] } } })
    expect(facts.authenticated).toHaveLength(1)
  })
})

it('D2: on a stream that goes both ways, answers that nobody asked for authorise nobody, and the third ends it', async () => {
  const { starttls, taken, offered, count } = await started({ leg: { bidi: true } })
  const peer = await dial(starttls)
  await secure(peer, HEADER, CERTIFICATE)
  peer.say(BIDI_REQUEST + dialbackKeyText(PEER, OURS, 'k'))
  await peer.until(/type='valid'/)
  peer.say(`<db:result from='victim.example' to='${OURS}' type='valid'/><db:verify from='victim.example' to='${OURS}' id='x' type='valid'/>`)
  peer.say(`<message from='romeo@${PEER}' to='juliet@${OURS}' id='good'/>`)
  await eventually(() => taken.length === 1)
  expect(count('dialtone_gateway_unsolicited_dialback_total')).toBe(2)
  expect(offered.map(({ pair }) => pair)).toEqual([{ from: OURS, to: PEER }])
  peer.say(`<db:result from='victim.example' to='${OURS}' type='valid'/><message from='x@victim.example' to='juliet@${OURS}'/>`)
  expect(await peer.closed).toContain('<invalid-id')
  expect(taken).toHaveLength(1)
})

it('D16: who is known by dialback alone is known by DNS alone: told as such, and refused where a certificate is demanded', async () => {
  // The resolver was lied to: the attacker's server says valid.
  const poisoned = async (given: Given) => {
    const result = await attack(dialbackKeyText(PEER, OURS, 'k'), given)
    await result.peer.until(/<db:result .*?(?:\/>|<\/db:result>)/)
    return result
  }
  const naive = await poisoned({})
  expect(naive.facts.authenticated).toMatchObject([{ by: 'dialback' }])
  expect(naive.count('dialtone_gateway_inbound_authenticated_total', { zone: 'outside', by: 'dialback' })).toBe(1)
  const { facts, verified, peer } = await poisoned({ leg: { certificate: 'valid' } })
  expect(peer.heard).toContain('<not-authorized ')
  expect([facts.authenticated, verified]).toEqual([[], []])
  // Nor by another certificate than the one that is pinned.
  const pinned = await started({ leg: { certificate: 'pinned', pins: ['0'.repeat(64)] } })
  const other = await dial(pinned.starttls)
  expect(await secure(other, HEADER, CERTIFICATE)).not.toContain('EXTERNAL')
})

it('D17: a thousand wrong keys are one event and few digests, and nobody else waits', async () => {
  const wrong = Array.from({ length: 1000 }, (_, at) => dialbackQuestionText(PEER, OURS, `i${at}`, 'f'.repeat(64))).join('')
  let computed = 0
  const counting: Keys = { ...KEYS.outside, isOurs: (key, scope) => { computed++; return KEYS.outside.isOurs(key, scope) } }
  const naive = await attack(wrong, { keys: { outside: counting }, bounds: { questions: 1e9, refusals: 1e9, unsentBytes: 1e9 } })
  await naive.peer.until(/id='i999'/)
  expect(computed).toBe(1000)
  computed = 0
  const { peer, told, starttls } = await attack(wrong, { keys: { outside: counting } })
  expect(await peer.closed).toContain('<policy-violation ')
  expect(computed).toBe(50)
  expect(told.filter(({ on, count }) => on === 'asked' && count === undefined)).toHaveLength(1)
  expect(told.filter(({ on }) => on === 'asked').length).toBeLessThan(4)
  const other = await dial(starttls, '127.0.0.2')
  await secure(other)
  other.say(dialbackQuestionText(PEER, OURS, 'y', KEYS.outside.keyFor({ receiving: PEER, originating: OURS, streamId: 'y' })))
  await other.until(/id='y' type='valid'/)
})

describe('C1: what was said in clear behind <starttls/>', () => {
  const injected = STARTTLS + HEADER + dialbackKeyText(VICTIM, OURS, 'k')
  const begin = async (given: Given) => {
    const all = await started(given)
    const peer = await dial(all.starttls)
    peer.say(HEADER)
    await peer.until(/<\/stream:features>/)
    return { ...all, peer }
  }
  it('counts as if it had come through TLS, where what was read is kept', async () => {
    const { peer, verified } = await begin({ guards: { surplus: () => 0, carried: bytes => bytes.slice() } })
    peer.say(injected)
    await peer.until(/<proceed[^>]*>/)
    await peer.startTls()
    await peer.until(/to='victim.example' type='valid'/)
    expect(verified).toHaveLength(1)
  })
  it('ends the stream, wherever the packet is cut', async () => {
    for (const cut of [1, STARTTLS.length, STARTTLS.length + 1, STARTTLS.length + 20, injected.length]) {
      const { peer, verified, facts } = await begin({})
      peer.say(injected.slice(0, cut))
      peer.say(injected.slice(cut))
      // In the next packet it is read as the handshake that was asked for, and is none.
      expect(await peer.closed).toMatch(/<not-well-formed |<proceed [^>]*>$/)
      expect([verified, facts.authenticated]).toEqual([[], []])
    }
  })
  it('is forgotten where it came before, proved or not', async () => {
    const { peer, taken } = await begin({ leg: { tls: 'optional', dialback: 'always' } })
    peer.say(dialbackKeyText(PEER, OURS, 'k'))
    await peer.until(/type='valid'/)
    peer.say(STARTTLS)
    await peer.until(/<proceed[^>]*>/)
    await peer.startTls()
    peer.say(HEADER + stanza(PEER))
    expect(await peer.closed).toContain('<not-authorized ')
    expect(taken).toEqual([])
  })
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  it(`C8: ${version}: a session that is resumed brings no identity along (CVE-2025-23419)`, async () => {
    const twice = async (given: Given) => {
      const { starttls } = await started(given)
      const sessions: Buffer[] = []
      const first = await dial(starttls)
      first.say(HEADER)
      await first.until(/<\/stream:features>/)
      first.say(STARTTLS)
      await first.until(/<proceed[^>]*>/)
      const begun = first.startTls(CERTIFICATE, { minVersion: version, maxVersion: version })
      await new Promise(resolve => { setImmediate(resolve) })
      await begun
      ;(first.socket() as TLSSocket).on('session', session => sessions.push(session))
      first.say(HEADER)
      await first.until(/<stream:features>.*EXTERNAL/)
      const own = (first.socket() as TLSSocket).getSession()
      const session = version === 'TLSv1.2' ? own : sessions[0]
      const again = await dial(starttls)
      const features = await secure(again, HEADER, undefined, { minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) })
      return { resumed: (again.socket() as TLSSocket).isSessionReused(), features }
    }
    const naive = await twice({ guards: { tls: { unguarded: true } } })
    expect(naive.resumed).toBe(true)
    expect(naive.features).toContain('EXTERNAL') // without a certificate of its own
    const guarded = await twice({})
    expect(guarded.resumed).toBe(false)
    expect(guarded.features).not.toContain('EXTERNAL')
  })
}

it('C9: nobody makes us shake hands again', async () => {
  const again = async (given: Given): Promise<Error | null> => {
    const { starttls } = await started(given)
    const peer = await dial(starttls)
    await secure(peer, HEADER, undefined, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    return await new Promise(resolve => {
      const socket = peer.socket() as TLSSocket
      socket.once('error', resolve)
      socket.renegotiate({ rejectUnauthorized: false }, error => resolve(error ?? null))
    })
  }
  expect(await again({ guards: { tls: { unguarded: true } } })).toBeNull()
  expect(await again({})).toBeInstanceOf(Error)
})

it('C10: another protocol is refused with an alert, and who asks for a server that is not ours gets no EXTERNAL (ALPACA)', async () => {
  const open = { guards: { tls: { alpn: [] } } }
  const other = { ALPNProtocols: ['h2'] }
  const naive = await dial((await started(open)).direct)
  await naive.startTls(undefined, other)
  const { direct, starttls } = await started()
  await expect((await dial(direct)).startTls(undefined, other)).rejects.toThrow('no application protocol')
  const peer = await dial(starttls)
  expect(await secure(peer, HEADER, CERTIFICATE, { servername: 'www.elsewhere.example' })).not.toContain('EXTERNAL')
  expect(await secure(await dial(starttls), HEADER, CERTIFICATE)).toContain('EXTERNAL')
})

it('C12: nothing is compressed', async () => {
  const { starttls } = await started()
  const peer = await dial(starttls)
  expect(await secure(peer)).not.toContain('compress')
  peer.say("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")
  expect(await peer.closed).toContain('<unsupported-stanza-type ')
})

/** A stream inside TLS that says this. */
async function attack (says: string, given: Given = {}, shows?: CertificateSpec): Promise<Started & { peer: RawPeer }> {
  const all = await started(given)
  const peer = await dial(all.starttls)
  await secure(peer, HEADER, shows)
  peer.say(says)
  return { ...all, peer }
}

it('I9: EXTERNAL is judged when it is asked for: pins that came after the header count', async () => {
  const gateway = await started()
  const peer = await dial(gateway.starttls)
  expect(await secure(peer, HEADER, CERTIFICATE)).toContain('EXTERNAL')
  await gateway.become(await worldOf({ leg: { certificate: 'pinned', pins: ['0'.repeat(64)] } }))
  peer.say(externalText('='))
  expect(await peer.until(/<success[^>]*>|<failure.*?<\/failure>/)).toContain('<not-authorized/>')
})
