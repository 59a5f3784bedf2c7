// What an authenticated stream does until it ends, over real TLS: bytes out, acknowledgements, the way back, silence, and every way to part.
import { afterEach, describe, expect, it } from 'vitest'
import type { Pair } from '@dialtone/stream'
import type { Intake, Lane, OutStream, Source } from '../seams.ts'
import type { OutboundOptions } from './dial.ts'
import { OURS, PEER, rig, srv, type About, type Rig } from './test-support/rig.ts'
import { startServer, type Served } from './test-support/server.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

const SM = "<sm xmlns='urn:xmpp:sm:3'/>"
const ENABLED = "<enabled xmlns='urn:xmpp:sm:3'/>"
const BIDI = "<bidi xmlns='urn:xmpp:features:bidi'/>"

describe('bytes', () => {
  it('arrive as they were when they were flushed, whatever becomes of their memory', async () => {
    const { stream, served } = await joined()
    const sent: string[] = []
    for (let round = 0; round < 20; round++) {
      const memory = new TextEncoder().encode(stanza(round).repeat(round === 7 ? 10_000 : 50))
      const [first, second] = [memory.length >> 2, memory.length >> 1]
      sent.push(new TextDecoder().decode(memory))
      stream.write(memory, 0, first, true)
      stream.write(memory, first, second, true)
      stream.write(memory, second, memory.length, round % 2 === 0)
      if (round % 2 === 1) memory.fill(0x58, second)
      stream.flush()
      memory.fill(0x58)
    }
    write(stream, '<end/>')
    expect(await served.until('<end/>')).toBe(`${sent.join('')}<end/>`)
  })

  it('are counted until the peer has taken them, which is told', async () => {
    const { stream, served } = await joined()
    served.pause()
    const much = new Uint8Array(32 * 1024 * 1024).fill(0x20)
    stream.write(much, 0, much.length, true)
    expect(stream.unsent).toBe(much.length)
    stream.flush()
    expect(stream.unsent).toBeGreaterThan(1024 * 1024)
    const drained = new Promise<void>(resolve => { stream.drained = resolve })
    served.resume()
    await drained
    expect(stream.unsent).toBe(0)
  })

  it('that are white space keep the stream alive', async () => {
    const { served } = await joined({ limits: { keepAliveMs: [20, 20], tickMs: 5 } })
    expect(await served.until('  ')).toBe('  ')
  })

  it('are no more than the peer takes', async () => {
    const { stream } = await joined({}, { features: "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits>" })
    expect(stream.maxBytes).toBe(10_000)
  })
})

describe('acknowledgements', () => {
  const agreed = (limits: OutboundOptions['limits'] = {}, keepFooter = false) =>
    joined({ limits }, { features: SM, keepFooter, agree: async served => { await served.until("<enable xmlns='urn:xmpp:sm:3'/>"); served.say(ENABLED) } })
  it('are asked for after so many stanzas, with them', async () => {
    const { stream, served } = await agreed({ ackEvery: 3, tickMs: 60_000 })
    expect(stream.acknowledged).toBe(0)
    for (let at = 0; at < 3; at++) write(stream, stanza(at), false)
    stream.flush()
    await served.until("<r xmlns='urn:xmpp:sm:3'/>")
    const acked = new Promise<void>(resolve => { stream.acked = resolve })
    served.say("<a xmlns='urn:xmpp:sm:3' h='2'/>")
    await acked
    expect(stream.acknowledged).toBe(2)
  })
  it('are asked for when it is quiet', async () => {
    const { stream, served } = await agreed({ tickMs: 5 })
    write(stream, stanza(0))
    expect(await served.until("<r xmlns='urn:xmpp:sm:3'/>")).toContain(stanza(0))
  })
  it('are asked for before the footer, and heard until the end', async () => {
    const { stream, served } = await agreed({ tickMs: 60_000 }, true)
    write(stream, stanza(0))
    stream.close()
    expect(await served.until('</stream:stream>')).toBe(`${stanza(0)}<r xmlns='urn:xmpp:sm:3'/></stream:stream>`)
    served.say("<a xmlns='urn:xmpp:sm:3' h='1'/></stream:stream>")
    expect(await stream.ended).toEqual({ clean: true })
    expect(stream.acknowledged).toBe(1)
  })
  it('of what was not sent end the stream', async () => {
    const { stream, served } = await agreed()
    served.say("<a xmlns='urn:xmpp:sm:3' h='1'/>")
    expect(await served.until('</stream:stream>')).toContain('<undefined-condition')
    expect(await stream.ended).toMatchObject({ clean: false, because: { why: 'broke-protocol' } })
  })
  it('that the peer owes for too long end it, too', async () => {
    const { stream } = await agreed({ tickMs: 5, stuckMs: 50 })
    write(stream, stanza(0))
    expect(await stream.ended).toMatchObject({ clean: false, because: { why: 'went-silent' } })
  })
  it('are not used where the peer does not offer them, refuses them or says nothing', async () => {
    const without = await joined()
    expect(without.stream.acknowledged).toBeUndefined()
    const refused = await joined({}, { features: SM, agree: async served => { await served.until('<enable'); served.say("<failed xmlns='urn:xmpp:sm:3'/>") } })
    expect(refused.stream.acknowledged).toBeUndefined()
    const silent = await joined({ limits: { closeMs: 30 } }, { features: SM })
    expect(silent.stream.acknowledged).toBeUndefined()
  })
})

