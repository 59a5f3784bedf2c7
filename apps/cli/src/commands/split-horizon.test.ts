// The command against a real responder, a resolver that knows the Internet's view, and a gateway that answers in the name of whom it is asked for.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { startResponder } from '@dialtone/relay'
import { startDnsServer, type ZoneRecord } from '@dialtone/zoo'
import { collectingOut, fakeServer } from '../test-support/fake-server.ts'
import { runSplitHorizon } from './split-horizon.ts'

const GATEWAY = '127.56.0.1'
const NAME = 'gateway.ours.example'
const { signal } = new AbortController()
const stopping: (() => Promise<unknown>)[] = []
afterEach(async () => { await Promise.all(stopping.splice(0).map(stop => stop())) })

const srv = (domain: string, target: string, port = 5269): ZoneRecord => ({ name: `_xmpp-server._tcp.${domain}`, type: 'SRV', priority: 0, weight: 0, port, target })
const INTERNET: ZoneRecord[] = [srv('partner.example', 'xmpp.partner.example'), srv('ours.example', 'public.ours.example'), { name: 'xmpp.partner.example', type: 'A', address: '192.0.2.1' }]

it('says that the view is effective where every foreign domain leads to the gateway, and it answers', async () => {
  const { resolver } = await site()
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', resolver, 'partner.example', 'other.example'])
  expect(text).toMatch(/up {2}the view is effective: every foreign domain leads to the gateway, and none of ours does/)
  expect(text).toMatch(/partner\.example leads to the gateway, port \d+\n.*other\.example leads/)
  expect(text).toMatch(/ours\.example leads to public\.ours\.example:5269/)
  expect(text).toMatch(/127\.56\.0\.1:\d+ for split-horizon-[0-9a-f]{10}\.example: answers in its name/)
  expect(text).not.toContain('what to change')
  expect(exit).toBe(0)
})

it('takes the refusal of a responder that forwards nothing for what it is, and says what to set', async () => {
  const { resolver } = await site({ forwards: false })
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', resolver, 'partner.example'])
  const line = text.replaceAll(/\s+/g, ' ')
  expect(line).toMatch(/up the view is effective: .*; the resolver answers for foreign domains alone/)
  expect(line).toMatch(/ours\.example is refused, as by a responder that forwards nothing/)
  expect(line).toMatch(/what to change 1\. If the XMPP server asks nobody else: name a resolver in 'forwardTo'/)
  expect(exit).toBe(0)
})

