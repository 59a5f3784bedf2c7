import { expect, it } from 'vitest'
import type { AwaitedComponent } from '../seams.ts'
import { FakeSource, FakeStream, made, message, turn } from './test-support/made.ts'

const IN = { from: 'peer.example', to: 'inside.example' }
const OUT = { from: 'inside.example', to: 'peer.example' }

it('queues until there is a stream, then writes in order, each turn in one write', async () => {
  const { core, dialings, ledger } = made()
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 5))
  expect(ledger.conservation()).toMatchObject({ accepted: 5, queued: 5, onStream: 0 })
  expect(dialings.map(({ request: { zone, pair, hops } }) => [zone.name, pair, hops])).toEqual([['inside', IN, [{ host: '127.0.0.1', port: 5269 }]]])
  const stream = await dialings[0]!.succeed()
  source.send(...numbered(5, 10))
  expect(stream.received).toEqual(numbered(0, 10))
  expect(stream.writes).toBe(2)
  expect(ledger.conservation()).toMatchObject({ accepted: 10, queued: 0, onStream: 10 })
  expect([core.context.tally.asTheyCame, core.context.tally.rewritten]).toEqual([10, 0])
  stream.finish(true)
  await turn()
  expect(ledger.conservation()).toMatchObject({ onStream: 0, outcomes: { written: 10 } })
})

it('gives nothing to a stream that takes nothing any more, and the next one all that came since', async () => {
  const { core, dialings, ledger, clock } = made()
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  const stream = await dialings[0]!.succeed()
  // The peer has said goodbye; the connection is not over yet.
  stream.ending?.()
  source.send(...numbered(1, 3))
  expect(ledger.conservation()).toMatchObject({ queued: 2, onStream: 1 })
  stream.finish(true)
  await turn()
  clock.pass(5000)
  core.tick()
  const next = await dialings[1]!.succeed()
  expect([stream.received, next.received]).toEqual([numbered(0, 1), numbered(1, 3)])
  expect(ledger.conservation()).toMatchObject({ queued: 0, onStream: 2, outcomes: { written: 1 } })
})

it('gives nothing to a stream that had ended before it was handed over', async () => {
  const { core, dialings, ledger, clock } = made()
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 2))
  await dialings[0]!.succeed(out => out.finish(true))
  await turn()
  expect(ledger.conservation()).toMatchObject({ queued: 2, onStream: 0, outcomes: { written: 0 } })
  clock.pass(5000)
  core.tick()
  expect((await dialings[1]!.succeed()).received).toEqual(numbered(0, 2))
})

it('carries between an external and an internal zone, and nowhere else (I3)', async () => {
  for (const [zone, from, to, condition] of [
    ['outside', 'a.example', 'b.example', 'item-not-found'],
    ['outside', 'inside.example', 'rooms.inside.example', 'item-not-found'],
    ['inside', 'inside.example', 'rooms.inside.example', 'item-not-found'],
    ['inside', 'a.example', 'b.example', 'item-not-found'],
  ] as const) {
    const { core, dialings, ledger } = made()
    const source = new FakeSource(core, zone)
    source.lane({ from, to })
    source.send(message(`u@${from}`, `v@${to}`, 1))
    expect(ledger.outcomes, `${from} to ${to}`).toMatchObject({ bounced: 1 })
    expect([...core.context.tally.refused.keys()].every(reason => reason === 'same-zone' || reason === 'unknown-domain')).toBe(true)
    // Nothing was dialed for the stanza itself.
    expect(dialings.filter(({ request: { pair } }) => pair.to === to)).toEqual([])
    for (const { request } of dialings) expect(request.pair).toEqual({ from: to, to: from })
    expect(condition).toBe('item-not-found')
  }
})