describe('the way back (XEP-0288)', () => {
  it('takes stanzas from the first byte behind the answer, in order', async () => {
    const intake = taker()
    const { stream, served } = await joined({ intake }, { features: BIDI, behind: back(1) + back(2), leg: { bidi: true } })
    served.say(back(3))
    await expect.poll(() => intake.taken.length).toBe(3)
    expect(intake.taken).toEqual([back(1), back(2), back(3)])
    expect(intake.lanes).toEqual([{ from: PEER, to: OURS }])
    expect(stream.view()).toMatchObject({ bidi: true, stanzas: { in: 3 }, pairs: [{ by: 'dialback' }, { from: PEER, to: OURS, by: 'bidi' }] })
    expect(intake.times).toBeGreaterThan(0)
    stream.close()
    await stream.ended
    expect(intake.ended).toBe(1)
  })
  it('is not asked for where the leg does not want it, and then a stanza ends the stream', async () => {
    const intake = taker()
    const { stream, served } = await joined({ intake }, { features: BIDI })
    served.say(back(1))
    expect(await served.until('</stream:stream>')).toContain('<not-authorized')
    expect((await stream.ended).clean).toBe(false)
    expect(intake.taken).toEqual([])
  })
  for (const [name, from, to] of [['another domain of the peer', 'evilpartner.example', OURS], ['another domain of ours', PEER, 'other.example'], ['our own pair', OURS, PEER]] as const) {
    it(`is closed to ${name}`, async () => {
      const intake = taker()
      const { served } = await joined({ intake }, { features: BIDI, leg: { bidi: true } })
      served.say(`<message from='${from}' to='${to}'/>`)
      expect(await served.until('</stream:stream>')).toContain('<invalid-from')
      expect(intake.taken).toEqual([])
    })
  }
  it('D2: is not widened by answers that nobody asked for', async () => {
    const intake = taker()
    const { stream, served } = await joined({ intake }, { features: BIDI, leg: { bidi: true } })
    served.say(`<db:result from='evil.example' to='${OURS}' type='valid'/><message from='evil.example' to='${OURS}'/>`)
    expect(await served.until('</stream:stream>')).toContain('<stream:error>')
    expect((await stream.ended).because).toMatchObject({ why: 'broke-protocol' })
    expect(intake.taken).toEqual([])
    expect(intake.lanes).toHaveLength(1)
  })
  it('answers whether a key is ours, and takes no other pair, without an end', async () => {
    const asked: unknown[] = []
    const { stream, served } = await joined({ intake: taker(), asked: ({ zone, pair, id, key, address }) => { asked.push({ zone: zone.name, pair, id, key, address }); return { type: 'valid' } } }, { features: BIDI, leg: { bidi: true } })
    served.say(`<db:verify from='${PEER}' to='${OURS}' id='their-id'>key</db:verify><db:result from='second.example' to='${OURS}'>key</db:result>`)
    expect(await served.until('resource-constraint')).toContain(`<db:verify from='${OURS}' to='${PEER}' id='their-id' type='valid'/><db:result from='${OURS}' to='second.example' type='error'>`)
    expect(asked).toEqual([{ zone: 'outside', pair: { from: PEER, to: OURS }, id: 'their-id', key: 'key', address: '127.0.0.1' }])
    expect(stream.open).toBe(true)
  })
  it('answers nothing more to a peer that asks and does not read', async () => {
    let asked = 0
    const { served } = await joined({ intake: taker(), asked: () => { asked++; return { type: 'invalid' } } }, { features: BIDI, leg: { bidi: true } })
    served.pause()
    const question = `<db:verify from='${PEER}' to='${OURS}' id='${'i'.repeat(4000)}'>key</db:verify>`
    for (let round = 0; round < 2000; round++) served.say(question)
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(2000)
    served.resume()
    await served.until(`id='`)
  })
  it('stops and goes on, and ends with a condition', async () => {
    const intake = taker()
    const { stream, served } = await joined({ intake }, { features: BIDI, leg: { bidi: true } })
    intake.sources[0]?.pause()
    expect(stream.view().paused).toBe(true)
    served.say(back(1))
    intake.sources[0]?.resume()
    await expect.poll(() => intake.taken).toEqual([back(1)])
    intake.sources[0]?.close('policy-violation', 'too much')
    expect(await served.until('</stream:stream>')).toContain('<policy-violation')
  })
})

