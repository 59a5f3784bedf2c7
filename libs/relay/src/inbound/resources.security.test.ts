// Rows of XML, resources and reflection (gateways.md 7.3, 7.4) over sockets: each attack first shown to work where its guard is missing. What of XML is in the
// framer alone is in libs/stream/src.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { dialbackKeyText, headerText, type DialbackAnswer, type Limits } from '@dialtone/stream'
import { describe, expect, it } from 'vitest'
import { GUARDS } from './guards.ts'
import { INSIDE_LEG, OURS, PEER, SECOND, STRANGER, started, type Given, type Place } from './test-support/gateway.ts'
import { HEADER, authenticated, dial, eventually, secure, type RawPeer } from './test-support/raw-peer.ts'
import { limitsOf } from './limits.ts'
import { createVerifications } from './verifications.ts'

const STANZA = `<message from='${PEER}' to='${OURS}'/>`
/** Everything that is a number without a bound. */
const ENDLESS = Object.fromEntries(Object.keys(GUARDS.before).map(name => [name, Number.POSITIVE_INFINITY])) as Limits
const CLEAR: Given = { leg: { tls: 'optional', dialback: 'always' } }
const MANY = { accepts: 1e6, acceptsPerSecond: 1e6, connectionsPerAddress: 1e6, connections: 1e6 }

it('X1: a document type ends the stream before anything is expanded (CVE-2011-2205, -1753, -1754, -1755)', async () => {
  const laughs = `<!DOCTYPE lolz [<!ENTITY l0 'lol'>${Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} '${`&l${at};`.repeat(10)}'>`).join('')}]>`
  // Expanded, it is three gigabytes.
  expect(Array.from({ length: 9 }).reduce<number>(bytes => bytes * 10, 3)).toBe(3e9)
  for (const first of ['', HEADER]) {
    for (const cut of [1, 5, 9, laughs.length]) {
      const { starttls } = await started({ bounds: MANY })
      const peer = await dial(starttls)
      peer.say(first + laughs.slice(0, cut))
      await new Promise(resolve => { setImmediate(resolve) })
      peer.say(`${laughs.slice(cut)}${HEADER}<message>&l9;</message>`)
      expect(await peer.closed).toContain('<restricted-xml ')
    }
  }
})

describe('X3: what has no end', () => {
  const FILLER = 'x'.repeat(65_536)
  const opened = async (given: Given, says: string) => {
    const all = await started(given)
    const peer = await dial(all.starttls)
    peer.say(says)
    for (let at = 0; at < 32 && peer.open; at++) {
      peer.say(FILLER)
      await new Promise(resolve => { setImmediate(resolve) })
    }
    return { ...all, peer }
  }
  it('is kept, byte for byte, where nobody counts', async () => {
    const { peer, inbound } = await opened({ guards: { before: ENDLESS } }, `${HEADER}<a b='`)
    await eventually(() => (inbound.select({})[0]?.bytes.in ?? 0) > 2_000_000)
    expect(peer.open).toBe(true)
  })
  for (const [what, says, limit] of [
    ['an attribute', `${HEADER}<a b='`, 'attribute-bytes'], ['a name', `${HEADER}<`, 'name-bytes'], ['text', `${HEADER}<a>`, 'element-bytes'], ['a header', "<stream:stream xmlns='", 'header-bytes'],
    ['depth', HEADER + '<a>'.repeat(1000), 'depth'], ['children', `${HEADER}<a>${'<b/>'.repeat(1000)}`, 'elements'], ['attributes', `${HEADER}<a ${Array.from({ length: 100 }, (_, at) => `a${at}=''`).join(' ')} `, 'attributes'],
  ] as const) {
    it(`ends the stream: ${what}`, async () => {
      const { peer, count } = await opened({}, says)
      expect(await peer.closed).toContain('<policy-violation ')
      expect(count('dialtone_gateway_refused_xml_total', { zone: 'outside', why: limit })).toBe(1)
    })
  }
  it('nor is a peer that is authenticated endless: its stanzas are as large as its policy lets them be', async () => {
    const large = `<message from='${PEER}' to='${OURS}'><body>${'x'.repeat(50_000)}</body></message>`
    const { starttls, taken } = await started({ pair: { stanzaBytes: 100_000 } })
    const peer = await authenticated(starttls)
    peer.say(large)
    await eventually(() => taken.length === 1)
    peer.say(large.replace('x', 'x'.repeat(60_000)))
    expect(await peer.closed).toContain('<policy-violation ')
    expect(taken).toHaveLength(1)
  })
})