it('answers for a stanza to a domain that is not served, in the name of one that is, and of an addressee that may not be spoken to any more', async () => {
  const { core, dialings, ledger, configure } = made()
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  const refuse = (to: string, reason: 'unknown-domain' | 'policy-deny', type?: string) => source.sendTo((frame) => core.refuse(source, IN, { from: 'peer.example', to }, frame, reason), message('u@peer.example', `v@${to}`, to, '<body>secret</body>', type))
  refuse('nobody.example', 'unknown-domain')
  refuse('nobody.example', 'unknown-domain', 'error')
  refuse('rooms.inside.example', 'policy-deny')
  const [own, other] = [await dialings[0]!.succeed(), await dialings[1]!.succeed()]
  expect([own.pair, other.pair]).toEqual([OUT, { from: 'rooms.inside.example', to: 'peer.example' }])
  expect(own.received.join('')).toMatch(/^<message from='inside.example' to='u@peer.example' id='nobody.example' type='error'><error type='cancel' by='gateway.example'><item-not-found [^>]+><text [^>]+>[^<]+\(unknown-domain, [^<]+<\/text><\/error><\/message>$/)
  expect(other.received.join('')).toMatch(/^<message from='v@rooms.inside.example' to='u@peer.example' id='rooms.inside.example' type='error'>.*<not-allowed /)
  configure({ policies: { no: { ours: 'rooms.inside.example', peer: '*', action: 'deny' } } })
  refuse('rooms.inside.example', 'policy-deny')
  expect(own.received.at(-1)).toMatch(/^<message from='inside.example' to='u@peer.example' id='rooms.inside.example' type='error'>.*<not-allowed /)
  expect(ledger.conservation()).toMatchObject({ accepted: 4, queued: 0, outcomes: { bounced: 3, 'dropped-by-rule': 1 } })
  expect(dialings).toHaveLength(2)
})

it('puts into its own spelling what is not, with the language that it inherited and the domains of the pair', async () => {
  const { core, dialings } = made()
  const source = new FakeSource(core, 'outside', '<s:stream xmlns:s=\'http://etherx.jabber.org/streams\' xmlns=\'jabber:server\' xml:lang=\'de\' xmlns:x=\'urn:x\'>', 'de')
  source.lane(IN)
  source.send('<message to="v@Inside.Example/r" from=\'u@peer.example\'><x:y/><body>&#65;</body></message>', message('u@peer.example', 'v@inside.example', 2))
  const stream = await dialings[0]!.succeed(out => { out.lang = undefined })
  expect(stream.received).toEqual([
    '<message to=\'v@inside.example/r\' from=\'u@peer.example\' xml:lang=\'de\'><y xmlns=\'urn:x\'/><body>A</body></message>',
    '<message from=\'u@peer.example\' to=\'v@inside.example\' id=\'2\' xml:lang=\'de\'><body>x</body></message>',
  ])
  source.send(message('u@peer.example', 'v@inside.example', 3))
  expect(stream.received.at(-1)).toContain('xml:lang=\'de\'')
})

it('bounces with a reason, without the body and without a peer\'s name, and never answers an error or a result (I6, R5)', async () => {
  const { core, dialings, ledger } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(
    message('u@inside.example', 'v@peer.example', 1, '<body>secret</body>'), message('u@inside.example', 'v@peer.example', 2, '<error/>', 'error'),
    '<iq from=\'u@inside.example\' to=\'v@peer.example\' id=\'3\' type=\'get\'><ping xmlns=\'urn:xmpp:ping\'/></iq>', '<iq from=\'u@inside.example\' to=\'v@peer.example\' id=\'4\' type=\'result\'/>',
    '<presence from=\'u@inside.example\' to=\'v@peer.example\'/>',
  )
  await dialings[0]!.fail({ reason: 'dns-absent', says: 'peer.example has no records', temporary: false })
  expect(ledger.conservation()).toMatchObject({ accepted: 5, queued: 0, outcomes: { bounced: 3, expired: 2 } })
  expect(dialings[1]?.request.pair).toEqual({ from: 'peer.example', to: 'inside.example' })
  const back = await dialings[1]!.succeed()
  expect(back.received.map(text => text.replace(/[0-9a-f]{8}-[0-9a-z]+/, 'TRACE'))).toEqual([
    `<message from='v@peer.example' to='u@inside.example' id='1' type='error'>${NOT_FOUND}</message>`,
    `<iq from='v@peer.example' to='u@inside.example' id='3' type='error'><ping xmlns='urn:xmpp:ping'/>${NOT_FOUND}</iq>`,
    `<presence from='v@peer.example' to='u@inside.example' type='error'>${NOT_FOUND}</presence>`,
  ])
  // What is known to fail is not asked for each stanza.
  source.send(message('u@inside.example', 'v@peer.example', 5))
  expect(dialings.length).toBe(2)
  expect(ledger.outcomes.bounced).toBe(4)
})

for (const [kind, type, answered] of [
  ['message', undefined, true], ['message', 'chat', true], ['message', 'whatever', true], ['message', 'error', false], ['presence', undefined, true], ['presence', 'unavailable', true], ['presence', 'subscribe', true],
  ['presence', 'error', false], ['iq', 'get', true], ['iq', 'set', true], ['iq', 'result', false], ['iq', 'error', false], ['iq', undefined, false], ['iq', 'whatever', false],
] as const) it(`${answered ? 'answers' : 'does not answer'} ${kind} of type ${type} that does not get through (I6)`, async () => {
  const { core, dialings, ledger } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(`<${kind} from='u@inside.example' to='v@peer.example' id='1'${type === undefined ? '' : ` type='${type}'`}><x xmlns='urn:x'/></${kind}>`)
  await dialings[0]!.fail({ reason: 'dns-absent', says: 'peer.example has no records', temporary: false })
  expect(ledger.conservation()).toMatchObject({ accepted: 1, queued: 0, outcomes: answered ? { bounced: 1, expired: 0 } : { bounced: 0, expired: 1 } })
  expect((await dialings[1]?.succeed())?.received.length ?? 0).toBe(answered ? 1 : 0)
})

it('tells nobody outside what is wrong inside', async () => {
  const { core, dialings } = made()
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(message('u@peer.example', 'v@inside.example', 1))
  await dialings[0]!.fail({ reason: 'tls-failed', says: 'inside', temporary: false })
  expect((await dialings[1]!.succeed()).received[0]).toContain('<remote-server-timeout ')
  expect([...core.context.tally.refused.keys()]).toEqual(['inside-down'])
})

it('tries again after a while that grows, and ends what has waited too long by its class', async () => {
  const { core, dialings, ledger, pass } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1), '<iq from=\'u@inside.example\' to=\'v@peer.example\' id=\'2\' type=\'get\'><a xmlns=\'urn:a\'/></iq>')
  const waits: number[] = []
  for (let attempt = 0; attempt < 8; attempt++) {
    await dialings.at(-1)!.fail({ reason: 'unreachable', says: '', temporary: true })
    const before = dialings.length
    let waited = 0
    while (dialings.length === before && waited < 29_000) {
      await pass(200)
      waited += 200
    }
    waits.push(waited)
    if (ledger.queued === 0 || waited >= 29_000) break
  }
  expect(waits[0]).toBeLessThanOrEqual(1200)
  expect(Math.max(...waits)).toBeGreaterThan(2000)
  await pass(31_000)
  expect(ledger.outcomes.bounced).toBe(1)
  await pass(100_000)
  expect(ledger.conservation()).toMatchObject({ queued: 0, outcomes: { bounced: 2 } })
})

