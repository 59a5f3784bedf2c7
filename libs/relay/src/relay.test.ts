import { afterEach, expect, it } from 'vitest'
import { chain, until, type Engine } from './test-support/chain.ts'

let ends: (() => Promise<void>)[] = []
let beside: Engine[] = []
afterEach(async () => {
  await Promise.all(ends.map(end => end()))
  ends = []
})

for (const [name, zones, by] of [
  ['plain dialback on both sides', { outside: { tls: 'none', dialback: 'always' }, inside: { tls: 'none', dialback: 'always' } }, 'dialback'],
  ['TLS with EXTERNAL outside, plain dialback inside', { inside: { tls: 'none', dialback: 'always' } }, 'external'],
  ['TLS with a certificate that nobody trusts, and dialback over it', { outside: { anchors: { system: false, given: [] } }, inside: { tls: 'none', dialback: 'always' } }, 'dialback'],
] satisfies [string, Parameters<typeof chain>[0], string][]) {
  it(`carries messages both ways between servers that know nothing of it: ${name}`, async () => {
    const { gateway, users } = await made(zones)
    users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'to-peer', 'hello &amp; hello'))
    await until(() => users.peer.text().includes('to-peer'), () => why(gateway, users.inside.text()))
    expect(users.peer.text()).toContain('<body>hello &amp; hello</body>')
    users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'to-inside', 'and back'))
    await until(() => users.inside.text().includes('to-inside'), () => why(gateway, users.peer.text()))
    const { stanzas, healthy } = gateway.relay.presence()
    expect(stanzas).toMatchObject({ accepted: 2, queued: 0 })
    expect(healthy).toBe(true)
    const { streams } = gateway.relay.streams({ peer: 'peer.example', zone: 'outside' })
    expect(streams.flatMap(({ pairs }) => pairs.map(pair => pair.by === 'certificate' ? 'external' : pair.by))).toContain(by)
  }, 30_000)
}

it('ends streams that only an exception allowed, in both directions, when it ends by itself', async () => {
  const { gateway, users } = await made(PLAIN)
  const rule = { ours: '*', peer: '*', action: 'allow', tls: 'required', dialback: 'over-tls' } as const
  const exception = { ...rule, peer: 'peer.example', tls: 'none', dialback: 'always', reason: 'their old server' } as const
  const stop = Date.now() + 3000
  await gateway.apply({ policies: { rule, exception: { ...exception, until: new Date(stop).toISOString() } } })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'to-peer', 'x'))
  users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'to-inside', 'y'))
  const inClear = () => gateway.relay.streams({ zone: 'outside' }).streams.filter(({ tls, state }) => tls === undefined && state !== 'closing').map(({ direction }) => direction)
  await until(() => users.peer.text().includes('to-peer') && users.inside.text().includes('to-inside'), () => why(gateway, users.inside.text()))
  expect(Date.now() < stop ? inClear().toSorted() : ['inbound', 'outbound']).toEqual(['inbound', 'outbound'])
  await until(() => inClear().length === 0, () => JSON.stringify(gateway.relay.streams({})))
}, 30_000)

it('returns what cannot be delivered to who sent it, through all of them', async () => {
  const { gateway, inside, users } = await made(PLAIN)
  const { peers } = gateway.assignment()
  // The same server, which does not have that domain.
  await gateway.apply({ peers: { ...peers, 'other.example': peers['peer.example'] ?? {} } })
  await inside.apply({ peers: { ...inside.assignment().peers, 'other.example': inside.assignment().peers['peer.example'] ?? {} } })
  users.inside.send(message('juliet@inside.example', 'romeo@other.example', 'unknown', 'secret'))
  await until(() => users.inside.text().includes('unknown'), () => why(gateway, ''))
  expect(users.inside.text()).toMatch(/<message from='romeo@other.example' to='juliet@inside.example' id='unknown' type='error'><error type='cancel' by='gateway.example'><remote-server-not-found /)
  expect(users.inside.text()).not.toContain('secret')
  expect(gateway.relay.presence().stanzas).toMatchObject({ accepted: 1, outcomes: { bounced: 1 } })
  expect(await gateway.relay.explain({ from: 'inside.example', to: 'other.example' })).toMatchObject({ outcome: 'refuse', refusal: { reason: 'host-unknown', condition: 'remote-server-not-found' } })
  await gateway.apply({ policies: { no: { ours: '*', peer: 'peer.example', action: 'deny' } } })
  expect(await gateway.relay.explain({ from: 'inside.example', to: 'peer.example' })).toMatchObject({ outcome: 'refuse', refusal: { reason: 'policy-deny', condition: 'not-allowed' } })
}, 30_000)

