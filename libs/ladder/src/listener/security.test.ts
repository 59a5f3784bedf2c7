// Rows of dialback and identity (D) and of resources (R), over sockets: each attack first shown to work where its guard is missing. What of them is
// in the tables alone is in libs/stream/src/negotiation/security.test.ts.
import { X509Certificate } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ListenerEvent } from '@dialtone/contracts'
import { ListenerEvent as ListenerEventSchema, firstProblem } from '@dialtone/contracts/schemas'
import { anchorsOf, validateChain } from '@dialtone/net'
import { FOOTER, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, headerText } from '@dialtone/stream'
import { certificateFor, trustedRoot } from '@dialtone/zoo'
import { describe, expect, it } from 'vitest'
import { KEYS, OURS, PEER, answering, dial, eventually, expectation, secure, started, unguarded, type Place, type RawPeer } from '../test-support/raw-peer.ts'
import type { Prove } from './expectation.ts'
import { LISTENER_LIMITS } from './limits.ts'

const HEADER = headerText({ from: PEER, to: OURS })
const STANZA = `<message from='${PEER}' to='${OURS}'/>`
const base64 = (text: string) => Buffer.from(text).toString('base64')
const names = (told: readonly ListenerEvent[]) => told.map(({ on }) => on)

it('D1: an answer that nobody asked for authenticates nobody', async () => {
  const lies = dialbackAnswerText('result', PEER, OURS, { type: 'valid' }) + dialbackAnswerText('verify', PEER, OURS, { type: 'valid' }, 'x')
  // Whoever believes what says valid lets the next stanza in (CVE-2012-3525, CVE-2012-4669, CVE-2012-4670).
  expect([...lies.matchAll(/from='([^']+)' to='([^']+)'(?: id='x')? type='valid'/g)].map(([, from]) => from)).toEqual([PEER, PEER])
  const { listener, told, starttls } = await started()
  listener.expect(expectation())
  const peer = await opened(starttls)
  peer.say(lies + STANZA)
  expect(await peer.closed).toContain('<not-authorized ')
  const again = await opened(starttls)
  again.say(lies + lies)
  expect(await again.closed).toContain('<invalid-id ')
  expect(names(told)).not.toContain('authenticated')
})

it('D6: nobody is answered about a domain that is not ours, not even with a right key', async () => {
  const key = KEYS.keyFor({ receiving: PEER, originating: 'internal.example', streamId: 'x' })
  // Whoever has the secret and does not look at the domain says valid.
  expect(KEYS.isOurs(key, { receiving: PEER, originating: 'internal.example', streamId: 'x' })).toBe(true)
  const { told, starttls } = await started()
  const peer = await opened(starttls)
  peer.say(dialbackQuestionText(PEER, 'internal.example', 'x', key))
  expect(await peer.until(/<db:verify.*?<\/db:verify>/)).toMatch(/from='internal.example' to='partner.example' id='x' type='error'.*<item-not-found /)
  expect(told).toContainEqual(expect.objectContaining({ on: 'asked', answered: 'item-not-found' }))
  // The stream stays, for what is ours.
  peer.say(question('y'))
  await peer.until(/type='valid'/)
})

it('D7: a certificate for one domain proves no second one on the same stream', async () => {
  const cert = { names: { dns: ['first.example'] } }
  expect(await trusted(cert)).toBe(true) // all that dialback without dialback asked for once (CVE-2021-32919)
  const { listener, told, starttls } = await started()
  const asked: string[] = []
  const prove: Prove = ({ to }) => { asked.push(to); return answering('invalid')({ from: '', to, id: '', key: '' }) }
  for (const peer of ['first.example', 'second.example']) listener.expect(expectation({ peer, prove }))
  const peer = await dial(starttls)
  expect(await secure(peer, headerText({ from: 'first.example', to: OURS }), cert)).toContain('EXTERNAL')
  peer.say(dialbackKeyText('second.example', OURS, 'k'))
  expect(await peer.closed).toMatch(/<db:result from='ours.example' to='second.example' type='invalid'\/>/)
  expect(asked).toEqual(['second.example'])
  expect(names(told)).not.toContain('authenticated')
})

