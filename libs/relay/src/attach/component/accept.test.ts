import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { ZoneSpec } from '@dialtone/contracts'
import type { Intake } from '../../seams.ts'
import { SECRET, Talker, startSite, until, type Site } from '../test-support/component-site.ts'

const HEADER = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='ours.example'>"
const COMPONENTS = { accept: { listen: [{ address: '127.55.0.1', port: 0 }], domains: { 'ours.example': 'env:secret' } } }

let site: Site
afterEach(async () => { await site?.attachments.stop() })

it('takes a component that knows the secret, with an id that nobody guesses', async () => {
  const ids = new Set<string>()
  site = await startSite({ components: COMPONENTS })
  for (let n = 0; n < 3; n++) ids.add((await attach()).id)
  expect(ids.size).toBe(3)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{40}$/)
})

describe('refuses', () => {
  it.each([
    ['a wrong handshake', HEADER, '<handshake>0000000000000000000000000000000000000000</handshake>', 'not-authorized'],
    ['an empty one', HEADER, '<handshake/>', 'not-authorized'],
    ['a stanza before it', HEADER, "<message from='a@ours.example' to='b@partner.example'/>", 'not-authorized'],
    ['a domain that is not configured', HEADER.replace('ours.example', 'other.example'), '', 'host-unknown'],
    ['no domain', HEADER.replace(" to='ours.example'", ''), '', 'host-unknown'],
    ['a stream between servers', HEADER.replace('jabber:component:accept', 'jabber:server'), '', 'invalid-namespace'],
    ['what is no XML', 'GET / HTTP/1.1\r\n\r\n', '', 'not-well-formed'],
    ['a document type', '<!DOCTYPE x>', '', 'restricted-xml'],
  ])('%s', async (_, header, then, condition) => {
    site = await startSite({ components: COMPONENTS })
    const talker = await Talker.to(site.place())
    talker.say(header + then)
    await talker.hears(new RegExp(`<stream:error><${condition} .*</stream:stream>`))
    expect(talker.heard.indexOf('<stream:stream ')).toBeGreaterThanOrEqual(0)
    await until(() => talker.closed)
    expect(site.outs).toEqual([])
    expect(site.taken).toEqual([])
  })

  it('who is not in the networks of the zone, without a byte', async () => {
    site = await startSite({ components: COMPONENTS, from: ['127.55.7.0/24'] })
    const talker = await Talker.to(site.place())
    await until(() => talker.closed)
    expect(talker.heard).toBe('')
    expect(site.counted['attempts accept stranger']).toBe(1)
  })

  it('who says nothing, and who comes when too many have said nothing', async () => {
    site = await startSite({ components: COMPONENTS }, { limits: { handshakeMs: 300, negotiatingPerAddress: 2 } })
    const silent = await Promise.all([Talker.to(site.place()), Talker.to(site.place())])
    const third = await Talker.to(site.place())
    await until(() => third.closed)
    expect(third.heard).toBe('')
    await Promise.all(silent.map(talker => talker.hears(/<connection-timeout /)))
    expect(site.counted).toMatchObject({ 'attempts accept timeout': 2, 'attempts accept limit': 1 })
  })
})

it('takes stanzas of its domain to any other, each pair in a lane of its own, as they came where they name no namespace', async () => {
  site = await startSite({ components: COMPONENTS })
  const { talker } = await attach()
  const stanzas = [
    "<message from='a@ours.example' to='b@partner.example'><body>x</body></message>",
    "<presence from='ours.example' to='other.example'/>",
    "<iq from='a@ours.example/r' to='b@partner.example' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
  ]
  talker.say(stanzas.join(''))
  await until(() => site.taken.length === 3)
  expect(site.taken).toEqual(stanzas.map((text, n) => ({ from: 'ours.example', to: n === 1 ? 'other.example' : 'partner.example', canonical: true, text })))
  talker.say('</stream:stream>')
  await talker.hears(/<\/stream:stream>/)
  await until(() => site.ended.length === 2)
  expect(await site.outs[0]?.ended).toEqual({ clean: true })
})