it('sends to an inside server by the stream that it has opened, where both want that (XEP-0288)', async () => {
  const certificates = [{ certificate: 'file:/ours.pem', key: 'file:/ours.key' }]
  const { gateway, inside, users } = await made({ inside: { tls: 'required', certificates } })
  await inside.apply({ policies: { both: { ours: '*', peer: '*', action: 'allow', bidi: true } } })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'to-peer', 'x'))
  await until(() => users.peer.text().includes('to-peer'), () => why(gateway, users.inside.text()))
  users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'to-inside', 'and back'))
  await until(() => users.inside.text().includes('to-inside'), () => why(gateway, users.peer.text()))
  expect(gateway.relay.streams({ zone: 'inside' })).toMatchObject({ all: 1, streams: [{ direction: 'inbound', bidi: true, stanzas: { in: 1, out: 1 } }] })
  expect(inside.relay.streams({ zone: 'outside' })).toMatchObject({ all: 1, streams: [{ direction: 'outbound', bidi: true, stanzas: { in: 1, out: 1 } }] })
  // The stream goes, and what comes next finds another.
  await gateway.relay.act({ act: 'close', zone: 'inside' })
  users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'once-more', 'and back'))
  await until(() => users.inside.text().includes('once-more'), () => why(gateway, users.peer.text()))
  // What the inside server had no acknowledgement for it may have sent once more.
  expect(missing(gateway)).toBe(0)
}, 30_000)

it('records what is said with one peer, both ways and from the first header on, for as long as is asked for', async () => {
  const { gateway, users } = await made({ inside: { tls: 'none', dialback: 'always' } })
  await expect(gateway.relay.act({ act: 'trace', seconds: 601 })).rejects.toThrow('600 seconds at most')
  const { next = 0, says } = await gateway.relay.act({ act: 'trace', peer: 'peer.example', seconds: 60 })
  expect(says).toContain('60 seconds')
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'to-peer', 'secret'))
  await until(() => users.peer.text().includes('to-peer'), () => why(gateway, users.inside.text()))
  const { lines = [] } = await gateway.relay.act({ act: 'trace', after: next })
  const text = lines.join('\n')
  for (const said of [/ inside in-1 [^ ]+ in: stream header/, / inside in-1 [^ ]+ in: message\{jabber:server\} from=inside.example to=peer.example/, / outside \S+ inside.example>peer.example out: stream header/, /in: features\{[^\n]*starttls/, / outside \S+ inside.example>peer.example out: message\{/, /stream-opened: /]) expect(text).toMatch(said)
  expect(text).not.toMatch(/secret|juliet|romeo/)
  expect(await gateway.relay.act({ act: 'trace', zone: 'nowhere', seconds: 1 })).toMatchObject({ lines: [] })
}, 30_000)

it('tells a user inside that a peer is denied, and the peer that it is refused', async () => {
  const { gateway, users } = await made(PLAIN)
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'before', 'x'))
  await until(() => users.peer.text().includes('before'), () => why(gateway, ''))
  await gateway.apply({ policies: { no: { ours: '*', peer: 'peer.example', action: 'deny' } } })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'denied', 'secret') + message('juliet@inside.example', 'romeo@peer.example', 'again', 'secret'))
  await until(() => users.inside.text().includes('\'again\''), () => why(gateway, JSON.stringify(gateway.relay.presence())))
  expect(users.inside.text()).toMatch(/<message from='romeo@peer.example' to='juliet@inside.example' id='denied' type='error'><error type='cancel' by='gateway.example'><not-allowed /)
  expect(users.inside.text()).not.toContain('secret')
  await until(() => gateway.relay.presence().stanzas.onStream === 0, () => why(gateway, JSON.stringify(gateway.relay.presence().stanzas)))
  expect(gateway.relay.presence().stanzas).toMatchObject({ accepted: 3, queued: 0, outcomes: { acknowledged: 1, bounced: 2 } })
  users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'from-outside', 'x'))
  await until(() => gateway.events.some(({ on, says }) => on === 'stream-refused' && says.includes('may not talk')), () => why(gateway, ''))
  expect(users.inside.text()).not.toContain('from-outside')
}, 30_000)

it('answers a ping in its own name', async () => {
  const { gateway, users } = await made(PLAIN)
  users.peer.send('<iq from=\'romeo@peer.example\' to=\'gateway.example\' id=\'ping-1\' type=\'get\'><ping xmlns=\'urn:xmpp:ping\'/></iq>')
  await until(() => users.peer.text().includes('ping-1'), () => why(gateway, ''))
  expect(users.peer.text()).toMatch(/<iq [^>]*type='result'/)
}, 30_000)