it('D12: every header has an id of its own that nobody can know before, and an id of the peer\'s choice means nothing', async () => {
  // With a generator that repeats, a key or an answer for one stream is one for another.
  const weak = await started({ random: { bytes: count => new Uint8Array(count) } })
  const ids = async (at: Place) => {
    const peers = await Promise.all(Array.from({ length: 4 }, () => dial(at)))
    return await Promise.all(peers.map(async peer => {
      await secure(peer, HEADER)
      return [...peer.heard.matchAll(/<stream:stream[^>]* id='([^']+)'/g)].map(([, id]) => id)
    }))
  }
  expect(new Set((await ids(weak.starttls)).flat()).size).toBe(1)
  const { listener, told, starttls } = await started()
  const seen = (await ids(starttls)).flat()
  expect(new Set(seen).size).toBe(8)
  expect(seen.every(id => /^[0-9a-f]{32}$/.test(id ?? ''))).toBe(true)

  // The peer has announced, on our stream to it, the very id that we gave to its own.
  const check = expectation()
  listener.expect(check)
  const peer = await opened(starttls)
  const [, id = ''] = / id='([^']+)'/.exec(peer.heard) ?? []
  check.streamIds.add(id)
  expect(check.streamIds.has(id)).toBe(true) // whoever waits for ids, whoever gave them, has waited for this one
  peer.say(dialbackAnswerText('verify', PEER, OURS, { type: 'valid' }, id) + dialbackAnswerText('result', PEER, OURS, { type: 'valid' }) + STANZA)
  expect(await peer.closed).toContain('<not-authorized ')
  expect(names(told)).not.toContain('authenticated')
})

it('D13: nobody comes in our name, however it is written', async () => {
  const { told, starttls } = await started()
  const variants = [OURS, 'OURS.example', 'ours.example.', 'oUrS.eXaMpLe.']
  // Compared as text, three of them are somebody else.
  expect(variants.filter(from => from !== OURS)).toHaveLength(3)
  for (const from of variants) {
    const peer = await dial(starttls)
    peer.say(headerText({ from, to: OURS }))
    expect(await peer.closed).toContain('<not-authorized ')
  }
  const peer = await opened(starttls)
  peer.say(dialbackKeyText('Ours.Example', OURS, 'k'))
  expect(await peer.until(/<db:result.*?<\/db:result>/)).toContain('<policy-violation ')
  expect(told.filter(({ on }) => on === 'key' || on === 'authenticated')).toEqual([])
})

describe('EXTERNAL towards us', () => {
  it('lets in who shows a good certificate in its own name, so that the rows below are about what they say', async () => {
    const { told } = await external({ dns: [PEER] }, base64(PEER), /<success /)
    expect(told).toContainEqual(expect.objectContaining({ on: 'authenticated', by: 'external', pair: { from: PEER, to: OURS } }))
  })

  it('D14: in no other name than the stream\'s', async () => {
    // Whoever takes the identity from <auth/> alone authenticates the victim.
    expect(Buffer.from(base64('victim.example'), 'base64').toString()).toBe('victim.example')
    for (const [identity, condition] of [['victim.example', 'invalid-authzid'], [`evil${PEER}`, 'invalid-authzid'], [`user@${PEER}`, 'invalid-authzid']] as const) {
      const { told, peer } = await external({ dns: [PEER] }, base64(identity), /<failure .*?<\/failure>/)
      expect(peer.heard).toContain(`<${condition}/>`)
      expect(names(told)).not.toContain('authenticated')
    }
  })

  it('D15: not by a certificate that is good for somebody else, nor by one in the right name that nobody vouches for', async () => {
    expect(await trusted({ names: { dns: ['evil.example'] } })).toBe(true) // whoever asks for a good chain alone lets it in
    for (const spec of [
      { names: { dns: ['evil.example'] } }, { names: { dns: [`evil${PEER}`, `${PEER}.evil.example`] } }, { names: { dns: ['*.example'] } }, { names: { dns: ['*.partner.example'] } },
      { names: { dns: [PEER] }, issuer: 'self' as const }, { names: { dns: [PEER] }, issuer: 'unknown' as const }, { names: { dns: [PEER] }, validDays: { from: -60, to: -2 } }, { names: {}, commonName: PEER }, undefined,
    ]) {
      const { listener, told, starttls } = await started()
      listener.expect(expectation())
      const peer = await dial(starttls)
      expect(await secure(peer, HEADER, spec)).not.toContain('EXTERNAL')
      peer.say(externalText(base64(PEER)))
      await peer.until(/<failure .*<not-authorized\/>/)
      expect(names(told)).not.toContain('authenticated')
    }
  })

  it('is for peers under check alone', async () => {
    const { starttls } = await started()
    expect(await secure(await dial(starttls), HEADER, { names: { dns: [PEER] } })).not.toContain('EXTERNAL')
  })
})