it('connects again at once after a clean end, and within two seconds after a break, when the old stream is wholly gone', async () => {
  const { core, dialings, pass } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1))
  const first = await dialings[0]!.succeed()
  await pass(20_000)
  core.selected({}).forEach(({ way }) => way?.close())
  source.send(message('u@inside.example', 'v@peer.example', 2))
  expect([first.closed, dialings.length]).toEqual(['closed', 1])
  first.finish(true)
  await turn()
  expect(dialings.length).toBe(2)
  const second = await dialings[1]!.succeed()
  await pass(20_000)
  second.finish(false)
  await turn()
  source.send(message('u@inside.example', 'v@peer.example', 3))
  await pass(2200)
  expect(dialings.length).toBe(3)
})

it('counts what was on a broken stream as of unknown fate, and sends once more what was not acknowledged (XEP-0198)', async () => {
  const { core, dialings, ledger, pass } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(...Array.from({ length: 4 }, (_, id) => message('u@inside.example', 'v@peer.example', id)))
  const first = await dialings[0]!.succeed(out => { out.acknowledged = 0 })
  first.ack(1)
  expect(ledger.conservation()).toMatchObject({ onStream: 3, outcomes: { acknowledged: 1 } })
  first.finish(false)
  await turn()
  expect(ledger.conservation()).toMatchObject({ onStream: 0, queued: 3, retried: 3 })
  await pass(4000)
  const second = await dialings[1]!.succeed(out => { out.acknowledged = 0 })
  expect(second.received.length).toBe(3)
  second.finish(false)
  await turn()
  expect(ledger.conservation()).toMatchObject({ onStream: 0, queued: 0, retried: 3, outcomes: { acknowledged: 1, bounced: 3 } })

  const plain = made()
  const other = new FakeSource(plain.core, 'inside')
  other.lane(OUT)
  other.send(message('u@inside.example', 'v@peer.example', 1))
  ;(await plain.dialings[0]!.succeed()).finish(false)
  await turn()
  expect(plain.ledger.conservation()).toMatchObject({ onStream: 0, queued: 0, retried: 0, outcomes: { 'unknown-fate': 1 } })
})