it('names the domains that lead to the Internet, and what to change', async () => {
  const internet = await internetOf(INTERNET)
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', internet, 'partner.example'])
  expect(text).toMatch(/down {2}the view is not effective: partner\.example does not lead to the gateway/)
  expect(text).toMatch(/partner\.example leads to xmpp\.partner\.example:5269/)
  expect(text).toMatch(/what to change\n {4}1\. Have the XMPP server ask the gateway's responder/)
  expect(exit).toBe(2)
})

it('says that a domain of ours leads to the gateway', async () => {
  const { resolver } = await site({ ours: [] })
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', resolver, 'partner.example'])
  expect(text).toMatch(/down {2}ours\.example is inside and leads to the gateway/)
  expect(text).toMatch(/Add these domains to 'domains'/)
  expect(exit).toBe(2)
})

it('says that only those domains are covered that somebody wrote records for', async () => {
  const { port } = await site()
  const records = await internetOf([srv('partner.example', NAME, port), { name: NAME, type: 'A', address: GATEWAY }])
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', records, '--gateway', NAME, 'partner.example'])
  expect(text).toMatch(/degraded {2}the view covers the domains that it was given, and no other/)
  expect(text).toMatch(/split-horizon-[0-9a-f]+\.example \(made up\) has no SRV record \(nxdomain\)/)
  expect(exit).toBe(1)
})

it('says that direct TLS goes past the gateway', async () => {
  const { port } = await site()
  const records = await internetOf([srv('partner.example', NAME, port), { name: NAME, type: 'A', address: GATEWAY }, { ...srv('partner.example', 'xmpp.partner.example', 5270), name: '_xmpps-server._tcp.partner.example' }])
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', records, '--gateway', NAME, 'partner.example'])
  expect(text).toMatch(/degraded {2}partner\.example can still be reached past the gateway by direct TLS/)
  expect(text).toMatch(/Answer '_xmpps-server\._tcp'/)
  expect(exit).toBe(1)
})

it.each([
  ['answers in another name', (socket: Socket) => socket.write(header('fixed.example')), 'answers as fixed.example'],
  ['refuses', (socket: Socket, to: string) => socket.write(`${header(to)}<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`), 'ends the stream: host-unknown'],
  ['speaks something else', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'something else than a stream header'],
  ['hangs up', (socket: Socket) => socket.destroy(), 'closes the connection without a word'],
] as const)('says that the gateway %s', async (_, answer, says) => {
  const { resolver } = await site({ answer })
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', resolver, 'partner.example'])
  expect(text.replaceAll(/\s+/g, ' ')).toContain(says)
  expect(text).toMatch(/down {2}names lead to the gateway, and it does not serve them/)
  expect(exit).toBe(2)
})

it('does not take silence for an answer', async () => {
  const { exit, text } = await run(['check', '--inside', 'ours.example', '--resolver', '127.56.9.9:9', 'partner.example'])
  expect(text).toMatch(/unknown {2}the resolver 127\.56\.9\.9:9 answers nothing that was asked/)
  expect(exit).toBe(3)
})

it('asks about the peers and domains of a control API, and tells all as JSON', async () => {
  const { resolver } = await site()
  const resources = (kind: string, names: string[]) => ({ json: { asOf: '2026-11-23T10:20:00.000Z', seq: 1, resources: names.map(name => ({ kind, name, spec: {}, revision: 1, updatedAt: '2026-11-23T10:20:00.000Z', updatedBy: 'me' })) } })
  await using server = await fakeServer({ 'GET /v1/peers': resources('Peer', ['partner.example']), 'GET /v1/domains': resources('Domain', ['ours.example']) })
  const { exit, text } = await run(['check', '--server', server.url, '--resolver', resolver, '--no-connect', '--json'])
  expect(JSON.parse(text)).toMatchObject({
    state: 'up', foreign: [{ domain: 'partner.example', leads: 'gateway', ok: true, invented: false }, { invented: true, leads: 'gateway' }], inside: [{ domain: 'ours.example', leads: 'internet', ok: true }],
    remedies: [], seen: { gateway: { name: NAME, addresses: [GATEWAY] }, met: [] },
  })
  expect(exit).toBe(0)
  const zone = await run(['zone', '--for', 'dnsmasq', '--server', server.url, '--gateway', NAME, '--address', '10.0.0.5', '--port', '5299', 'b.example'])
  expect(zone.text.split('\n').slice(1)).toEqual([`srv-host=_xmpp-server._tcp.b.example,${NAME},5299,0,0`, 'srv-host=_xmpps-server._tcp.b.example', `srv-host=_xmpp-server._tcp.partner.example,${NAME},5299,0,0`, 'srv-host=_xmpps-server._tcp.partner.example', `host-record=${NAME},10.0.0.5,60`, ''])
})

it.each([
  [['check', 'partner.example'], /which domains are inside\? Give --inside/],
  [['check', '--inside', 'ours.example', '--for', 'bind'], /check has no option --for/],
  [['zone', '--gateway', NAME, '--address', '10.0.0.5', 'a.example'], /zone is for which resolver\? --for unbound, --for dnsmasq, --for bind/],
  [['zone', '--for', 'bind', '--address', '10.0.0.5', 'a.example'], /zone needs the name/],
  [['zone', '--for', 'bind', '--gateway', NAME, 'a.example'], /zone needs the gateway's address/],
  [['zone', '--for', 'bind', '--gateway', NAME, '--address', '10.0.0.5'], /zone needs foreign domains/],
  [['look'], /knows check and zone, not 'look'/],
  [[], /does what\? check, or zone/],
])('refuses %j, and says what to write', async (args, says) => {
  await expect(run(args)).rejects.toThrow(says)
})

/** A responder, the gateway behind it, and the Internet's view for what it forwards. */
async function site ({ ours = ['ours.example'], forwards = true, answer = (socket: Socket, to: string) => { socket.write(header(to)) } }: { ours?: string[], forwards?: boolean, answer?: (socket: Socket, to: string) => unknown } = {}): Promise<{ resolver: string, port: number }> {
  const port = await gateway(answer)
  const [address = '', forward = ''] = (await internetOf(INTERNET)).split(':')
  const responder = await startResponder({
    zone: 'inside', ours: domain => ours.includes(domain), clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, meter: NO_METER, logger: NO_LOGGER,
    spec: { listen: [{ address: '127.56.0.2', port: 0 }], clients: ['127.0.0.0/8'], gateway: { name: NAME, addresses: [GATEWAY], port }, forwardTo: forwards ? [{ address, port: Number(forward) }] : [] },
  })
  stopping.push(() => responder.stop())
  return { resolver: `127.56.0.2:${responder.listening[0]?.port ?? 0}`, port }
}

async function gateway (answer: (socket: Socket, to: string) => unknown): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', chunk => answer(socket, /\sto='([^']*)'/.exec(chunk.toString())?.[1] ?? ''))
  })
  server.listen(0, GATEWAY)
  await once(server, 'listening')
  stopping.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

async function internetOf (records: ZoneRecord[]): Promise<string> {
  const server = await startDnsServer({ records }, '127.56.0.3', AbortSignal.timeout(10_000))
  stopping.push(() => server.close())
  return `${server.address}:${server.port}`
}

function header (from: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='${from}' version='1.0'><stream:features/>`
}

async function run (args: readonly string[]): Promise<{ exit: number, text: string }> {
  const out = collectingOut(200)
  const exit = await runSplitHorizon(args, out, signal, {})
  return { exit, text: out.text() }
}