it('X5: a header is read, not searched', async () => {
  const decoy = HEADER.replace(` from='${PEER}'`, ` id="x from='${STRANGER}' y" from='${PEER}'`)
  // The first match is not the attribute.
  expect(/ from='([^']+)'/.exec(decoy)?.[1]).toBe(STRANGER)
  const { starttls, inbound, taken } = await started()
  const peer = await authenticated(starttls, { header: decoy })
  peer.say(STANZA)
  await eventually(() => taken.length === 1)
  expect(inbound.select({})[0]?.pairs).toMatchObject([{ from: PEER }])
})

it('X6: a prefix means what it was bound to, and nothing else', async () => {
  const games = `<message xmlns:stream='urn:x' from='${PEER}' to='${OURS}'><stream:error/></message>`
  // Whoever looks for the text sees the stream end.
  expect(games).toContain('<stream:error')
  const { starttls, taken } = await started()
  const peer = await authenticated(starttls)
  peer.say(games + `<db:message xmlns:db='jabber:server' from='${PEER}' to='${OURS}'/>`)
  await eventually(() => taken.length === 2)
  for (const other of [`<message xmlns='jabber:client' from='${PEER}' to='${OURS}'/>`, `<stream:message from='${PEER}' to='${OURS}'/>`, `<x:result xmlns:x='urn:x' from='${PEER}' to='${OURS}'>k</x:result>`]) {
    const each = await authenticated(starttls)
    each.say(other)
    expect(await each.closed).toContain('<unsupported-stanza-type ')
  }
  expect(taken).toHaveLength(2)
})

it('X7: nothing but stanzas goes further', async () => {
  const streams = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
  const elements = [
    `<stream:features/>`, `<stream:error><see-other-host ${streams}>evil.example</see-other-host></stream:error>`, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>=</auth>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<enable xmlns='urn:xmpp:sm:3' resume='true'/>", "<r xmlns='urn:xmpp:sm:3'/>", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>",
    "<bidi xmlns='urn:xmpp:bidi'/>", `<db:result from='${PEER}' to='${OURS}' type='valid'/>`, `<handshake>x</handshake>`, `<query xmlns='jabber:iq:roster' from='${PEER}' to='${OURS}'/>`,
  ].map(each => each.replace(/ (?=xmlns|mech|\/?>)/, ` from='${PEER}' to='${OURS}' `))
  // Addressed like a stanza, each would find its way by its addresses.
  const { starttls, taken, inbound } = await started({ bounds: MANY })
  for (const element of elements) {
    const peer = await authenticated(starttls)
    peer.say(`${element}${element}${element}`)
    await peer.closed
    expect(peer.heard.slice(peer.heard.lastIndexOf('features>')), element).toMatch(/<(?:unsupported-stanza-type|unsupported-feature|undefined-condition|policy-violation|not-authorized|invalid-id) |<\/stream:stream>|failed/)
  }
  await eventually(() => inbound.counts().streams === 0)
  expect(taken).toEqual([])
})

it('X9: an attribute comes once, whatever its prefix, and a language is short', async () => {
  const { starttls, taken } = await started({ bounds: MANY })
  for (const stanza of [
    `<message from='${PEER}' from='${PEER}' to='${OURS}'/>`, `<message from='${PEER}' to='${OURS}' to='${OURS}'/>`, `<message xmlns:a='urn:a' xmlns:b='urn:a' from='${PEER}' to='${OURS}' a:x='1' b:x='2'/>`,
    `<message from='${PEER}' to='${OURS}' xml:lang='${'x'.repeat(36)}'/>`,
  ]) {
    const peer = await authenticated(starttls)
    peer.say(stanza)
    expect(await peer.closed).toMatch(/<(?:not-well-formed|policy-violation) /)
  }
  const peer = await authenticated(starttls)
  peer.say(STANZA.replace('/>', ` xml:lang='${'x'.repeat(35)}'/>`))
  await eventually(() => taken.length === 1)
})