it('puts a stanza that names the namespace of components into that of servers, with what it holds, however the bytes are cut', async () => {
  site = await startSite({ components: COMPONENTS })
  const { talker } = await attach()
  const named = `<message xmlns="jabber:component:accept" from="a@ours.example" to="b@partner.example"><x xmlns='urn:x'><body xmlns='jabber:component:accept'>"&amp;"</body></x></message>`
  const plain = "<message from='a@ours.example' to='b@partner.example'><body>y</body></message>"
  const expected = ["<message from='a@ours.example' to='b@partner.example'><x xmlns='urn:x'><body xmlns='jabber:server'>&quot;&amp;&quot;</body></x></message>", plain]
  for (const size of [1, 7, 23, 1000]) {
    const before = site.taken.length
    const bytes = named + plain
    for (let at = 0; at < bytes.length; at += size) {
      talker.say(bytes.slice(at, at + size))
      await new Promise(resolve => { setImmediate(resolve) })
    }
    await until(() => site.taken.length === before + 2)
    expect(site.taken.slice(before).map(({ text, canonical }) => [text, canonical])).toEqual(expected.map(text => [text, true]))
  }
})

it.each([
  ['of another domain', "<message from='a@evil.example' to='b@partner.example'/>", 'invalid-from'],
  ['without a sender', "<message to='b@partner.example'/>", 'invalid-from'],
  ['of a domain below its own', "<message from='a@sub.ours.example' to='b@partner.example'/>", 'invalid-from'],
  ['for nobody', "<message from='a@ours.example'/>", 'improper-addressing'],
  ['that is none', "<query xmlns='jabber:iq:auth'/>", 'unsupported-stanza-type'],
  ['that is larger than one may be', `<message from='a@ours.example' to='b@partner.example'><body>${'x'.repeat(300_000)}</body></message>`, 'policy-violation'],
])('ends the stream over a stanza %s, which goes nowhere', async (_, stanza, condition) => {
  site = await startSite({ components: COMPONENTS })
  const { talker } = await attach()
  talker.say(stanza)
  await talker.hears(new RegExp(`<stream:error><${condition} `))
  expect(site.taken).toEqual([])
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBeUndefined()
})

it('carries stanzas to the component in one write, in its namespace inside, too', async () => {
  site = await startSite({ components: COMPONENTS })
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBeUndefined()
  const { talker } = await attach()
  const out = site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })
  expect(out).toBe(site.outs[0])
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'other.example' })).toBeUndefined()
  expect(site.attachments.out('elsewhere', { from: 'partner.example', to: 'ours.example' })).toBeUndefined()
  const data = Buffer.from("<message to='a@ours.example'><body>jabber:server</body></message><iq><x xmlns='urn:x'><y xmlns='jabber:server'/></x></iq>")
  const half = data.indexOf('<iq>')
  out?.write(data, 0, half, true)
  out?.write(data, half, data.length, true)
  expect(out?.unsent).toBe(data.length)
  out?.flush()
  await talker.hears(/<message to='a@ours\.example'><body>jabber:server<\/body><\/message><iq><x xmlns='urn:x'><y xmlns='jabber:component:accept'\/><\/x><\/iq>$/)
})

it('a component that comes again replaces what is left of it', async () => {
  site = await startSite({ components: COMPONENTS })
  const first = await attach()
  const second = await attach()
  await first.talker.hears(/<stream:error><conflict .*<\/stream:stream>/)
  first.talker.say('</stream:stream>')
  await until(() => first.talker.closed)
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBe(site.outs[1])
  expect(site.counted).toMatchObject({ 'ended accept replaced': 1, 'streams accept': 1 })
  site.outs[1]?.write(Buffer.from('<presence/>'), 0, 11, true)
  site.outs[1]?.flush()
  await second.talker.hears(/<presence\/>/)
})

