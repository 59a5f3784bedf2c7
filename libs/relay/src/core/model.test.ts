/** Streams that are cut, peers that do not read, a world that changes, drains, expiry: whatever happens, every stanza has one outcome, and no order is lost. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FakeSource, made, message, turn, type Configured, type FakeStream } from './test-support/made.ts'

const PAIRS = [
  { zone: 'outside', from: 'one.example', to: 'inside.example' },
  { zone: 'outside', from: 'two.example', to: 'inside.example' },
  { zone: 'inside', from: 'inside.example', to: 'one.example' },
  { zone: 'inside', from: 'inside.example', to: 'two.example' },
  { zone: 'inside', from: 'rooms.inside.example', to: 'two.example' },
]
const WORLDS: Configured[] = [
  {}, {}, {},
  { spec: { peers: { 'two.example': 'held' } } },
  { spec: { peers: { 'one.example': 'blocked' } } },
  { spec: { peers: { 'two.example': 'draining' } } },
  { policies: { p: { ours: '*', peer: 'two.example', action: 'deny' } } },
  { policies: { p: { ours: '*', peer: 'one.example', action: 'allow', tls: 'required', certificate: 'valid' } } },
  { policies: { p: { ours: '*', peer: '*', action: 'allow', limits: { queueStanzas: 5 } } } },
]

const ATTRIBUTES = [/ from='(?:[ab]@)?([^']*)'/, / to='(?:[ab]@)?([^']*)'/, / id='([^']*)'/]

it('keeps the sum, the order and the bounds, whatever happens, and however late a turn ends', async () => {
  await fc.assert(fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, late) => run(seed, late)), { numRuns: 60 })
}, 60_000)

async function run (seed: number, late: boolean): Promise<void> {
  const turns: (() => void)[] = []
  const { core, ledger, dialings, random, configure, pass } = made({}, { seed, ...(late ? { turnEnds: flush => turns.push(flush) } : {}) })
  const below = (most: number) => Math.floor(random() * most)
  const streams: FakeStream[] = []
  const sources = PAIRS.map(pair => {
    const source = new FakeSource(core, pair.zone)
    return { pair, source, lane: source.lane(pair), sent: 0 }
  })
  let accepted = 0
  // By all streams, in the order in which it came.
  const heard: string[] = []
  // By what they say: an error that was not acknowledged is sent once more, too.
  const bouncesSeen = new Set<string>()
  const check = (what: string) => {
    const label = `seed ${seed}, after ${what}`
    expect(ledger.missing, label).toBe(0)
    expect(ledger.accepted, label).toBe(accepted)
    let [bytes, waiting, written] = [0, 0, core.context.tally.left]
    for (const route of core.routes.values()) {
      bytes += route.queue.bytes
      waiting += route.queue.stanzas - route.queue.own
      written += route.written
      expect(route.queue.stanzas, label).toBeLessThanOrEqual(1000 + 100)
    }
    expect([core.context.queuedBytes, ledger.queued, ledger.onStream], label).toEqual([bytes, waiting, written])
  }
  const drop = (stream: FakeStream, clean: boolean) => {
    stream.finish(clean)
    streams.splice(streams.indexOf(stream), 1)
  }
  for (let step = 0; step < 150; step++) {
    const what = below(14)
    const stream = streams[below(streams.length)]
    if (what < 5) {
      const from = sources[below(sources.length)]
      if (from === undefined) continue
      const { pair } = from
      const count = 1 + below(20)
      from.source.send(...Array.from({ length: count }, () => {
        const id = from.sent++
        const kind = below(6)
        if (kind === 0) return `<iq from='a@${pair.from}' to='b@${pair.to}' id='${id}' type='result'/>`
        if (kind === 1) return message(`a@${pair.from}`, `b@${pair.to}`, id, '<error/>', 'error')
        if (kind === 2) return `<message id="${id}" from='a@${pair.from.toUpperCase()}' to='b@${pair.to}'><body>&#x41;</body></message>`
        return message(`a@${pair.from}`, `b@${pair.to}`, id, `<body>${'x'.repeat(below(300))}</body>`)
      }))
      accepted += count
    } else if (what < 8) {
      const dialing = dialings.shift()
      if (dialing === undefined) continue
      const shared = streams.find(({ pair, lang, closed }) => pair.to === dialing.request.pair.to && lang === dialing.request.lang && closed === undefined)
      if (shared !== undefined && below(2) === 0) await dialing.join(shared)
      else if (below(3) > 0) {
        const made = await dialing.succeed(out => {
          out.heard = text => heard.push(text)
          out.slow = below(4) === 0
          if (below(3) === 0) out.acknowledged = 0
        })
        streams.push(made)
      } else await dialing.fail({ reason: below(2) === 0 ? 'unreachable' : 'host-unknown', says: '', temporary: below(2) === 0 })
    } else if (what === 8 && stream !== undefined) drop(stream, stream.closed !== undefined || below(2) === 0)
    else if (what === 9 && stream !== undefined) {
      stream.take(below(10))
      stream.ack(below(10))
      core.settled()
    } else if (what === 10 && stream !== undefined) {
      stream.slow = !stream.slow
      if (!stream.slow) stream.take(Infinity)
    } else if (what === 11) configure(WORLDS[below(WORLDS.length)] ?? {})
    else if (what === 12) await pass(below(4) === 0 ? 130_000 : below(5000))
    else for (const route of core.routes.values()) if (below(4) === 0) route.again()
    for (const closing of streams.slice()) if (closing.closed !== undefined && below(2) === 0) drop(closing, below(4) > 0)
    core.settled()
    if (below(2) === 0) for (const end of turns.splice(0)) end()
    await turn()
    check(`step ${step}, ${what}`)
  }
  const stopped = core.stop('draining')
  for (const stream of streams.slice()) drop(stream, true)
  for (const dialing of dialings) await dialing.fail({ reason: 'unreachable', says: '', temporary: true })
  await stopped
  await turn()
  check('stop')
  const { outcomes, queued, onStream, retried } = ledger.conservation()
  expect([queued, onStream], `seed ${seed}`).toEqual([0, 0])

  let delivered = 0
  let doubled = 0
  for (const { pair, sent } of sources) {
    const got: number[] = []
    for (const text of heard) {
      const [from, to, id] = ATTRIBUTES.map(attribute => attribute.exec(text)?.[1])
      // Errors that were made by the gateway go the same way.
      if (text.includes(' by=\'')) bouncesSeen.add(text)
      else if (from === pair.from && to === pair.to) got.push(Number(id))
    }
    const first = [...new Set(got)]
    expect(first, `order of ${pair.from} to ${pair.to}, seed ${seed}`).toEqual(first.toSorted((a, b) => a - b))
    expect(first.every(id => id < sent)).toBe(true)
    delivered += first.length
    doubled += got.length - first.length
  }
  const { bounced, expired } = outcomes
  expect(outcomes.acknowledged + outcomes.written, `arrived, seed ${seed}`).toBeLessThanOrEqual(delivered)
  expect(doubled, `doubled, seed ${seed}`).toBeLessThanOrEqual(retried)
  expect(accepted - delivered, `lost, seed ${seed}`).toBeLessThanOrEqual(outcomes['unknown-fate'] + bounced + expired + outcomes['dropped-by-rule'])
  expect(bouncesSeen.size, `bounces, seed ${seed}`).toBeLessThanOrEqual(bounced)
  for (const { lane, source } of sources) {
    lane.end()
    expect(source.pauses, `pauses, seed ${seed}`).toBe(0)
  }
}