describe('R1: keys as a way to make us connect to others', () => {
  const flood = (stream: number) => Array.from({ length: 1000 }, (_, at) => dialbackKeyText(`d${at}.s${stream}.example`, OURS, 'k')).join('')
  const attack = async (given: Given, streams: number, from: (at: number) => string = () => '127.0.0.1') => {
    let [now, most] = [0, 0]
    const all = await started({
      ...CLEAR, ...given, bounds: { ...MANY, unsentBytes: 1e9, refusals: 1e9, ...given.bounds },
      verify: () => {
        most = Math.max(most, ++now)
        return new Promise(() => undefined)
      },
    })
    for (let at = 0; at < streams; at++) {
      const peer = await dial(all.starttls, from(at))
      peer.say(HEADER + flood(at))
      await peer.until(new RegExp(`to='d999.s${at}.example' type='error'><error type='cancel'><resource-constraint `))
    }
    return { ...all, most }
  }
  it('works with as many streams as it takes, where only streams are counted', async () => {
    expect((await attack({ bounds: { verifications: 1e9, verificationsPerAddress: 1e9 } }, 20)).most).toBe(80)
  })
  it('reaches four at once on one stream, eight from one address, and three quarters of sixty-four in all', async () => {
    expect((await attack({}, 1)).most).toBe(4)
    expect((await attack({}, 5)).most).toBe(8)
    const { most, count } = await attack({}, 20, at => `127.0.1.${at + 1}`)
    expect(most).toBe(48)
    expect(count('dialtone_gateway_inbound_limited_total', { zone: 'outside', limit: 'verifications' })).toBeGreaterThan(0)
  })
  it('leaves the inside its own share, and networks that are known theirs', async () => {
    const asked: string[] = []
    const { starttls, inside } = await started({
      ...CLEAR, insideLeg: { tls: 'optional', dialback: 'always' }, bounds: { ...MANY, unsentBytes: 1e9, refusals: 1e9, verifications: 8 },
      verify: ({ zone, question }) => {
        asked.push(`${zone.name} ${question.from}`)
        return question.from === PEER ? Promise.resolve({ type: 'valid' }) : new Promise(() => undefined)
      },
    })
    for (let at = 0; at < 3; at++) {
      const peer = await dial(starttls, `127.0.2.${at + 1}`)
      peer.say(HEADER + flood(at))
      await peer.until(new RegExp(`to='d999.s${at}.example' type='error'><error type='cancel'><resource-constraint `))
    }
    expect(asked).toHaveLength(6)
    const server = await dial(inside)
    server.say(headerText({ from: OURS, to: PEER }) + dialbackKeyText(OURS, PEER, 'k'))
    await eventually(() => asked.includes(`inside ${OURS}`))
  })
  it('that nobody waits for any more still count against who showed them', () => {
    let now = 0
    const bounds = limitsOf()
    const all = createVerifications(() => bounds, { now: () => now, elapsed: () => now })
    for (const answer of ['invalid', 'error'] as const) {
      expect(all.begin('outside', 'net', 'a.example')).toBeUndefined()
      expect(all.begin('outside', 'net', 'a.example')).toBeUndefined()
      all.end('outside', 'net', 'a.example', answer)
      // The other was asked by a stream that is gone: it does not shorten what is known.
      all.end('outside', 'net', 'a.example', 'error')
      expect(all.begin('outside', 'net', 'a.example')).toBe('refused-before')
      now += answer === 'invalid' ? bounds.refusedMs - 1 : bounds.unaskedMs - 1
      expect(all.begin('outside', 'net', 'a.example')).toBe('refused-before')
      now += 1
    }
    for (let at = 0; at < 48; at++) expect(all.begin('outside', `net${at}`, 'a.example')).toBeUndefined()
    expect(all.begin('outside', 'stranger', 'a.example')).toBe('verifications')
    for (let at = 0; at < 16; at++) expect(all.begin('outside', `known${at}`, 'a.example', { known: true })).toBeUndefined()
    expect(all.begin('outside', 'known', 'a.example', { known: true })).toBe('verifications')
    expect(all.begin('inside', 'server', 'a.example', { trusted: true })).toBeUndefined()
    expect(all.running).toBe(65)
  })
  it('is not believed about a domain again for a while', async () => {
    const ask = async (given: Given) => {
      const all = await started({ ...CLEAR, answers: (): DialbackAnswer => ({ type: 'invalid' }), ...given })
      for (let at = 0; at < 5; at++) {
        const peer = await dial(all.starttls)
        peer.say(HEADER + dialbackKeyText(PEER, OURS, 'k'))
        await peer.until(/<db:result .*?type='(?:invalid|error)'/)
      }
      return all
    }
    expect((await ask({ bounds: { refusedMs: 0 } })).verified).toHaveLength(5)
    const { verified, starttls } = await ask({})
    expect(verified).toHaveLength(1)
    // Another network is asked for.
    const peer = await dial(starttls, '127.0.0.2')
    peer.say(HEADER + dialbackKeyText(PEER, OURS, 'k'))
    await peer.until(/type='invalid'/)
    expect(verified).toHaveLength(2)
  })
  it('is tried again at once, and not in a flood, where the server of the domain could not be asked', async () => {
    let later = 0
    let back = false
    const clock = { now: () => Date.now(), elapsed: () => later }
    const { starttls, verified } = await started({ ...CLEAR, clock, answers: (): DialbackAnswer => back ? { type: 'valid' } : { type: 'error', condition: 'remote-connection-failed' } })
    const show = async (answer: RegExp) => {
      const peer = await dial(starttls)
      peer.say(HEADER + dialbackKeyText(PEER, OURS, 'k'))
      await peer.until(answer)
    }
    await show(/<remote-connection-failed /)
    back = true
    await show(/<resource-constraint /)
    expect(verified).toHaveLength(1)
    later = 1000
    await show(/type='valid'/)
    expect(verified).toHaveLength(2)
  })
  it('asks DNS nothing about a peer that policy denies, and nothing in clear where TLS is demanded', async () => {
    const naive = await started(CLEAR)
    const one = await dial(naive.starttls)
    one.say(HEADER + dialbackKeyText(STRANGER, OURS, 'k'))
    await one.until(/type='valid'/)
    expect(naive.verified).toHaveLength(1)
    const denied = await started({ ...CLEAR, decide: peer => peer === STRANGER ? { action: 'deny' } : {} })
    const two = await dial(denied.starttls)
    two.say(HEADER + dialbackKeyText(STRANGER, OURS, 'k'))
    await two.until(/<not-allowed /)
    const strict = await started()
    const three = await dial(strict.starttls)
    three.say(HEADER + dialbackKeyText(PEER, OURS, 'k'))
    await three.until(/<policy-violation /)
    expect([denied.verified, strict.verified]).toEqual([[], []])
  })
  it('and an answer that never comes is waited for in time', async () => {
    const { starttls } = await started({ ...CLEAR, bounds: { verifyMs: 100 }, verify: ({ signal }) => new Promise(resolve => { signal.addEventListener('abort', () => resolve({ type: 'error', condition: 'remote-server-timeout' })) }) })
    const peer = await dial(starttls)
    peer.say(HEADER + dialbackKeyText(PEER, OURS, 'k'))
    await peer.until(/<remote-server-timeout /)
  })
})

