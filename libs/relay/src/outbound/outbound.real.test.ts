// Streams to real servers: they accept our certificate, answer for their own keys, and say in their own words why not.
import { certificateOf, dialbackKey, startEjabberd, startProsody, testRoot, type XmppServer } from '@dialtone/testkit'
import { afterEach, expect, it } from 'vitest'
import { LEG, OURS, PEER, rig, srv, type Rig } from './test-support/rig.ts'
import { createVerify } from './verify.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

const SECRET = 'a secret of the peer, longer than 128 bits'

for (const [name, start] of [['Prosody', startProsody], ['ejabberd', startEjabberd]] as const) {
  it(`${name} accepts our certificate, over STARTTLS and direct TLS, and parts politely`, async () => {
    const server = await start({ hosts: [PEER], tls: 'required', certificate: await certificateOf('good', PEER), trusts: await testRoot(), directTls: true })
    cleanUp.push(server.stop)
    for (const service of ['xmpp-server', 'xmpps-server'] as const) {
      const it = await ours()
      it.records.push(...srv({ address: server.address, port: service === 'xmpp-server' ? server.port : server.directTlsPort ?? 0 }, { service }))
      const result = await it.open({ leg: { certificate: 'valid', dialback: 'never' } })
      if ('failed' in result) throw new Error(result.failed.says)
      expect(result.stream.view()).toMatchObject({ pairs: [{ by: 'external' }], certificate: 'valid' })
      const text = new TextEncoder().encode(`<iq type='get' id='i1' from='${OURS}' to='${PEER}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      result.stream.write(text, 0, text.length, false)
      result.stream.flush()
      expect(await server.logged(/urn:xmpp:ping/)).toBeDefined()
      result.stream.close()
      const ended = await result.stream.ended
      // ejabberd closes its socket with its footer. Where that is quicker than we are, the end of our TLS meets a reset, and how we have parted is not certain; it has heard our footer all the same.
      if (name === 'Prosody' || ended.clean) expect(ended).toEqual({ clean: true })
      else expect(ended).toMatchObject({ because: { at: 'stream', why: 'reset' } })
      if (name === 'ejabberd') await server.logged(/Received XML on stream = <<"<\/stream:stream>">>/)
    }
  })

  it(`${name} cannot call back where its DNS does not find us, and says so`, async () => {
    const server = await start({ hosts: [PEER], tls: 'required', certificate: await certificateOf('good', PEER), patience: 5 })
    const made = await reached(server)
    const result = await made.open({ leg: { external: false } })
    expect(result).toMatchObject({ failed: { reason: 'dialback-error', temporary: true } })
  })

  it(`${name} does not serve another domain`, async () => {
    const server = await start({ hosts: ['other.example'], tls: 'required', certificate: await certificateOf('good', 'other.example') })
    expect(await (await reached(server)).open()).toMatchObject({ failed: { reason: 'host-unknown', temporary: false } })
  })
}

it('Prosody answers for its keys, and for no others', async () => {
  const server = await startProsody({ hosts: [PEER], tls: 'required', certificate: await certificateOf('good', PEER), dialbackSecret: SECRET })
  const made = await reached(server)
  const verify = createVerify(made.surroundings)
  const ask = (key: string) => verify({ zone: made.zone, question: { from: PEER, to: OURS, id: 'abc', key }, leg: LEG, allowNets: [], signal: new AbortController().signal })
  expect(await ask(dialbackKey('prosody', SECRET, { receiving: OURS, originating: PEER, streamId: 'abc' }))).toEqual({ type: 'valid' })
  expect(await ask('0'.repeat(64))).toEqual({ type: 'invalid' })
})

async function ours (): Promise<Rig> {
  const { chain, key } = await certificateOf('good', OURS)
  const made = await rig({ own: { certificate: chain, key }, anchors: await testRoot() })
  cleanUp.push(made.stop)
  return made
}

async function reached (server: XmppServer): Promise<Rig> {
  cleanUp.push(server.stop)
  const made = await ours()
  made.records.push(...srv(server))
  return made
}
