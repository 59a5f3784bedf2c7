import { certificateFor } from '@dialtone/zoo'
import { afterEach, expect, it, vi } from 'vitest'
import { connect, type Connection, type Flow } from './connection.ts'
import { listen, type Listening } from './listen.ts'

const stopping: (() => unknown)[] = []
afterEach(async () => { for (const stop of stopping.splice(0).toReversed()) await stop() })

it('hands bytes over as they come, those that came before included, and then the end', async () => {
  const [here, there] = await pair()
  there.write('one')
  expect(await here.read(2000)).toEqual({ bytes: Buffer.from('one') })
  there.write('two')
  const heard = hearing()
  here.flow(heard.flow)
  there.send(Buffer.from('three'))
  await vi.waitFor(() => expect(heard.text()).toBe('twothree'))
  void there.end(1000)
  await vi.waitFor(() => expect(heard.ends).toEqual([undefined]))
  expect(await here.end(1000)).toBe('clean')
})

it('takes nothing while it is paused, however often, and goes on after as many resumes', async () => {
  const [here, there] = await pair()
  const heard = hearing()
  here.flow(heard.flow)
  here.pause()
  here.pause()
  const filled = Buffer.alloc(64 * 2 ** 20, 'x')
  there.flow(hearing().flow)
  there.send(filled)
  await new Promise(resolve => { setTimeout(resolve, 50) })
  const before = heard.bytes()
  here.resume()
  await new Promise(resolve => { setTimeout(resolve, 50) })
  expect(heard.bytes()).toBe(before)
  expect(there.unsent).toBeGreaterThan(0)
  here.resume()
  await vi.waitFor(() => expect(heard.bytes()).toBe(filled.length), 10_000)
})

it('tells a reset once', async () => {
  const [here, there] = await pair()
  const heard = hearing()
  here.flow(heard.flow)
  here.send(Buffer.alloc(100))
  there.destroy()
  await vi.waitFor(() => expect(heard.ends).toHaveLength(1))
})

it('goes on through an upgrade on both sides', async () => {
  const [here, there] = await pair()
  const [inside, outside] = [hearing(), hearing()]
  here.flow(inside.flow)
  there.flow(outside.flow)
  const { chain, key } = await certificateFor({ names: { dns: ['a.example'] } })
  const [client, server] = await Promise.all([
    here.secure({ sni: 'a.example', anchors: { system: false, given: [] }, timeoutMs: 5000 }),
    there.secureAsServer({ certificate: { certificate: chain, key }, timeoutMs: 5000 }),
  ])
  expect(client).toHaveProperty('secured')
  expect(server).toHaveProperty('secured')
  here.send(Buffer.from('from here'))
  there.send(Buffer.from('from there'))
  await vi.waitFor(() => expect([inside.text(), outside.text()]).toEqual(['from there', 'from here']))
  void here.end(1000)
  await vi.waitFor(() => expect(outside.ends).toEqual([undefined]))
})

function hearing (): { flow: Flow, text: () => string, bytes: () => number, ends: unknown[] } {
  const chunks: Buffer[] = []
  const ends: unknown[] = []
  return {
    flow: { bytes: chunk => chunks.push(Buffer.from(chunk)), ended: failure => ends.push(failure), drained: () => undefined },
    text: () => Buffer.concat(chunks).toString(), bytes: () => chunks.reduce((sum, { length }) => sum + length, 0), ends,
  }
}

async function pair (): Promise<[Connection, Connection]> {
  const over = new AbortController()
  const taken = Promise.withResolvers<Connection>()
  const listening: Listening = await listen({ address: '127.0.0.1', port: 0, admit: () => true, accepted: ({ connection }) => taken.resolve(connection), signal: over.signal })
  stopping.push(() => listening.close(), () => over.abort())
  const made = await connect({ address: '127.0.0.1', port: listening.port, allowNets: ['127.0.0.0/8'], timeoutMs: 5000, signal: over.signal })
  if ('failure' in made) throw new Error(JSON.stringify(made.failure))
  return [made.connection, await taken.promise]
}