describe('R2: connections that are held', () => {
  const dribble = (peer: RawPeer) => {
    const timer = setInterval(() => peer.open ? peer.say(' ') : clearInterval(timer), 10)
    peer.say('<stream:stream ')
  }
  it('a header a byte at a time never ends where each byte is one more chance, and ends here', async () => {
    const naive = await started({ bounds: { helloMs: 1e9, negotiationMs: 1e9 } })
    const held = await dial(naive.starttls)
    dribble(held)
    const { starttls } = await started({ bounds: { helloMs: 100 } })
    const peer = await dial(starttls)
    dribble(peer)
    expect(await peer.closed).toContain('<connection-timeout ')
    expect(held.open).toBe(true)
  })
  it('so do a handshake, an element that never ends, and a stream that asks nothing of use', async () => {
    const { starttls, direct } = await started({ bounds: { tlsMs: 100, negotiationMs: 200 } })
    const [silent, half, endless] = [await dial(direct), await dial(direct), await dial(starttls)]
    half.say(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    endless.say(`${HEADER}<db:verify `)
    await Promise.all([silent.closed, half.closed])
    expect(await endless.closed).toContain('<connection-timeout ')
  })
  it('fill a listener that counts nothing; one that does keeps room for a peer that has come before', async () => {
    const limits = { connections: 20, connectionsPerAddress: 5, accepts: 1000 }
    const { starttls, inbound, count } = await started({ bounds: limits })
    const known = await authenticated(starttls, { from: '127.0.9.9' })
    for (let at = 0; at < 18; at++) await dial(starttls, `127.0.1.${1 + Math.floor(at / 5)}`)
    await eventually(() => inbound.counts().negotiating === 18)
    await (await dial(starttls, '127.0.2.1')).closed
    expect(count('dialtone_gateway_connections_total', { zone: 'outside', outcome: 'too-many' })).toBe(1)
    await authenticated(starttls, { from: '127.0.9.9' })
    expect(known.open).toBe(true)
    const naive = await started({ bounds: { connections: 20, connectionsPerAddress: 1000, accepts: 1000 } })
    for (let at = 0; at < 18; at++) await dial(naive.starttls)
    await eventually(() => naive.inbound.counts().negotiating === 18)
    await (await dial(naive.starttls, '127.0.9.9')).closed
  })
  it('from one address are few at once, and few in a second', async () => {
    const clock = { now: () => Date.now(), elapsed: () => 0 }
    const { starttls, inbound } = await started({ bounds: { connectionsPerAddress: 3, accepts: 6, acceptsPerSecond: 1 }, clock })
    const three = [await greeted(starttls), await greeted(starttls), await greeted(starttls)]
    await (await dial(starttls)).closed
    for (const peer of three) peer.leave()
    await eventually(() => inbound.counts().streams === 0)
    for (let at = 0; at < 3; at++) {
      (await greeted(starttls)).leave()
      await eventually(() => inbound.counts().streams === 0)
    }
    await (await dial(starttls)).closed
    await greeted(starttls, '127.0.0.2')
  })
  it('come from where the zone says, and through its proxies alone', async () => {
    const { starttls, direct, count } = await started({ outside: { from: ['127.0.5.0/24', '203.0.113.0/24'], proxies: ['127.0.5.1/32'], listen: [{ address: '127.0.0.1', port: 0 }, { address: '127.0.0.1', port: 0, proxyProtocol: true }] } })
    await (await dial(starttls)).closed
    await greeted(starttls, '127.0.5.7')
    const lied = await dial(direct, '127.0.5.7')
    lied.say(`PROXY TCP4 203.0.113.9 203.0.113.1 5555 5269\r\n${HEADER}`)
    await lied.closed
    const refused = await dial(direct, '127.0.5.1')
    refused.say('PROXY TCP4 198.51.100.7 203.0.113.1 5555 5269\r\n')
    await refused.closed
    const proxied = await dial(direct, '127.0.5.1')
    proxied.say(`PROXY TCP4 203.0.113.9 203.0.113.1 5555 5269\r\n${HEADER}`)
    await proxied.until(/<\/stream:features>/)
    expect(count('dialtone_gateway_connections_total', { zone: 'outside', outcome: 'no-proxy' })).toBe(1)
    expect(count('dialtone_gateway_connections_total', { zone: 'outside', outcome: 'not-from-there' })).toBe(2)
  })
  it('that ask and never read are ended', async () => {
    const { starttls, inbound } = await started({ ...CLEAR, bounds: { questions: 1e9, refusals: 1e9, unsentBytes: 1000 } })
    const peer = await greeted(starttls)
    peer.socket().pause()
    const question = `<db:verify from='${PEER}' to='${OURS}' id='x'>k</db:verify>`.repeat(500)
    const timer = setInterval(() => { if (peer.open) peer.say(question) }, 1)
    await eventually(() => inbound.counts().streams === 0)
    clearInterval(timer)
  })
})

it('R7: ten thousand domains are no series and leave nothing behind', async () => {
  const { starttls, series, facts, told } = await started({ ...CLEAR, bounds: { ...MANY, questions: 1e9, refusals: 1e9, unsentBytes: 1e9 }, answers: () => ({ type: 'error', condition: 'remote-server-not-found' }) })
  const domain = (at: number) => `${`d${at}`.padEnd(60, 'x')}.${'y'.repeat(60)}.${'z'.repeat(60)}.example`
  const naive = new Map<string, number>()
  const collect = collector()
  const start = collect()
  for (let at = 0; at < 10_000; at++) naive.set(`dialtone{peer="${domain(at)}"}`, 1)
  const cost = collect() - start
  expect(naive.size).toBe(10_000)
  expect(cost).toBeGreaterThan(2_000_000)
  const peer = await greeted(starttls)
  const ask = async (first: number, count: number) => {
    for (let at = first; at < first + count; at += 100) {
      peer.say(Array.from({ length: 100 }, (_, more) => `<db:verify from='${domain(at + more)}' to='${OURS}' id='x'>k</db:verify>`).join(''))
      peer.say(`<db:verify from='${PEER}' to='${OURS}' id='end${at}'>k</db:verify>`)
      await peer.until(new RegExp(`id='end${at}' type='invalid'`))
    }
    // What the test was told; hooks are bounded by whoever takes them.
    facts.asked.length = told.length = 0
  }
  await ask(0, 2000)
  const [then, seriesThen, heardThen] = [collect(), series(), peer.heard.length]
  await ask(10_000, 10_000)
  expect(series()).toBe(seriesThen)
  expect(collect() - then - (peer.heard.length - heardThen)).toBeLessThan(cost / 2)
})

it('R8: what a peer writes never becomes a line or a command of a terminal', async () => {
  const EVIL = 'a&#10;{"on":"stream-opened"}&#13;\u009B[2J\u202E\u2028&#127;'
  expect(['x', 'a\n{"on":"stream-opened"}'].join(' ').split('\n')).toHaveLength(2)
  const { starttls, told, facts, inbound } = await started({ ...CLEAR, bounds: MANY })
  const streams = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
  for (const [header, ...after] of [
    [`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='${EVIL}' to='${EVIL}' version='1.0'>`],
    [HEADER, `<stream:error><undefined-condition ${streams}/><text ${streams}>${EVIL}</text></stream:error>`],
    [HEADER, dialbackKeyText('x', OURS, 'k').replace("from='x'", `from='${EVIL}'`)],
    [HEADER, `<x xmlns='${EVIL}'/>`], [HEADER, '<!DOCTYPE x>'], [HEADER, '</a\u009B>'], [`<${'x'.repeat(200)} xmlns='${EVIL}'>`],
    [HEADER, `<db:verify from='${PEER}' to='${OURS}' id='${EVIL}'>k</db:verify></stream:stream>`],
  ]) {
    const peer = await dial(starttls)
    peer.say([header, ...after].join(''))
    await peer.closed
  }
  await eventually(() => inbound.counts().streams === 0)
  expect(facts.refused.length).toBeGreaterThan(3)
  for (const event of [...told, ...facts.refused, ...facts.asked]) {
    const line = JSON.stringify(event)
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
    expect(line.replaceAll('\\\\', '').replaceAll('\\"', '')).not.toContain('\\')
  }
})

describe('R11: no way from one side back to the same', () => {
  it('would be open where whoever is named is served', async () => {
    const { starttls, taken } = await started({ ...CLEAR, guards: { standing: (world, zone, pair) => ({ ...GUARDS.standing(world, zone, { ...pair, to: OURS }), served: true }) } })
    const peer = await dial(starttls)
    peer.say(headerText({ from: PEER, to: STRANGER }) + dialbackKeyText(PEER, STRANGER, 'k'))
    await peer.until(/type='valid'/)
    peer.say(`<message from='${PEER}' to='${STRANGER}'/>`)
    await eventually(() => taken.length === 1)
  })
  it('ends with host-unknown outside, and inside for who is not of the zone', async () => {
    const { starttls, inside, taken, verified } = await started({ ...CLEAR, insideLeg: INSIDE_LEG })
    const peer = await dial(starttls)
    peer.say(headerText({ from: PEER, to: STRANGER }))
    expect(await peer.closed).toContain('<host-unknown ')
    const multiplexing = await greeted(starttls)
    multiplexing.say(dialbackKeyText(PEER, STRANGER, 'k'))
    await multiplexing.until(/<item-not-found /)
    const own = await dial(inside)
    own.say(headerText({ from: OURS, to: SECOND }))
    expect(await own.closed).toContain('<host-unknown ')
    const foreign = await dial(inside)
    foreign.say(headerText({ from: PEER, to: STRANGER }))
    expect(await foreign.closed).toContain('<not-authorized ')
    expect([taken, verified]).toEqual([[], []])
  })
})

async function greeted (at: Place, from?: string): Promise<RawPeer> {
  const peer = await dial(at, from)
  peer.say(HEADER)
  await peer.until(/<\/stream:features>/)
  return peer
}

/** Bytes in use after a full collection. */
function collector (): () => number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    collect()
    return process.memoryUsage().heapUsed
  }
}

it('starts with a stream that is secured, so that the rows above are about what they say', async () => {
  const { starttls } = await started()
  expect(await secure(await dial(starttls))).toContain('dialback')
})