it('drains with progress while a client keeps sending, stops, starts again, and the sum is right at every moment', async () => {
  const { gateway, inside, outside, users } = await made(PLAIN)
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'first', 'x'))
  await until(() => users.peer.text().includes('first'), () => why(gateway, ''))
  let sent = 0
  const sending = setInterval(() => users.inside.send(message('juliet@inside.example', 'romeo@peer.example', `n${sent++}`, 'x')), 20)
  const balanced = setInterval(() => expect(missing(gateway)).toBe(0), 5)
  try {
    await gateway.apply({ spec: { desired: 'draining', drainSeconds: 5 } })
    expect(gateway.relay.presence()).toMatchObject({ state: 'draining', drains: [{ scope: 'gateway', done: false }] })
    await until(() => gateway.relay.presence().state === 'stopped', () => why(gateway, JSON.stringify(gateway.relay.presence())))
    expect(gateway.relay.presence().streams).toEqual({ inbound: 0, outbound: 0, negotiating: 0 })
    expect(gateway.relay.presence().stanzas).toMatchObject({ queued: 0, onStream: 0 })
    await gateway.apply({ spec: { desired: 'running' } })
    expect(gateway.relay.presence().state).toBe('running')
    const from = sent
    // The system has chosen other ports.
    await outside.apply({ peers: { 'inside.example': { endpoints: [{ host: '127.0.0.1', port: gateway.port('outside', 'starttls') }] } } })
    await inside.apply({ peers: { 'peer.example': { endpoints: [{ host: '127.0.0.2', port: gateway.port('inside', 'starttls') }] } } })
    await inside.relay.act({ act: 'retry', peer: 'peer.example' })
    await until(() => users.peer.text().includes(`id='n${from + 1}'`), () => why(gateway, users.peer.text().slice(-500)))
  } finally {
    clearInterval(sending)
    clearInterval(balanced)
  }
}, 30_000)

it('holds a peer and lets go, closes and retries, and says what is queued', async () => {
  const { gateway, users } = await made(PLAIN)
  await gateway.apply({ spec: { peers: { 'peer.example': 'held' } } })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'held-1', 'x'))
  await until(() => gateway.relay.presence().stanzas.queued === 1, () => why(gateway, ''))
  expect(gateway.relay.queues({}).queues[0]).toMatchObject({ state: 'held', stanzas: 1, from: 'inside.example', to: 'peer.example' })
  expect((await gateway.relay.act({ act: 'flush', peer: 'peer.example' })).affected).toBe(1)
  await until(() => users.peer.text().includes('held-1'), () => why(gateway, ''))
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'held-2', 'x'))
  await until(() => gateway.relay.presence().stanzas.queued === 1, () => why(gateway, ''))
  expect((await gateway.relay.act({ act: 'drop', peer: 'peer.example' })).affected).toBe(1)
  await until(() => users.inside.text().includes('held-2') && users.inside.text().includes('(dropped, '), () => why(gateway, ''))
  await gateway.apply({ spec: { peers: {} } })
  const { id } = gateway.relay.streams({ zone: 'outside' }).streams.find(({ direction }) => direction === 'outbound') ?? { id: '' }
  expect((await gateway.relay.act({ act: 'close', stream: id })).affected).toBe(1)
  await until(() => gateway.relay.streams({}).streams.every(stream => stream.id !== id), () => why(gateway, ''))
  await gateway.relay.act({ act: 'retry', peer: 'peer.example' })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'after', 'x'))
  await until(() => users.peer.text().includes('after'), () => why(gateway, ''))
  for (const act of ['drop', 'flush', 'retry', 'close'] as const) expect(await gateway.relay.act({ act, peer: 'nobody.example' })).toMatchObject({ affected: 0 })
  expect(await gateway.relay.act({ act: 'close', stream: 'nope' })).toMatchObject({ affected: 0, says: expect.stringContaining('no stream nope') })
}, 30_000)

it('accounts for everything when a peer goes away in the middle, and returns what waits for it', async () => {
  const { gateway, outside, users } = await made(PLAIN)
  const send = (from: number, to: number) => { for (let id = from; id < to; id++) users.inside.send(message('juliet@inside.example', 'romeo@peer.example', `n${id}`, 'x')) }
  send(0, 50)
  await until(() => users.peer.text().includes('n10'), () => why(gateway, ''))
  send(50, 100)
  await outside.relay.stop(AbortSignal.abort())
  expect([outside.relay.presence().state, missing(outside)]).toEqual(['stopped', 0])
  send(100, 150)
  await until(() => gateway.relay.presence().stanzas.accepted === 150 && gateway.relay.presence().stanzas.onStream === 0, () => why(gateway, ''))
  expect(missing(gateway)).toBe(0)
  if (gateway.relay.presence().stanzas.queued > 0) await gateway.relay.act({ act: 'drop', peer: 'peer.example' })
  const { stanzas } = gateway.relay.presence()
  expect([missing(gateway), stanzas.queued]).toEqual([0, 0])
  const arrived = new Set(users.peer.text().match(/id='n\d+'/g)).size
  expect(150 - arrived).toBeLessThanOrEqual(stanzas.outcomes['unknown-fate'] + stanzas.outcomes.bounced)
}, 30_000)

