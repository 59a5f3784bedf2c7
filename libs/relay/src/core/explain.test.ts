import type { RouteExplanation } from '@dialtone/contracts'
import { RouteExplanation as Schema } from '@dialtone/contracts/schemas'
import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import type { DialFailure } from '../seams.ts'
import { explainRoute } from './explain.ts'
import { FakeSource, assignmentOf, made, message, worldOf, type Configured } from './test-support/made.ts'

const OUT = { from: 'inside.example', to: 'peer.example' }

for (const [name, pair, configured, outcome, says] of [
  ['from outside to outside', { from: 'a.example', to: 'b.example' }, {}, 'refuse', 'It is refused: b.example is no domain of ours, and nothing goes from outside to outside.'],
  ['between two domains inside', { from: 'inside.example', to: 'rooms.inside.example' }, {}, 'refuse', 'It is refused: inside.example and rooms.inside.example are both inside: their servers reach each other without the gateway.'],
  ['to the gateway itself', { from: 'peer.example', to: 'gateway.example' }, {}, 'deliver', 'gateway.example is the gateway itself, which answers pings and questions about what it is.'],
  ['to a peer that a policy denies', OUT, { policies: { no: { ours: '*', peer: 'peer.example', action: 'deny' } } }, 'refuse', 'It is refused, since the policy denies it: Policy/no is the most exact that fits: ours \'*\', peer \'peer.example\'.'],
  ['to a peer that is held', OUT, { spec: { peers: { 'peer.example': 'held' } } }, 'queue', 'It waits for at most 120 s (a message), for peer.example is held.'],
  ['to a peer by its records', OUT, {}, 'deliver', 'It goes from the zone inside to the zone outside, where the records of peer.example point (x.peer.example:5269 first). There is no stream yet; one is opened for the first stanza, which waits for it.'],
  ['to our own server', { from: 'peer.example', to: 'inside.example' }, {}, 'deliver', 'It goes from the zone outside to the zone inside, to the server that Domain/inside.example names (x.peer.example:5269 first). There is no stream yet; one is opened for the first stanza, which waits for it. This assumes that its server proves peer.example first, by a certificate that is good for it or dialback, for which x.peer.example:5269 is asked.'],
] as const) {
  it(`says what would become of a stanza ${name}`, async () => {
    const explained = await explain(pair, configured)
    expect([explained.outcome, explained.says]).toEqual([outcome, says])
    expect(Value.Errors(Schema, explained)).toEqual([])
  })
}

it('says why the last attempt failed, what the sender is told, and what there is when there is a stream', async () => {
  const { core, clock, dialings } = made()
  const source = new FakeSource(core, 'inside')
  source.lane(OUT)
  source.send(message('u@inside.example', 'v@peer.example', 1))
  await dialings[0]!.fail({ reason: 'dns-absent', says: 'peer.example has no records.', temporary: false })
  const failed = await explain(OUT, {}, core, clock.elapsed())
  expect(failed).toMatchObject({ outcome: 'refuse', refusal: { reason: 'dns-absent', condition: 'remote-server-not-found', type: 'cancel' }, queue: { state: 'waiting', failure: { reason: 'dns-absent' } } })
  expect(failed.says).toContain('peer.example has no records.')

  const other = made()
  const second = new FakeSource(other.core, 'inside')
  second.lane(OUT)
  second.send(message('u@inside.example', 'v@peer.example', 1))
  await other.dialings[0]!.succeed()
  expect((await explain(OUT, {}, other.core, other.clock.elapsed())).says).toContain('There is a stream (stream-0, authenticated by dialback), and it is written to that at once.')
})

it('says stopped of a zone that has drained, and of a gateway', async () => {
  const { core, clock } = made()
  const closed = (desired: 'running' | 'stopped') => {
    const assignment = assignmentOf({})
    const world = worldOf({ ...assignment, spec: { ...assignment.spec, desired } }, clock)
    return { ...world, zones: new Map([...world.zones].map(([name, zone]) => [name, name === 'inside' ? { ...zone, spec: { ...zone.spec, desired: 'stopped' as const } } : zone])) }
  }
  const says = async (desired: 'running' | 'stopped') => (await explainRoute(OUT, { gateway: 'g', world: closed(desired), now: clock.now(), elapsed: 0, routeOf: () => undefined, hasComponent: () => false, plan: async () => ({ targets: [] }), streams: () => [] })).says
  expect(core.routes.size).toBe(0)
  expect(await says('running')).toBe('It is refused, since the zone inside is stopped.')
  expect(await says('stopped')).toBe('It is refused, since the gateway is stopped.')
})

it('says what it assumes of a peer that has to prove itself and has no records', async () => {
  const absent: DialFailure = { reason: 'dns-absent', says: 'peer.example does not exist.', temporary: false }
  const back = { from: 'peer.example', to: 'inside.example' }
  const plan: Parameters<typeof explainRoute>[1]['plan'] = async ({ pair }) => pair.to === 'peer.example' ? { targets: [], failed: absent } : { targets: [] }
  const says = async (configured: Configured) => {
    const { clock } = made(configured)
    const { outcome, says: sentence } = await explainRoute(back, { gateway: 'g', world: worldOf(assignmentOf(configured), clock), now: clock.now(), elapsed: 0, routeOf: () => undefined, hasComponent: () => false, plan, streams: () => [] })
    return [outcome, sentence.replace(/^It goes .*waits for it\. /, '')]
  }
  expect(await says({})).toEqual(['deliver', 'This assumes that its server proves peer.example first, by a certificate that is good for it; dialback cannot, for which the server that its records name is asked: peer.example does not exist.'])
  expect(await says({ policies: { plain: { ours: '*', peer: 'peer.example', action: 'allow', external: false } } })).toEqual(['refuse', 'It is refused, since a server of peer.example can prove the domain by dialback alone, for which the server that its records name is asked: peer.example does not exist.'])
})

it('says what DNS says when it says that there is nothing', async () => {
  const explained = await explain(OUT, {}, undefined, 0, { reason: 'dns-absent', says: 'peer.example does not exist.', temporary: false })
  expect([explained.outcome, explained.says]).toEqual(['refuse', 'It would be returned: peer.example does not exist.'])
})

function explain (pair: { from: string, to: string }, configured: Configured, core = made(configured).core, elapsed = 0, failed?: DialFailure): Promise<RouteExplanation> {
  const clock = { now: () => 1_800_000_000_000, elapsed: () => elapsed, pass: () => undefined }
  return explainRoute(pair, {
    gateway: 'g', world: worldOf(assignmentOf(configured), clock), now: clock.now(), elapsed, routeOf: (zone, of) => core.routes.get(`${zone} ${of.from} ${of.to}`), hasComponent: () => false,
    plan: async () => failed === undefined ? { targets: [{ target: 'x.peer.example:5269', kind: 'starttls', says: '' }] } : { targets: [], failed }, streams: () => [],
  })
}