describe('D17: wrong keys', () => {
  const WRONG = Array.from({ length: 1000 }, (_, at) => dialbackQuestionText(PEER, OURS, `i${at}`, 'f'.repeat(64))).join('')

  it('are each told and computed, where nobody counts', async () => {
    let computed = 0
    const { at, told } = await unguarded({ isOurs: () => { computed++; return false } })
    const peer = await opened(at)
    peer.say(WRONG)
    await eventually(() => told.filter(({ on }) => on === 'asked').length === 1000)
    expect(computed).toBe(1000)
  })

  it('are a handful of lines and of digests, and nobody else waits for it', async () => {
    let computed = 0
    const { told, starttls } = await started({ keys: { ...KEYS, isOurs: (key, scope) => { computed++; return KEYS.isOurs(key, scope) } } })
    const peer = await opened(starttls)
    peer.say(WRONG)
    expect(await peer.closed).toContain('<policy-violation ')
    expect(computed).toBe(LISTENER_LIMITS.questions)
    expect(told.filter(({ on }) => on === 'wrong-keys')).toMatchObject([{ count: 11 }])
    expect(told.length).toBeLessThan(30)
    expect(told.at(-1)).toMatchObject({ on: 'closed', because: { condition: 'policy-violation' }, leftOut: expect.any(Number) as number })
    const other = await opened(starttls, '127.0.0.2')
    other.say(question('y'))
    await other.until(/id='y' type='valid'/)
  })
})

describe('R1: keys as a way to make us connect to others', () => {
  const FLOOD = Array.from({ length: 1000 }, (_, at) => dialbackKeyText(`d${at}.example`, OURS, 'k')).join('')

  it('works where every key is proved, four at once on every stream', async () => {
    const asked: string[] = []
    const { at } = await unguarded({ underCheck: ({ from }) => expectation({ peer: from, prove: ({ to }) => { asked.push(to); return new Promise(() => undefined) } }) })
    for (const peer of [await opened(at), await opened(at), await opened(at)]) {
      peer.say(FLOOD)
      await peer.until(/to='d999.example' type='error'><error type='cancel'><resource-constraint /)
    }
    expect(asked).toEqual(Array.from({ length: 3 }, () => ['d0.example', 'd1.example', 'd2.example', 'd3.example']).flat())
  })

  it('asks nobody for any of a thousand domains that are not under check, and ends the stream', async () => {
    const { listener, told, starttls } = await started()
    let asked = 0
    listener.expect(expectation({ prove: question => { asked++; return answering('valid')(question) } }))
    const peer = await opened(starttls)
    peer.say(FLOOD)
    expect(await peer.closed).toContain('<policy-violation ')
    expect(asked).toBe(0)
    expect(told.length).toBeLessThan(30)
  })

  it('asks the one peer that is under check no more than a few times at once, and not without end', async () => {
    const { listener, starttls } = await started()
    let [now, most, all] = [0, 0, 0]
    const gate = Promise.withResolvers<void>()
    const prove: Prove = async question => {
      most = Math.max(most, ++now)
      all++
      await gate.promise
      now--
      return await answering('invalid')(question)
    }
    // Guarded by stream alone, every stream of the stranger's is one more connection to the peer.
    const naive = await unguarded({ underCheck: () => expectation({ prove }) })
    const claim = async (at: Place, from?: string) => {
      const peer = await opened(at, from)
      peer.say(dialbackKeyText(PEER, OURS, 'k'))
      return peer
    }
    await Promise.all(Array.from({ length: 15 }, () => claim(naive.at)))
    await eventually(() => most === 15)
    gate.resolve()
    await eventually(() => now === 0)

    ;[most, all] = [0, 0]
    listener.expect(expectation({ prove, addresses: new Set(['127.0.0.9']) }))
    for (let at = 0; at < 15; at++) await (await claim(starttls)).until(/type='(?:invalid|error)'/)
    expect(all).toBe(LISTENER_LIMITS.proofs / 2)
    expect(most).toBe(1)
    // What is left is the peer's own.
    await (await claim(starttls, '127.0.0.9')).until(/type='invalid'/)
    expect(all).toBe(LISTENER_LIMITS.proofs / 2 + 1)
  })
})