it('stops who feeds a peer that does not read, and nobody else, and costs no memory (R3, 5.8)', async () => {
  const { core, dialings, ledger } = made()
  const [slow, other] = [new FakeSource(core, 'inside'), new FakeSource(core, 'inside')]
  slow.lane(OUT)
  other.lane({ from: 'inside.example', to: 'other.example' })
  slow.send(message('u@inside.example', 'v@peer.example', 0))
  other.send(message('u@inside.example', 'v@other.example', 0))
  const stream = await dialings[0]!.succeed(out => { out.slow = true })
  const fine = await dialings[1]!.succeed()
  const body = `<body>${'x'.repeat(1000)}</body>`
  let sent = 1
  for (; slow.pauses === 0 && sent < 10_000; sent++) slow.send(message('u@inside.example', 'v@peer.example', sent, body))
  expect(slow.pauses).toBe(1)
  expect(stream.unsent).toBeLessThan(1_200_000)
  expect(core.context.queuedBytes).toBeLessThan(10_000)
  other.send(message('u@inside.example', 'v@other.example', 1))
  expect([other.pauses, fine.received.length]).toEqual([0, 2])
  stream.take(Infinity)
  core.settled()
  expect([slow.pauses, ledger.queued]).toEqual([0, 0])
  stream.take(Infinity)
  expect(stream.received.length).toBe(sent)
})

it('closes a stream whose peer has taken nothing for two minutes (R10)', async () => {
  const { core, dialings, pass } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 0))
  const stream = await dialings[0]!.succeed(out => { out.slow = true })
  for (let id = 1; source.pauses === 0; id++) source.send(message('u@inside.example', 'v@peer.example', id, `<body>${'x'.repeat(10_000)}</body>`))
  await pass(119_000)
  expect(stream.closed).toBeUndefined()
  await pass(2000)
  expect(stream.closed).toBe('connection-timeout')
})

it('does not read who sends faster than its rate, and loses nothing (R6)', async () => {
  const { core, dialings, ledger, pass } = made({ policies: { p: { ours: '*', peer: '*', action: 'allow', limits: { stanzasPerSecond: 10 } } } })
  const source = new FakeSource(core, 'outside')
  const lane = source.lane(IN)
  source.send(...numbered(0, 30))
  expect(source.pauses).toBe(1)
  await dialings[0]!.succeed()
  await pass(1800)
  expect(source.pauses).toBe(1)
  await pass(600)
  expect([source.pauses, ledger.onStream]).toEqual([0, 30])
  source.send(...numbered(30, 60))
  lane.end()
  expect(source.pauses).toBe(0)
})

it('bounces what does not fit the queue, holds the rest in bytes, and takes no error for more than half of it (R4)', async () => {
  const { core, dialings, ledger } = made({ policies: { p: { ours: '*', peer: '*', action: 'allow', limits: { queueStanzas: 10 } } } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 30))
  expect(ledger.conservation()).toMatchObject({ accepted: 30, queued: 10, outcomes: { bounced: 20 } })
  expect(core.routeOf('outside', OUT)?.queue.stanzas).toBe(5)
  expect(core.context.tally.bouncesLost).toBe(15)
  expect(source.pauses).toBe(1)
  await dialings[0]!.succeed()
  expect(source.pauses).toBe(0)
})