describe('the end', () => {
  it('is clean when both have said goodbye, whoever began', async () => {
    const ours = await joined()
    write(ours.stream, stanza(1), false)
    ours.stream.close('system-shutdown', 'until later')
    expect(await ours.served.until('</stream:stream>')).toMatch(/<message.*<system-shutdown.*until later/)
    expect(await ours.stream.ended).toEqual({ clean: true })
    const theirs = await joined()
    write(theirs.stream, stanza(2), false)
    theirs.served.say('</stream:stream>')
    let ending = false
    theirs.stream.ending = () => { ending = true }
    expect(await theirs.served.until('</stream:stream>')).toContain(stanza(2))
    expect([theirs.stream.open, ending]).toEqual([false, true])
    expect(await theirs.stream.ended).toEqual({ clean: true })
  })
  it('is told as what it was: an error of the peer, a reset', async () => {
    const error = await joined()
    error.served.say("<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
    expect(await error.stream.ended).toMatchObject({ clean: false, because: { why: 'stream-error', condition: 'system-shutdown' } })
    const reset = await joined()
    reset.served.reset()
    expect(await reset.stream.ended).toMatchObject({ clean: false, because: { at: 'stream' } })
    write(reset.stream, stanza(1))
    expect(reset.stream.unsent).toBe(0)
  })
  it('comes after idleness, politely', async () => {
    const { stream, served, it } = await joined({ limits: { tickMs: 5 } }, { idleSeconds: 0.05 })
    expect(await served.until('</stream:stream>')).not.toContain('error')
    expect(await stream.ended).toEqual({ clean: true })
    expect(it.count('dialtone_gateway_outbound_closed_total', { zone: 'outside', how: 'idle' })).toBe(1)
    expect(it.told.map(({ on }) => on)).toEqual(['stream-opened', 'stream-closed'])
  })
  it('does not wait for a footer that never comes', async () => {
    const { stream } = await joined({ limits: { closeMs: 30, tickMs: 5 } }, { keepFooter: true })
    stream.close()
    expect((await stream.ended).clean).toBe(false)
  })
  it('R10: comes over a peer that takes nothing, and without the guard never', async () => {
    for (const patient of [false, true]) {
      const { stream, served } = await joined({ limits: { stuckMs: 100, tickMs: 5 }, ...(patient ? { weakened: { patient: true } } : {}) })
      served.pause()
      stream.write(new Uint8Array(32 * 1024 * 1024).fill(0x20), 0, 32 * 1024 * 1024, true)
      stream.flush()
      const ending = Promise.race([stream.ended, new Promise<'still there'>(resolve => { setTimeout(() => resolve('still there'), patient ? 500 : 14_000) })])
      if (patient) expect(await ending).toBe('still there')
      else expect(await ending).toMatchObject({ clean: false, because: { at: 'stream', why: 'went-silent' } })
    }
  })
})

type Wanted = { features?: string, behind?: string, leg?: About['leg'], idleSeconds?: number, keepFooter?: boolean, /** What the server does before the stream is ready. */ agree?: (served: Served) => Promise<void> }

async function joined (options: OutboundOptions = {}, { features, behind, leg, idleSeconds, keepFooter, agree }: Wanted = {}): Promise<{ it: Rig, stream: OutStream, served: Served }> {
  const server = await startServer({ ...(features === undefined ? {} : { features }), ...(behind === undefined ? {} : { behind }), ...(keepFooter === undefined ? {} : { keepFooter }) })
  const it = await rig({ options, ...(idleSeconds === undefined ? {} : { idleSeconds }) })
  cleanUp.push(server.close, it.stop)
  it.records.push(...srv(server))
  const serving = server.next()
  const opening = it.open(leg === undefined ? {} : { leg })
  const served = await serving
  await agree?.(served)
  const result = await opening
  if ('failed' in result) throw new Error(result.failed.says)
  return { it, stream: result.stream, served }
}

function write (stream: OutStream, text: string, flush = true): void {
  const bytes = new TextEncoder().encode(text)
  stream.write(bytes, 0, bytes.length, false)
  if (flush) stream.flush()
}

function stanza (at: number): string {
  return `<message from='a@${OURS}' to='b@${PEER}' id='${at}'/>`
}

function back (at: number): string {
  return `<message from='b@${PEER}' to='a@${OURS}' id='${at}'/>`
}

/** Takes what comes the way back, as text. */
function taker (): Intake & { taken: string[], lanes: Pair[], sources: Source[], times: number, ended: number } {
  const kept = { taken: [] as string[], lanes: [] as Pair[], sources: [] as Source[], times: 0, ended: 0 }
  const encode = (text: string) => new TextEncoder().encode(text)
  return Object.assign(kept, {
    lane: (source: Source, pair: Pair): Lane => {
      kept.sources.push(source)
      kept.lanes.push(pair)
      return { from: encode(pair.from), to: encode(pair.to), accept: frame => { kept.taken.push(Buffer.from(frame.bytes).toString()) }, end: () => { kept.ended++ } }
    },
    refuse: () => undefined,
    offer: () => undefined,
    settled: () => { kept.times++ },
  })
}