it('keeps its last good configuration, says so, and reads its references again', async () => {
  const { gateway, users } = await made({})
  const { revision } = gateway.relay.presence()
  await expect(gateway.apply({ policies: { p: { ours: '*', peer: '*', action: 'allow', anchors: { system: false, given: ['file:/none'] } } } })).rejects.toThrow('/policies/p/anchors')
  expect(gateway.relay.presence()).toMatchObject({ revision, healthy: false })
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'still', 'x'))
  await until(() => users.peer.text().includes('still'), () => why(gateway, ''))
  await gateway.apply({ policies: {} })
  const before = gateway.relay.presence().secrets
  gateway.files['file:/one'] = '77aa'.repeat(16)
  await gateway.relay.act({ act: 'reload' })
  expect(gateway.relay.presence().secrets['outside']).not.toBe(before['outside'])
  gateway.files['file:/one'] = 'short'
  await expect(gateway.relay.act({ act: 'reload' })).rejects.toMatchObject({ code: 'not-reloaded' })
}, 30_000)

it('tells the fleet what it knows of a pair', async () => {
  const { gateway, users } = await made(PLAIN)
  users.inside.send(message('juliet@inside.example', 'romeo@peer.example', 'one', 'x'))
  await until(() => users.peer.text().includes('one'), () => why(gateway, ''))
  await until(() => gateway.facts.some(({ peer, outbound }) => peer === 'peer.example' && outbound.readyAt !== undefined), () => JSON.stringify(gateway.facts))
  const fact = gateway.facts.findLast(({ peer }) => peer === 'peer.example')
  expect(fact).toMatchObject({ ours: 'inside.example', asked: { last: 'valid' }, outbound: { by: 'dialback' } })
  expect(fact?.inside).toBe(undefined)
  users.peer.send(message('romeo@peer.example', 'juliet@inside.example', 'two', 'x'))
  await until(() => gateway.facts.some(({ ours, peer, inside }) => ours === 'inside.example' && peer === 'peer.example' && inside?.readyAt !== undefined), () => JSON.stringify(gateway.facts))
}, 30_000)

it('refuses to start where a port cannot be bound, and says which', async () => {
  const { gateway } = await made({})
  const taken = gateway.port('outside', 'starttls')
  const [zone, ...others] = gateway.assignment().spec.zones ?? []
  if (zone === undefined) throw new Error('no zone')
  await expect(gateway.apply({ spec: { zones: [{ ...zone, listen: [{ address: '127.0.0.1', port: taken }, { address: '192.0.2.1', port: taken }] }, ...others] } })).rejects.toThrow('/spec/zones/0/listen')
  expect(gateway.port('outside', 'starttls')).toBe(taken)
}, 30_000)

it('does nothing before it is configured', async () => {
  const { createRelay } = await import('./relay.ts')
  const { NO_LOGGER, NO_METER } = await import('@dialtone/kernel')
  const { RANDOM } = await import('@dialtone/net')
  const relay = createRelay({ gateway: 'g', salt: '', clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, meter: NO_METER, logger: NO_LOGGER, tell: () => undefined, facts: () => undefined, readSecret: async () => Buffer.alloc(0) })
  expect(relay.presence()).toMatchObject({ state: 'starting', healthy: true })
  await expect(relay.act({ act: 'retry' })).rejects.toMatchObject({ code: 'not-configured' })
  await relay.stop()
  expect(relay.presence().state).toBe('stopped')
})

const PLAIN = { outside: { tls: 'none', dialback: 'always' }, inside: { tls: 'none', dialback: 'always' } } as const

async function made (zones: Parameters<typeof chain>[0]) {
  const all = await chain(zones)
  ends.push(all.stop)
  beside = [all.inside, all.outside]
  return all
}

function message (from: string, to: string, id: string, body: string): string {
  return `<message from='${from}' to='${to}' id='${id}'><body>${body}</body></message>`
}

function missing ({ relay }: Engine): number {
  const { accepted, outcomes, queued, onStream } = relay.presence().stanzas
  return accepted - queued - onStream - Object.values(outcomes).reduce((sum, count) => sum + count, 0)
}

function why ({ relay, events }: Engine, heard: string): string {
  return JSON.stringify({ events: events.slice(-20), others: beside.map(({ events: theirs }) => theirs.slice(-10)), stanzas: relay.presence().stanzas, queues: relay.queues({}), heard }, null, 1)
}
