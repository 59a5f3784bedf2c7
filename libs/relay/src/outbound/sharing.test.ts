import { afterEach, describe, expect, it, vi } from 'vitest'
import { OURS, PEER, rig, type About, type Rig } from './test-support/rig.ts'
import { startServer, type Server } from './test-support/server.ts'

const stopping: (() => Promise<void>)[] = []
afterEach(async () => { for (const stop of stopping.splice(0).toReversed()) await stop() })

const [SECOND, THIRD] = ['second.example', 'third.example']
const LEG = { tls: 'required', dialback: 'over-tls', external: false, streamManagement: false } as const

describe('inside, a further pair to the same server', () => {
  it('is authenticated on the stream that is there, and leaves by it', async () => {
    const { open, server, steps } = await inside()
    const first = await opened(open({}))
    const served = await server.next()
    const asking = open({ from: SECOND })
    expect(await served.until('</db:result>')).toContain(`from='${SECOND}' to='${PEER}'`)
    served.say(`<db:result from='${PEER}' to='${SECOND}' type='valid'/>`)
    const second = await opened(asking)
    expect(second).toBe(first)
    expect(second.view().pairs).toEqual([{ from: OURS, to: PEER, by: 'dialback' }, { from: SECOND, to: PEER, by: 'dialback' }])
    expect(steps.at(-1)).toMatchObject({ step: 'ready', outcome: 'ok', says: `The pair is authenticated on the stream ${first.id}, which others use, too.` })
  })

  it('waits for the stream that is being opened, and shows no more keys at once than a server must take', async () => {
    const { open, server } = await inside()
    const names = Array.from({ length: 8 }, (_, at) => `n${at}.example`)
    const all = Promise.all([open({}), ...names.map(from => open({ from }))])
    const served = await server.next()
    const seen: string[] = []
    for (let at = 0; at < names.length; at++) {
      const text = await served.until('</db:result>')
      seen.push(...[...text.matchAll(/<db:result[^>]* from='([^']*)'/g)].flatMap(([, from]) => from ?? []))
      if (at === 0) {
        await served.until('</db:result>')
        await served.until('</db:result>')
        await served.until('</db:result>')
        expect(served.read).not.toContain('db:result')
        for (const name of names.slice(0, 4)) served.say(`<db:result from='${PEER}' to='${name}' type='valid'/>`)
        at = 3
      } else served.say(`<db:result from='${PEER}' to='${names[at]}' type='valid'/>`)
    }
    const streams = (await all).flatMap(result => 'stream' in result ? [result.stream] : [])
    expect([streams.length, new Set(streams).size]).toEqual([9, 1])
  })

  for (const [name, answer] of [['with an error', "type='error'><error type='cancel'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>"], ['as invalid', "type='invalid'/>"]] as const) {
    it(`has a stream of its own when it is refused there ${name}, and the first goes on`, async () => {
      const { open, server } = await inside()
      const first = await opened(open({}))
      const served = await server.next()
      const asking = open({ from: SECOND })
      await served.until('</db:result>')
      served.say(`<db:result from='${PEER}' to='${SECOND}' ${answer}`)
      const second = await opened(asking)
      expect(second).not.toBe(first)
      first.write(new TextEncoder().encode('<message/>'), 0, 10, true)
      first.flush()
      expect(await served.until('<message/>')).toBe('<message/>')
    })
  }

  it('has a stream of its own when the first ends before it is answered', async () => {
    const { open, server } = await inside()
    const first = await opened(open({}))
    const served = await server.next()
    const asking = open({ from: SECOND })
    await served.until('</db:result>')
    served.reset()
    expect(await opened(asking)).not.toBe(first)
  })

  it('has one of its own where the first cannot be opened, and where the peer cannot refuse without closing', async () => {
    const plain = await inside('')
    const [one, other] = await Promise.all([opened(plain.open({})), opened(plain.open({ from: SECOND }))])
    expect(one).not.toBe(other)
    const { open } = await inside()
    const [gone, kept] = await Promise.all([open({ signal: AbortSignal.abort() }), open({ from: SECOND })])
    expect([Object.keys(gone), Object.keys(kept)]).toEqual([['failed'], ['stream']])
  })

  it('has one of its own in another language, and under other rules', async () => {
    const { open } = await inside()
    const streams = [await opened(open({})), await opened(open({ from: SECOND, lang: 'de' })), await opened(open({ from: THIRD, leg: { ...LEG, certificate: 'any', minTls: '1.3' } }))]
    expect(new Set(streams).size).toBe(3)
  })

  it('does not end the stream of others when it is given up', async () => {
    const { open, server } = await inside()
    const first = await opened(open({}))
    const served = await server.next()
    const over = new AbortController()
    const asking = open({ from: SECOND, signal: over.signal })
    await served.until('</db:result>')
    over.abort()
    expect(await asking).toHaveProperty('failed')
    // The answer comes late, and is of a key that was asked about.
    served.say(`<db:result from='${PEER}' to='${SECOND}' type='valid'/>`)
    first.write(new TextEncoder().encode('<message/>'), 0, 10, true)
    first.flush()
    expect(await served.until('<message/>')).toBe('<message/>')
    expect(first.view().pairs).toHaveLength(1)
  })
})

it('D1: an answer about a pair that was never asked about ends the stream, and authenticates nobody', async () => {
  const { open, server } = await inside()
  const first = await opened(open({}))
  const served = await server.next()
  const asking = open({ from: SECOND })
  await served.until('</db:result>')
  served.say(`<db:result from='${PEER}' to='${THIRD}' type='valid'/>`)
  expect(await first.ended).toMatchObject({ clean: false })
  expect(first.view().pairs).toHaveLength(1)
  expect(await opened(asking)).not.toBe(first)
})

it('outside, every pair has a stream of its own', async () => {
  const server = await startServer()
  const made = await rig()
  stopping.push(() => server.close(), () => made.stop())
  const to = { hops: [{ host: server.address, port: server.port }], leg: LEG }
  const streams = [await opened(made.open(to)), await opened(made.open({ ...to, from: SECOND }))]
  expect(new Set(streams).size).toBe(2)
  await vi.waitFor(() => expect(made.told.filter(({ on }) => on === 'stream-opened')).toHaveLength(2))
})

async function inside (errors?: ''): Promise<{ open: (about: About) => ReturnType<Rig['open']>, server: Server, steps: Rig['steps'] }> {
  const server = await startServer(errors === undefined ? {} : { errors: false })
  const made = await rig({ side: 'internal' })
  stopping.push(() => server.close(), () => made.stop())
  return { server, steps: made.steps, open: about => made.open({ hops: [{ host: server.address, port: server.port }], leg: LEG, ...about }) }
}

async function opened (opening: ReturnType<Rig['open']>) {
  const result = await opening
  if ('failed' in result) throw new Error(JSON.stringify(result.failed))
  return result.stream
}