it('is reconfigured live: the same goes on, another secret and a domain that is gone end their streams', async () => {
  site = await startSite({ components: COMPONENTS })
  const { talker } = await attach()
  const before = site.place()
  expect(await site.configure({ components: { accept: { ...COMPONENTS.accept, listen: [...COMPONENTS.accept?.listen ?? [], { address: '127.55.0.2', port: 0 }] } } })).toEqual([])
  expect(site.place()).toEqual(before)
  expect(talker.heard).not.toContain('stream:error')
  expect(await site.configure({ components: { accept: { ...COMPONENTS.accept, domains: { 'ours.example': 'env:another secret of us' } } } })).toEqual([])
  await talker.hears(/<stream:error><not-authorized /)
})

it.each<[string, Partial<ZoneSpec>, RegExp]>([
  ['a foreign domain as a component', { components: { accept: { ...COMPONENTS.accept, domains: { 'partner.example': 'env:secret' } } } }, /partner\.example is no domain of this zone/],
  ['us as a domain of ours', { components: { connect: [{ domain: 'ours.example', to: { host: '127.0.0.1', port: 1 }, secret: 'env:secret' }] } }, /connect\/0\/domain ours\.example is a domain of ours/],
  ['one domain twice', { components: { connect: [1, 2].map(port => ({ domain: 'partner.example', to: { host: '127.0.0.1', port }, secret: 'env:secret' })) } }, /connect\/1\/domain partner\.example is attached already/],
  ['a place that is not here', { components: { accept: { ...COMPONENTS.accept, listen: [{ address: '192.0.2.1', port: 0 }] } } }, /^\/spec\/zones\/0\/components\/accept\/listen cannot listen on 192\.0\.2\.1:0: this machine has no such address/],
  ['components outside', { side: 'external', components: COMPONENTS }, /^\/spec\/zones\/0\/components inside servers attach to an internal zone/],
])('refuses %s, and goes on as before', async (_, spec, says) => {
  site = await startSite({ components: COMPONENTS })
  const { talker } = await attach()
  const [problem] = await site.configure(spec)
  expect(`${problem?.pointer} ${problem?.says}`).toMatch(says)
  talker.say("<presence from='ours.example' to='partner.example'/>")
  await until(() => site.taken.length === 1)
  await attach()
})

it('takes no more than so many pairs, and lets the oldest go', async () => {
  site = await startSite({ components: COMPONENTS }, { limits: { lanes: 3 } })
  const { talker } = await attach()
  talker.say([1, 2, 3, 4, 5].map(n => `<presence from='ours.example' to='d${n}.example'/>`).join(''))
  await until(() => site.taken.length === 5)
  expect(site.ended).toEqual(['ours.example d1.example', 'ours.example d2.example'])
})

it('gives up a component that takes nothing, and keeps another alive with white space', async () => {
  site = await startSite({ components: COMPONENTS }, { limits: { tickMs: 5, stuckMs: 1000, keepAliveMs: 500 } })
  const { talker } = await attach()
  site.time.elapsed = 600
  await talker.hears(/<handshake\/> $/)
  talker.socket.pause()
  const much = Buffer.alloc(1_000_000, 'x')
  const [out] = site.outs
  for (let n = 0; n < 20; n++) {
    out?.write(much, 0, much.length, true)
    out?.flush()
  }
  await until(() => (out?.unsent ?? 0) > 5_000_000)
  await new Promise(resolve => { setTimeout(resolve, 100) })
  site.time.elapsed = 2000
  expect(await out?.ended).toMatchObject({ clean: false, because: { why: 'went-silent' } })
})

it('ends its streams when it stops', async () => {
  site = await startSite({ components: COMPONENTS }, { limits: { closeMs: 50 } })
  const { talker } = await attach()
  await site.attachments.stop()
  await until(() => talker.closed)
  expect(talker.heard).toMatch(/<stream:error><system-shutdown .*<\/stream:stream>$/)
  expect(site.counted['streams accept']).toBe(0)
})