it('costs less than 10 MB to hold 10,000 stanzas of 300 bytes while a stream is set up', async () => {
  const { core, ledger } = made({ policies: { p: { ours: '*', peer: '*', action: 'allow', limits: { queueStanzas: 20_000, queueBytes: 100_000_000 } } } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  const stanza = message('u@peer.example', 'v@inside.example', 1, `<body>${'x'.repeat(210)}</body>`)
  for (let batch = 0; batch < 100; batch++) source.send(...Array.from({ length: 100 }, () => stanza))
  expect(ledger.queued).toBe(10_000)
  expect(core.routeOf('inside', IN)?.queue.capacity).toBeLessThan(5_000_000)
})

it('holds, lets go, refuses and counts as the policy says, live, and leaves streams alone that still comply', async () => {
  const { core, dialings, ledger, configure, pass } = made({ spec: { peers: { 'peer.example': 'held' } } })
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1))
  await pass(5000)
  expect([dialings.length, ledger.queued, core.selected({}).map(route => route.state())]).toEqual([0, 1, ['held']])
  configure({})
  const stream = await dialings[0]!.succeed()
  expect(stream.received.length).toBe(1)
  configure({ policies: { p: { ours: '*', peer: 'peer.example', action: 'shadow-deny' } } })
  source.send(message('u@inside.example', 'v@peer.example', 2))
  expect([stream.closed, stream.received.length, core.context.tally.shadowed]).toEqual([undefined, 2, 1])
  configure({ policies: { p: { ours: '*', peer: 'peer.example', action: 'allow', tls: 'required', minTls: '1.3' } } })
  expect(stream.closed).toBeUndefined()
  configure({ policies: { p: { ours: '*', peer: 'peer.example', action: 'deny' } } })
  source.send(message('u@inside.example', 'v@peer.example', 3))
  expect([stream.closed, stream.received.length, ledger.outcomes.bounced]).toEqual(['policy-violation', 2, 1])
})

it('writes what two pairs bring in a turn to the stream that they share at once, and ends it for neither when the other is refused or given up', async () => {
  const turns: (() => void)[] = []
  const { core, dialings, ledger, configure } = made({}, { turnEnds: flush => turns.push(flush) })
  const [one, two] = [IN, { from: 'other.example', to: 'inside.example' }].map(pair => {
    const source = new FakeSource(core, 'outside')
    source.lane(pair)
    return (id: number) => source.send(message(`u@${pair.from}`, `v@${pair.to}`, id))
  }) as [(id: number) => void, (id: number) => void]
  const end = () => { for (const flush of turns.splice(0)) flush() }
  one(1)
  two(2)
  const stream = await dialings[0]!.succeed()
  await dialings[1]!.join(stream)
  end()
  expect(stream.received.length).toBe(2)
  const before = stream.writes
  for (const id of [3, 5]) {
    one(id)
    two(id + 1)
  }
  expect([stream.writes, turns.length]).toEqual([before, 1])
  end()
  expect([stream.writes, stream.received.length]).toEqual([before + 1, 6])
  configure({ policies: { p: { ours: '*', peer: 'peer.example', action: 'deny' } } })
  one(7)
  two(8)
  end()
  expect([stream.closed, stream.received.length, ledger.outcomes.bounced]).toEqual([undefined, 7, 1])
  configure({ spec: { zones: [{ name: 'outside', side: 'external', listen: [] }, { name: 'inside', side: 'internal', listen: [], domains: ['inside.example'], desired: 'stopped' }] } })
  expect(stream.closed).toBe('system-shutdown')
  stream.finish(true)
  await turn()
  expect(ledger.conservation()).toMatchObject({ onStream: 0, outcomes: { written: 7, bounced: 1 } })
})

it('sends at once what is more than a turn should collect', async () => {
  const turns: (() => void)[] = []
  const { core, dialings } = made({}, { turnEnds: flush => turns.push(flush) })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  const stream = await dialings[0]!.succeed()
  for (const flush of turns.splice(0)) flush()
  source.send(message('u@peer.example', 'v@inside.example', 1, `<body>${'x'.repeat(70_000)}</body>`))
  expect(stream.received.length).toBe(2)
})