describe('R2: connections that are held', () => {
  /** A header that never ends, a byte at a time. */
  const dribble = (peer: RawPeer) => {
    const timer = setInterval(() => peer.open ? peer.say(' ') : clearInterval(timer), 10)
    peer.say('<stream:stream ')
  }

  it('a header a byte at a time never ends where each byte is one more chance', async () => {
    const { at } = await unguarded({ limits: { ...LISTENER_LIMITS, helloMs: 3_600_000, negotiationMs: 3_600_000 } })
    const peer = await dial(at)
    dribble(peer)
    await new Promise(resolve => { setTimeout(resolve, 300) })
    expect(peer.open).toBe(true)
  })

  it('ends when the time for a header is over, and says why', async () => {
    const { told, starttls } = await started({ limits: { helloMs: 100 } })
    const peer = await dial(starttls)
    dribble(peer)
    expect(await peer.closed).toContain('<connection-timeout ')
    expect(told.at(-1)).toMatchObject({ because: { why: 'went-silent' } })
  })

  it('so does a handshake, an element that never ends, and a stream that asks nothing of use', async () => {
    const { starttls, direct } = await started({ limits: { tlsMs: 100, negotiationMs: 200 } })
    const silent = await dial(direct)
    const half = await dial(direct)
    half.say(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    await Promise.all([silent.closed, half.closed])
    const endless = await opened(starttls)
    endless.say('<db:verify ')
    const useless = await opened(starttls)
    const timer = setInterval(() => useless.say(dialbackQuestionText(PEER, OURS, 'x', 'wrong')), 20)
    expect(await endless.closed).toContain('<connection-timeout ')
    expect(await useless.closed).toContain('<connection-timeout ')
    clearInterval(timer)
  })

  it('fill a listener that counts nothing; one that does keeps room for a peer under check', async () => {
    const limits = { connections: 20, connectionsPerAddress: 5, accepts: 1000 }
    const { listener, told, starttls } = await started({ limits })
    listener.expect(expectation({ addresses: new Set(['127.0.9.9']) }))
    // From as many addresses as it takes.
    const held = async (from: string) => await dial(starttls, from)
    for (let at = 0; at < 18; at++) await held(`127.0.1.${1 + Math.floor(at / 5)}`)
    await eventually(() => listener.connections === 18)
    await (await held('127.0.2.1')).closed
    expect(told.at(-1)).toEqual({ on: 'turned-away', at: expect.any(String) as string, source: '127.0.2.1', why: 'too-many-connections' })
    const peer = await opened(starttls, '127.0.9.9')
    peer.say(question('y'))
    await peer.until(/type='valid'/)
    // The guard off: as many as there are from one address, and nobody else gets in.
    const naive = await started({ limits: { connections: 20, connectionsPerAddress: 1000, accepts: 1000 } })
    for (let at = 0; at < 18; at++) await dial(naive.starttls)
    await eventually(() => naive.listener.connections === 18)
    await (await dial(naive.starttls, '127.0.9.9')).closed
  })

  it('from one address are few at once, and few in a second', async () => {
    const clock = { now: () => 0, elapsed: () => 0 }
    const { listener, told, starttls } = await started({ limits: { connectionsPerAddress: 3, accepts: 6, acceptsPerSecond: 1 }, clock })
    const three = [await opened(starttls), await opened(starttls), await opened(starttls)]
    await (await dial(starttls)).closed
    for (const peer of three) peer.leave()
    await eventually(() => listener.connections === 0)
    for (let at = 0; at < 3; at++) {
      (await opened(starttls)).leave()
      await eventually(() => listener.connections === 0)
    }
    for (let at = 0; at < 30; at++) await (await dial(starttls)).closed
    expect(told.filter(({ on }) => on === 'turned-away').map(event => 'count' in event ? event.count : 1)).toEqual([...Array.from({ length: 10 }, () => 1), 11])
    await opened(starttls, '127.0.0.2')
  })
})

it('R7: ten thousand domains leave nothing behind', async () => {
  const domain = (at: number) => `${`d${at}`.padEnd(60, 'x')}.${'y'.repeat(60)}.${'z'.repeat(60)}.example`
  const naive = new Map<string, { asked: number }>()
  const collect = collector()
  const before = collect()
  for (let at = 0; at < 10_000; at++) naive.set(domain(at), { asked: 1 })
  const cost = collect() - before
  expect(naive.size).toBe(10_000)
  expect(cost).toBeGreaterThan(2_000_000)

  const kinds = new Set<string>()
  const { starttls } = await started({ limits: { questions: 1e9, refusals: 1e9 }, tell: event => kinds.add(`${event.on} ${Object.keys(event).join()}`) })
  const peer = await opened(starttls)
  const ask = async (first: number, count: number) => {
    for (let at = first; at < first + count; at += 100) {
      peer.say(Array.from({ length: 100 }, (_, more) => dialbackQuestionText(domain(at + more), OURS, 'x', 'k') + dialbackKeyText(domain(at + more), OURS, 'k')).join(''))
      peer.say(dialbackQuestionText(PEER, OURS, `end${at}`, 'k'))
      await peer.until(new RegExp(`id='end${at}' type='invalid'`))
    }
  }
  // The first ones are for what is compiled and filled once.
  await ask(0, 2000)
  const [kindsThen, then, heardThen] = [kinds.size, collect(), peer.heard.length]
  await ask(10_000, 10_000)
  expect(collect() - then - (peer.heard.length - heardThen)).toBeLessThan(cost / 2)
  expect(kinds.size).toBe(kindsThen)
})

it('R8: what a peer writes never becomes a line, a field or a command of a terminal', async () => {
  const EVIL = 'a&#10;{"on":"authenticated"}&#13;&#27;[2J\u202E\u2028&#127;'.replaceAll('&#27;', '\u009B')
  // Written as it is, one event is two lines.
  expect(['header', 'a\n{"on":"authenticated"}'].join(' ').split('\n')).toHaveLength(2)
  const { listener, told, starttls } = await started()
  listener.expect(expectation())
  const streams = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
  for (const [header, ...after] of [
    [`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='${EVIL}' to='${EVIL}' version='1.0'>`],
    [HEADER, `<stream:error><undefined-condition ${streams}/><text ${streams}>${EVIL}</text></stream:error>`],
    [HEADER, `<stream:error><x${'y'.repeat(90)} ${streams}/><z xmlns='${EVIL}'/></stream:error>`],
    [HEADER, dialbackQuestionText(PEER, OURS, 'x', 'k').replace("id='x'", `id='${EVIL}'`) + FOOTER],
    [HEADER, dialbackKeyText('x', OURS, 'k').replace("from='x'", `from='${EVIL}'`)],
    [HEADER, `<x${EVIL.replaceAll(/[^a-z]/g, '')} xmlns='${EVIL}'/>`],
    [HEADER, `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${EVIL}'>=</auth>${FOOTER}`],
    [`<${'x'.repeat(200)} xmlns='${EVIL}'>`], ['\u009B2J\n\n{"on":"authenticated"}\n'], [HEADER, '<!DOCTYPE x>'], [HEADER, '</a\u009B>'],
  ]) {
    const peer = await dial(starttls)
    peer.say([header, ...after].join(''))
    await peer.closed
  }
  await eventually(() => listener.connections === 0)
  expect(told.filter(({ on }) => on === 'closed')).toHaveLength(11)
  for (const event of told) {
    const line = JSON.stringify(event)
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
    // Nothing but quotation marks and our own backslashes was left for JSON to escape.
    expect(line.replaceAll('\\\\', '').replaceAll('\\"', '')).not.toContain('\\')
    expect(firstProblem(ListenerEventSchema, JSON.parse(line))).toBeUndefined()
  }
  expect(names(told)).not.toContain('authenticated')
})

/** A stream in clear, up to our features. */
async function opened (at: Place, from?: string): Promise<RawPeer> {
  const peer = await dial(at, from)
  peer.say(HEADER)
  await peer.until(/<\/stream:features>/)
  return peer
}

/** A question about a key that is ours. */
function question (id: string): string {
  return dialbackQuestionText(PEER, OURS, id, KEYS.keyFor({ receiving: PEER, originating: OURS, streamId: id }))
}

/** Up to the answer to <auth/>, by a peer under check. */
async function external (shown: { dns: string[] }, authzid: string, answer: RegExp): Promise<{ peer: RawPeer, told: ListenerEvent[] }> {
  const { listener, told, starttls } = await started()
  listener.expect(expectation())
  const peer = await dial(starttls)
  expect(await secure(peer, HEADER, { names: shown })).toContain('EXTERNAL')
  peer.say(externalText(authzid))
  await peer.until(answer)
  return { peer, told }
}

/** Whether the chain alone is good. */
async function trusted (spec: Parameters<typeof certificateFor>[0]): Promise<boolean> {
  const { chain } = await certificateFor(spec)
  return validateChain([new X509Certificate(chain).raw], anchorsOf({ system: false, given: [await trustedRoot()] })).chain.trust === 'trusted'
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