describe('a mistake of ours', () => {
  const SAYS = /<stream:error><internal-server-error .*<\/stream:stream>/
  const STANZA = "<message from='a@ours.example' to='b@partner.example'><body>x</body></message>"

  it('about what came on one stream ends that one', async () => {
    let wrong = true
    site = await startSite({ components: TWO }, { inside: ['ours.example', 'second.example'], intake: intakeThat(() => { if (wrong) throw new TypeError('ours') }) })
    const [first, second] = [await attach(), await attach('second.example')]
    first.talker.say(STANZA)
    await first.talker.hears(SAYS)
    expect(await site.outs[0]?.ended).toMatchObject({ clean: false, because: { at: 'probe', why: 'unclassified', detail: 'TypeError: ours' } })
    wrong = false
    second.talker.say(STANZA.replace('ours.example', 'second.example') + '</stream:stream>')
    await second.talker.hears(/<\/stream:stream>/)
    expect(await site.outs[1]?.ended).toEqual({ clean: true })
    expect(site.counted).toMatchObject({ [FAULTS]: 1, 'streams accept': 0, 'ended accept broken': 1, 'ended accept clean': 1 })
  })

  it('when a stream is looked at ends that one', async () => {
    let wrong = 0
    const elapsed = (): number => {
      if (wrong-- > 0) throw new TypeError('ours')
      return 0
    }
    site = await startSite({ components: TWO }, { inside: ['ours.example', 'second.example'], clock: { now: () => Date.now(), elapsed: () => elapsed() }, limits: { tickMs: 20 } })
    const [first, second] = [await attach(), await attach('second.example')]
    wrong = 1
    await first.talker.hears(SAYS)
    expect(await site.outs[0]?.ended).toMatchObject({ clean: false, because: { why: 'unclassified' } })
    second.talker.say('</stream:stream>')
    expect(await site.outs[1]?.ended).toEqual({ clean: true })
    expect(site.counted[FAULTS]).toBe(1)
  })

  it('when a stream is about to begin ends that one, and the next may come', async () => {
    site = await startSite({ components: COMPONENTS }, { limits: { negotiating: 1 } })
    let wrong = true
    Object.defineProperty(site.counted, 'attempts accept ready', { configurable: true, get: () => 0, set: () => { if (wrong) throw new TypeError('ours') } })
    const talker = await Talker.to(site.place())
    talker.say(HEADER)
    const [, id = ''] = await talker.hears(/ id='([^']*)'/)
    talker.say(`<handshake>${createHash('sha1').update(id + SECRET).digest('hex')}</handshake>`)
    await talker.hears(SAYS)
    await until(() => talker.closed)
    wrong = false
    await attach()
    expect(site.counted).toMatchObject({ [FAULTS]: 1, 'attempts accept fault': 1 })
  })
})

const TWO = { accept: { listen: [{ address: '127.55.0.1', port: 0 }], domains: { 'ours.example': 'env:secret', 'second.example': 'env:secret' } } }
const FAULTS = 'dialtone_gateway_faults '

function intakeThat (accept: () => void): Intake {
  return { lane: (_, { from, to }) => ({ from: Buffer.from(from), to: Buffer.from(to), accept, end: () => undefined }), refuse: () => undefined, offer: () => undefined, settled: () => undefined }
}

async function attach (domain = 'ours.example'): Promise<{ talker: Talker, id: string }> {
  const outs = site.outs.length
  const talker = await Talker.to(site.place())
  talker.say(HEADER.replace('ours.example', domain))
  const [, id = ''] = await talker.hears(new RegExp(`<stream:stream [^>]*from='${domain}' id='([^']*)'`))
  talker.say(`<handshake>${createHash('sha1').update(id + SECRET).digest('hex')}</handshake>`)
  await talker.hears(/<handshake\/>/)
  await until(() => site.outs.length === outs + 1)
  return { talker, id }
}