it('decides anew when a policy ends by itself, though nothing was ever sent or opened', async () => {
  const clock = made().clock
  const { core, dialings, ledger, pass } = made({ policies: { p: { ours: '*', peer: '*', action: 'deny', until: new Date(clock.now() + 60_000).toISOString() } } })
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1))
  const dialed = () => dialings.map(({ request: { pair } }) => pair.to)
  // The error for the sender is all that leaves.
  expect([ledger.outcomes.bounced, ...dialed()]).toEqual([1, 'inside.example'])
  await pass(61_000)
  source.send(message('u@inside.example', 'v@peer.example', 2))
  expect([ledger.outcomes.bounced, ledger.queued, ...dialed()]).toEqual([1, 1, 'inside.example', 'peer.example'])
})

it('answers pings in its own name, and in no other (5.11)', async () => {
  const { core, dialings, ledger } = made()
  const source = new FakeSource(core, 'outside')
  source.lane({ from: 'peer.example', to: 'gateway.example' })
  const ask = (id: number, to: string, child: string) => `<iq from='u@peer.example' to='${to}' id='${id}' type='get'>${child}</iq>`
  source.send(ask(1, 'gateway.example', '<ping xmlns=\'urn:xmpp:ping\'/>'), ask(2, 'root@gateway.example', '<ping xmlns=\'urn:xmpp:ping\'/>'), ask(3, 'gateway.example', '<query xmlns=\'http://jabber.org/protocol/disco#info\'/>'))
  const stream = await dialings[0]!.succeed()
  expect(stream.pair).toEqual({ from: 'gateway.example', to: 'peer.example' })
  expect(stream.received[0]).toBe('<iq from=\'gateway.example\' to=\'u@peer.example\' id=\'1\' type=\'result\'></iq>')
  expect(stream.received[1]).toContain('<service-unavailable ')
  expect(stream.received[2]).toContain('<identity category=\'gateway\'')
  expect(ledger.conservation()).toMatchObject({ accepted: 3, onStream: 0, outcomes: { written: 3 } })
})

it('keeps a bounded number of routes and pairs, whatever number of domains is named (R7)', async () => {
  const { core, dialings, ledger, pass } = made({}, { bounds: { routes: 50, pairs: 50, attempts: 5 } })
  const source = new FakeSource(core, 'inside')
  for (let number = 0; number < 500; number++) {
    const lane = source.lane({ from: 'inside.example', to: `d${number}.example` })
    source.send(message('u@inside.example', `v@d${number}.example`, number))
    lane.end()
    if (number % 3 === 0) while (dialings.length > 0) await dialings.shift()?.fail({ reason: 'dns-absent', says: '', temporary: false })
    if (number % 20 === 0) await pass(3000)
  }
  expect(core.routes.size).toBeLessThanOrEqual(50)
  expect(core.pairs.size).toBeLessThanOrEqual(50)
  expect(ledger.missing).toBe(0)
  while (dialings.length > 0) await dialings.shift()?.fail({ reason: 'dns-absent', says: '', temporary: false })
  await pass(200_000)
  while (dialings.length > 0) await dialings.shift()?.fail({ reason: 'dns-absent', says: '', temporary: false })
  await pass(400_000)
  expect(core.routes.size).toBe(0)
})

it('does not send a stanza that is larger than the peer takes (XEP-0478), nor one larger than the policy lets', async () => {
  const { core, dialings, ledger } = made({ policies: { p: { ours: '*', peer: '*', action: 'allow', limits: { stanzaBytes: 50_000 } } } })
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  const big = (id: number, bytes: number) => message('u@inside.example', 'v@peer.example', id, `<body>${'x'.repeat(bytes)}</body>`)
  source.send(big(0, 20_000), big(1, 1000))
  const stream = await dialings[0]!.succeed(out => { out.maxBytes = 10_000 })
  source.send(big(2, 20_000), big(3, 60_000), big(4, 5000))
  expect(stream.received.map(text => / id='(\d)'/.exec(text)?.[1])).toEqual(['1', '4'])
  expect(ledger.outcomes.bounced).toBe(3)
  const bounces = (await dialings[1]!.succeed()).received
  for (const text of bounces) expect(text).toMatch(/<error type='modify'><policy-violation /)
})

