// What becomes of stanzas when a stream ends, between a true core and a peer over real TLS: nothing counts as written that has not left, and nothing that waits is lost.
import { afterEach, expect, it } from 'vitest'
import { FakeSource, made, message } from '../core/test-support/made.ts'
import { Acks } from './acks.ts'
import { PEER, rig, srv } from './test-support/rig.ts'
import { startServer, type Served } from './test-support/server.ts'
import type { OutboundOptions } from './dial.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })
const SM = "<sm xmlns='urn:xmpp:sm:3'/>"
const BODY = `<body>${'x'.repeat(60_000)}</body>`

async function standing (limits: OutboundOptions['limits'] = {}, server: Parameters<typeof startServer>[0] = {}) {
  const s = await startServer(server)
  const r = await rig({ options: { limits } })
  cleanUp.push(() => s.close(), () => r.stop())
  r.records.push(...srv(s))
  const m = made({}, { dial: () => r.open() })
  const source = new FakeSource(m.core, 'inside')
  source.lane({ from: 'inside.example', to: PEER })
  const send = (number: number, body?: string) => source.send(message('a@inside.example', `b@${PEER}`, number, body))
  return { s, r, m, send }
}

/** One stanza has come, and the peer reads no further. */
async function stalled ({ s, send }: Awaited<ReturnType<typeof standing>>): Promise<Served> {
  send(0)
  const served = await s.next()
  await served.until('</message>')
  served.pause()
  for (let number = 1; number <= 150; number++) send(number, BODY)
  return served
}

it('a request for an acknowledgement that was answered is not waited for, however many came after it', () => {
  const acks = new Acks()
  let oldest = 0
  for (let second = 0; second < 200; second++) {
    acks.sent += 50
    acks.ask(second * 1000)
    if (second > 0) acks.heard(50 * second)
    oldest = Math.max(oldest, second * 1000 - (acks.askedAt ?? second * 1000))
  }
  expect(oldest).toBeLessThanOrEqual(1000)
})

it('a request that is never answered is waited for since it was made, and one that was made meanwhile since then', () => {
  const acks = new Acks()
  acks.sent = 1
  acks.ask(1000)
  acks.sent = 2
  acks.ask(2000)
  expect(acks.askedAt).toBe(1000)
  acks.heard(1)
  expect(acks.askedAt).toBe(2000)
  acks.heard(2)
  expect(acks.askedAt).toBeUndefined()
})

it('a peer that acknowledges everything, one request late, keeps its stream', async () => {
  const { s, r } = await standing({ ackEvery: 1, tickMs: 5, stuckMs: 2000 }, { features: SM })
  const opening = r.open()
  const served = await s.next()
  await served.until("<enable xmlns='urn:xmpp:sm:3'/>")
  served.say("<enabled xmlns='urn:xmpp:sm:3'/>")
  const result = await opening
  if (!('stream' in result)) throw new Error('no stream')
  const { stream } = result
  const bytes = new TextEncoder().encode('<message/>')
  const began = performance.now()
  for (let number = 1; performance.now() - began < 3000; number++) {
    stream.write(bytes, 0, bytes.length, true)
    stream.flush()
    await served.until('<r ')
    if (number > 1) served.say(`<a xmlns='urn:xmpp:sm:3' h='${number - 1}'/>`)
    await new Promise(resolve => { setTimeout(resolve, 20) })
    expect(stream.open).toBe(true)
  }
}, 20_000)

it('what waits survives a stream that ends while acknowledgements are agreed on', async () => {
  const { s, m, send } = await standing({}, { features: SM })
  for (let number = 0; number < 100; number++) send(number)
  const served = await s.next()
  await served.until('<enable')
  served.reset()
  await expect.poll(() => m.core.context.tally.attempts.get('stream-failed')).toBe(1)
  expect(m.ledger.outcomes['unknown-fate']).toBe(0)
  expect(m.ledger.queued).toBe(100)
})

it('a peer that says goodbye and takes nothing more has not been written what did not leave', async () => {
  const all = await standing({ closeMs: 100 }, { keepFooter: true })
  const served = await stalled(all)
  const { m: { ledger } } = all
  served.say('</stream:stream>')
  await expect.poll(() => ledger.onStream).toBe(0)
  expect(ledger.outcomes.written).toBe(0)
  expect(ledger.outcomes['unknown-fate']).toBeGreaterThan(0)
})

it('a stop waits for a peer that takes nothing as long as for a footer', async () => {
  const all = await standing({ closeMs: 50, tickMs: 10, stuckMs: 3_600_000 })
  await stalled(all)
  await all.m.core.stop('draining')
  expect(all.m.ledger.onStream).toBe(0)
  expect(all.m.ledger.outcomes['unknown-fate']).toBeGreaterThan(0)
})

it('a stop that may not wait ends streams that do not end', async () => {
  const all = await standing({ closeMs: 3_600_000, tickMs: 10, stuckMs: 3_600_000 })
  await stalled(all)
  const now = new AbortController()
  const stopped = all.m.core.stop('draining', now.signal)
  now.abort()
  await stopped
  expect(all.m.ledger.onStream).toBe(0)
})
