import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import type { ZoneSpec } from '@dialtone/contracts'
import { SECRET, startServer, startSite, until, type Site, type Talker } from '../test-support/component-site.ts'

const ADDRESS = '127.55.1.1'
let site: Site
let server: Awaited<ReturnType<typeof startServer>>
afterEach(async () => {
  await site?.attachments.stop()
  server?.server.close()
})

it('comes to the inside server as a foreign domain, and carries both ways', async () => {
  await start()
  const talker = await welcome(await server.next())
  await until(() => site.outs.length === 1)
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBe(site.outs[0])
  expect(site.attachments.out('inside', { from: 'other.example', to: 'ours.example' })).toBeUndefined()
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'third.example' })).toBeUndefined()
  expect(site.attachments.expects('inside', { from: 'partner.example', to: 'ours.example' })).toBe('peer')
  talker.say("<message from='a@ours.example' to='b@partner.example'><body>x</body></message>")
  await until(() => site.taken.length === 1)
  expect(site.taken).toMatchObject([{ from: 'ours.example', to: 'partner.example', canonical: true }])
  site.outs[0]?.write(Buffer.from('<presence/>'), 0, 11, true)
  site.outs[0]?.flush()
  await talker.hears(/<presence\/>/)
  expect(site.attachments.findings()).toEqual([])
})

it('has nothing of a domain whose component comes to us', async () => {
  await start()
  await welcome(await server.next())
  await until(() => site.outs.length === 1)
  const { connect } = specOf().components ?? {}
  site.inside.add('bot.ours.example')
  expect(await site.configure({ components: { ...(connect === undefined ? {} : { connect }), accept: { listen: [{ address: ADDRESS, port: 0 }], domains: { 'bot.ours.example': 'env:secret' } } } })).toEqual([])
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'bot.ours.example' })).toBeUndefined()
  expect(site.attachments.expects('inside', { from: 'partner.example', to: 'bot.ours.example' })).toBe('server')
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBe(site.outs[0])
})

it('answers what is of no domain of the zone, or for another than it is, and goes on', async () => {
  await start()
  const talker = await welcome(await server.next())
  talker.say("<message id='1' from='a@stranger.example/&lt;' to='b@partner.example'/><iq type='get' id='2' from='a@ours.example' to='b@elsewhere.example'/>" +
    "<message type='error' from='a@stranger.example' to='b@partner.example'/><iq type='result' id='3' from='a@stranger.example' to='b@partner.example'/><presence from='a@ours.example' to='b@partner.example'/>")
  await talker.hears(/<message type='error' id='1' from='b@partner\.example' to='a@stranger\.example\/&#60;'><error type='cancel'><not-allowed [^]*<iq type='error' id='2' from='b@elsewhere\.example' to='a@ours\.example'>/)
  await until(() => site.taken.length === 1)
  expect(talker.heard.match(/type='error'/g)).toHaveLength(2)
  expect(site.counted['refused connect not-ours']).toBe(4)
})

it('a domain that is no more inside may not go on, from the next configuration on', async () => {
  await start()
  const talker = await welcome(await server.next())
  const presence = "<presence from='a@ours.example' to='b@partner.example'/>"
  talker.say(presence)
  await until(() => site.taken.length === 1)
  site.inside.delete('ours.example')
  await site.configure(specOf())
  talker.say(presence)
  await until(() => site.counted['refused connect not-ours'] === 1)
  expect(site.taken).toHaveLength(1)
  expect(site.ended).toEqual(['ours.example partner.example'])
})

it('comes again after every end, later each time, and at once when it is told to', async () => {
  await start({ firstMs: 30, mostMs: 60_000 })
  const first = await server.next()
  first.socket.destroy()
  const second = await server.next()
  second.say("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='x'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
  const third = await server.next()
  expect(site.counted['attempts connect host-unknown']).toBe(1)
  expect(site.attachments.findings()).toMatchObject([{ what: 'component', says: expect.stringContaining('not attached to the inside server as partner.example') as string }])
  await welcome(third)
  await until(() => site.outs.length === 1)
  third.say('</stream:stream>')
  await third.hears(/<\/stream:stream>/)
  expect(await site.outs[0]?.ended).toEqual({ clean: true })
  await until(() => site.attachments.retry({ peer: 'partner.example' }) === 1)
  await welcome(await server.next())
  await until(() => site.outs.length === 2)
})

it.each([
  ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'broke-protocol'],
  ['a port for servers', "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1'>", 'broke-protocol'],
  ['a refusal', "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'><stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", 'not-authorized'],
  ['silence', '', 'timeout'],
])('says what it met where it meets %s', async (_, says, outcome) => {
  await start({ handshakeMs: 200 })
  const talker = await server.next()
  talker.say(says)
  await until(() => site.counted[`attempts connect ${outcome}`] === 1)
  expect(site.outs).toEqual([])
})

it('is reconfigured live: what stays stays, what is new comes, what is gone leaves with its footer', async () => {
  await start()
  const talker = await welcome(await server.next())
  const two = specOf()
  two.components?.connect?.push({ ...two.components.connect[0], domain: 'second.example' } as never)
  expect(await site.configure(two)).toEqual([])
  const second = await server.next()
  await second.hears(/to='second\.example'/)
  expect(talker.closed).toBe(false)
  two.components?.connect?.shift()
  expect(await site.configure(two)).toEqual([])
  await talker.hears(/<\/stream:stream>/)
  expect(site.attachments.out('inside', { from: 'partner.example', to: 'ours.example' })).toBeUndefined()
})

it('drains: its streams end with both footers, and nothing comes again before the next configuration', async () => {
  await start({ closeMs: 5000, firstMs: 1 })
  const talker = await welcome(await server.next())
  await until(() => site.outs.length === 1)
  const drained = site.attachments.drain()
  await talker.hears(/<\/stream:stream>/)
  talker.say("<message from='a@ours.example' to='b@partner.example'/></stream:stream>")
  await drained
  expect(site.taken).toHaveLength(1)
  expect(await site.outs[0]?.ended).toEqual({ clean: true })
  await new Promise(resolve => { setTimeout(resolve, 50) })
  expect(site.attachments.select({})).toEqual([])
  await site.configure(specOf())
  await welcome(await server.next())
})

function specOf (): Partial<ZoneSpec> {
  return { components: { connect: [{ domain: 'partner.example', to: { host: ADDRESS, port: server.port }, secret: 'env:secret' }] } }
}

async function start (limits: NonNullable<Parameters<typeof startSite>[1]>['limits'] = {}): Promise<void> {
  server = await startServer(ADDRESS)
  site = await startSite(specOf(), { limits: { firstMs: 20, ...limits } })
}

/** The server's part of the handshake. */
async function welcome (talker: Talker): Promise<Talker> {
  await talker.hears(/<stream:stream xmlns='jabber:component:accept' [^>]*to='/)
  talker.say("<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='a&amp;b' from='partner.example'>")
  const [, shown] = await talker.hears(/<handshake>([0-9a-f]{40})<\/handshake>/)
  expect(shown).toBe(createHash('sha1').update('a&b' + SECRET).digest('hex'))
  talker.say('<handshake/>')
  return talker
}