it('uses a stream that its peer has opened for both ways, and gives up the attempt to open one', async () => {
  const { core, dialings } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  const both = new FakeStream(OUT, 'both')
  source.send(message('u@inside.example', 'v@peer.example', 1))
  core.offer('outside', both)
  expect(both.received.length).toBe(1)
  source.send(message('u@inside.example', 'v@peer.example', 2))
  expect(both.received.length).toBe(2)
  expect(dialings.length).toBe(1)
  const late = await dialings[0]!.succeed()
  expect(late.closed).toBe('closed')
})

const NOT_FOUND = '<error type=\'cancel\' by=\'gateway.example\'><remote-server-not-found xmlns=\'urn:ietf:params:xml:ns:xmpp-stanzas\'/><text xmlns=\'urn:ietf:params:xml:ns:xmpp-stanzas\' xml:lang=\'en\'>the domain has no XMPP service (dns-absent, TRACE)</text></error>'

function numbered (from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, number) => message('u@peer.example', 'v@inside.example', from + number))
}

it('says how it reaches the inside also where it dials nobody: a stream that came by itself, a component that does not come', async () => {
  const said: string[] = []
  let expected: AwaitedComponent | undefined = 'server'
  const { core, dialings, pass } = made({}, { expects: zone => zone === 'inside' ? expected : undefined, wantedInside: ({ from }, result) => { said.push(`${'stream' in result ? 'came' : 'missed'} ${from}`) } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  await pass(3_600_000)
  expect(said).toEqual(['missed peer.example'])
  source.send(...numbered(1, 2))
  expected = undefined
  const both = new FakeStream(IN, 'both')
  core.offer('inside', both)
  expect([said, both.received, dialings.filter(({ request }) => request.zone.name === 'inside')]).toEqual([['missed peer.example', 'came peer.example'], numbered(1, 2), []])
  // What waits for another reason says nothing of the inside, nor does a stream to the outside.
  core.offer('outside', new FakeStream(OUT, 'out'))
  expect(said).toHaveLength(2)
})

for (const [expected, missed] of [['server', 1], ['peer', 0], [undefined, 0]] as const) {
  it(`says ${missed === 0 ? 'nothing' : 'what it has'} of the server where what waited was for ${expected === undefined ? 'an attempt that goes on' : `the component of the ${expected}`}`, async () => {
    const said: string[] = []
    const { core, pass, ledger } = made({}, { expects: zone => zone === 'inside' ? expected : undefined, wantedInside: ({ from }) => { said.push(from) } })
    const source = new FakeSource(core, 'outside')
    source.lane(IN)
    source.send(...numbered(0, 1))
    await pass(3_600_000)
    expect([said.length, ledger.queued, [...core.context.tally.refused.keys()]]).toEqual([missed, 0, ['inside-down']])
  })
}

it('says nothing of the way of others where a stream of a component in the name of the peer takes what it sends', () => {
  const said: string[] = []
  const { core } = made({}, { expects: zone => zone === 'inside' ? 'peer' : undefined, wantedInside: ({ from }) => { said.push(from) } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  const component = new FakeStream(IN, 'component')
  core.offer('inside', component)
  expect([said, component.received]).toEqual([[], numbered(0, 1)])
})

it('waits for a component and no longer for what failed before it was configured to be one', async () => {
  const said: string[] = []
  let expected: AwaitedComponent | undefined
  const { core, dialings, pass } = made({}, { expects: zone => zone === 'inside' ? expected : undefined, wantedInside: (_, result) => { said.push('failed' in result ? result.failed.reason : 'ready') } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  await dialings[0]!.fail({ reason: 'unreachable', says: '', temporary: true })
  expected = 'server'
  await pass(3_600_000)
  expect(said).toEqual(['unreachable', 'inside-down'])
})

it('says how each attempt to reach the inside ended, and of the outside nothing', async () => {
  const said: string[] = []
  const { core, dialings, pass } = made({}, { wantedInside: ({ from }, result) => { said.push(`${from} ${'stream' in result ? 'ready' : result.failed.reason}`) } })
  const [outside, inside] = [new FakeSource(core, 'outside'), new FakeSource(core, 'inside')]
  outside.lane(IN)
  outside.send(...numbered(0, 1))
  await dialings[0]!.fail({ reason: 'unreachable', says: '', temporary: true })
  await pass(29_000)
  await dialings[1]!.succeed()
  inside.lane(OUT)
  inside.send(message('v@inside.example', 'u@peer.example', 1))
  await dialings[2]!.succeed()
  expect([said, dialings.map(({ request }) => request.zone.name)]).toEqual([['peer.example unreachable', 'peer.example ready'], ['inside', 'inside', 'outside']])
})

it('forgets routes that lead to a component, whose stream stays, and says what became of their stanzas when it ends', async () => {
  const component = new FakeStream({ from: '', to: 'inside.example' }, 'component')
  component.by = 'component'
  const { core, pass, ledger } = made({}, { bounds: { routes: 100 }, offered: (zone, { to }) => zone === 'inside' && to === 'inside.example' ? component : undefined })
  const send = (domain: string) => {
    const source = new FakeSource(core, 'outside')
    const lane = source.lane({ from: domain, to: 'inside.example' })
    source.send(message(`a@${domain}`, 'b@inside.example', domain))
    return lane
  }
  for (let number = 0; number < 100; number++) send(`once${number}.example`).end()
  await pass(120_000)
  expect(core.routes.size).toBe(0)
  send('honest.example')
  expect([component.received.length, ledger.onStream, core.context.tally.routesFull]).toEqual([101, 101, 0])
  component.finish(true)
  await turn()
  expect(ledger.conservation()).toMatchObject({ accepted: 101, onStream: 0, outcomes: { written: 101 } })
})

it('forgets the oldest of them at once when there is no room', () => {
  const component = new FakeStream({ from: '', to: 'inside.example' }, 'component')
  component.by = 'component'
  const { core } = made({}, { bounds: { routes: 2 }, offered: (zone, { to }) => zone === 'inside' && to === 'inside.example' ? component : undefined })
  for (let number = 0; number < 5; number++) {
    const source = new FakeSource(core, 'outside')
    const lane = source.lane({ from: `once${number}.example`, to: 'inside.example' })
    source.send(message(`a@once${number}.example`, 'b@inside.example', number))
    lane.end()
  }
  expect(component.received).toHaveLength(5)
})

it('keeps no numbers of domains that a sender has made up, and finds room among many that are in use', () => {
  const { core } = made({}, { bounds: { pairs: 300 } })
  for (let number = 0; number < 70; number++) new FakeSource(core, 'outside').lane({ from: `old${number}.example`, to: 'inside.example' })
  const source = new FakeSource(core, 'outside')
  const as = { from: 'evil.example', to: 'inside.example' }
  source.lane(as)
  for (let number = 0; number < 1000; number++) {
    const to = `x${number}.invalid`
    source.sendTo(frame => core.refuse(source, as, { from: 'evil.example', to }, frame, 'unknown-domain'), message('a@evil.example', `b@${to}`, number))
  }
  expect([...core.pairs.keys()].filter(key => key.includes('evil.example'))).toHaveLength(1)
  for (let number = 0; number < 1000; number++) new FakeSource(core, 'outside').lane({ from: `once${number}.example`, to: 'inside.example' }).end()
  new FakeSource(core, 'outside').lane({ from: 'honest.example', to: 'inside.example' })
  expect(core.pairs.has('inside.example honest.example')).toBe(true)
  expect(core.pairs.size).toBe(300)
})

it('lets nobody spend the rate of another when there is no room for numbers', () => {
  const { core } = made({}, { bounds: { pairs: 0 } })
  expect(core.countOf('inside.example', 'a.example')).not.toBe(core.countOf('inside.example', 'b.example'))
})

it('gives the room of an attempt back that ends by a fault, and tries again', async () => {
  let asked = 0
  const { core, pass, ledger } = made({}, { dial: () => { asked++; return Promise.reject(new Error('a fault')) } })
  const source = new FakeSource(core, 'outside')
  source.lane(IN)
  source.send(...numbered(0, 1))
  await turn()
  expect([core.dialing, ledger.queued]).toEqual([0, 1])
  await pass(60_000)
  expect(asked).toBeGreaterThan(1)
  expect(core.dialing).toBe(0)
})
