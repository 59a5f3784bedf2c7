// Whether a key is good, asked of the authoritative server: its answers, and what becomes of everything else (XEP-0220 §2.2.1, §2.5).
import { afterEach, describe, expect, it } from 'vitest'
import { afterTls, clearServer, untilStarttls, type CertificateSpec, type Script } from '@dialtone/zoo'
import type { LegRules } from '@dialtone/routing'
import type { OutboundOptions } from './dial.ts'
import { LEG, OURS, PEER, peer, rig, srv, type Rig } from './test-support/rig.ts'
import { createVerify } from './verify.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

const QUESTION = { from: PEER, to: OURS, id: 'our-stream', key: 'a-key' }
type Manner = Omit<Extract<Script[number], { do: 'dialback' }>, 'do'>
const server = (manner: Manner, certificate?: CertificateSpec): Script => afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors' }, { do: 'dialback', ...manner }], certificate === undefined ? {} : { certificate })
const says = (text: string): Script => afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors' }, { do: 'send', text }, { do: 'silence' }])

describe('the answer of the authoritative server', () => {
  for (const answer of ['valid', 'invalid'] as const) it(`is ${answer}`, async () => { expect(await ask(server({ question: answer }))).toEqual({ type: answer }) })
  it('is that it knows nothing of the domain', async () => { expect(await ask(server({ question: 'item-not-found' }))).toEqual({ type: 'error', condition: 'remote-server-not-found' }) })
  it('comes in clear where nothing else is offered and the leg does not mind', async () => {
    const clear: Script = [...clearServer().slice(0, 3), { do: 'dialback', question: 'valid' }]
    expect(await ask(clear, { leg: { tls: 'optional' } })).toEqual({ type: 'valid' })
    expect(await ask(clear, { leg: { tls: 'required' } })).toEqual({ type: 'error', condition: 'remote-connection-failed' })
  })
  it('counts whatever certificate it comes with, unless the leg says otherwise', async () => {
    const wrong = server({ question: 'valid' }, { names: { dns: ['evil.example'] }, issuer: 'self' })
    expect(await ask(wrong)).toEqual({ type: 'valid' })
    expect(await ask(wrong, { leg: { certificate: 'valid' } })).toEqual({ type: 'error', condition: 'remote-connection-failed' })
    expect(await ask(wrong, { leg: { certificate: 'valid' }, options: { weakened: { anyCertificate: true } } })).toEqual({ type: 'valid' })
  })
})

describe('no answer', () => {
  for (const [name, script, condition] of [
    ['silence', says(''), 'remote-server-timeout'],
    ['the end of the connection', afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors' }, { do: 'close' }]), 'remote-server-timeout'],
    ['TLS that fails', [...untilStarttls(), { do: 'send', text: '<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>' }, { do: 'close' }], 'remote-connection-failed'],
    ['host-unknown', afterTls([{ do: 'header', serves: 'nobody' }]), 'remote-server-not-found'],
  ] as [string, Script, string][]) it(name, async () => { expect(await ask(script, name === 'silence' ? { options: { limits: { targetMs: 2000 } } } : {})).toEqual({ type: 'error', condition }) })

  it('no record', async () => { expect(await ask(undefined)).toEqual({ type: 'error', condition: 'remote-server-not-found' }) })
  it('no resolver', async () => {
    const made = await given()
    made.it.rules.push({ how: 'servfail', name: '*' })
    expect(await made.verify()).toEqual({ type: 'error', condition: 'remote-server-timeout' })
  })
})

describe('D1: an answer to another question', () => {
  for (const [name, from, to, id] of [
    ['another id', PEER, OURS, 'another-stream'], ['another domain', `evil${PEER}`, OURS, 'our-stream'], ['another of ours', PEER, 'other.example', 'our-stream'], ['the wrong way round', OURS, PEER, 'our-stream'],
  ] as const) {
    it(name, async () => {
      const script = says(`<db:verify from='${from}' to='${to}' id='${id}' type='valid'/>`)
      expect((await ask(script)).type).toBe('error')
      expect(await ask(script, { options: { weakened: { anyAnswer: true } } })).toEqual({ type: 'valid' })
    })
  }
})

it('works as soon as a server that was down is back, however often it had failed', async () => {
  const { it: made, verify } = await given()
  const first = await peer(says(''))
  await first.close()
  made.records.push(...srv(first))
  for (let round = 0; round < 4; round++) expect(await verify()).toEqual({ type: 'error', condition: 'remote-connection-failed' })
  const back = await peer(server({ question: 'valid' }), { port: first.port })
  cleanUp.push(back.close)
  expect(await verify()).toEqual({ type: 'valid' })
  expect(made.count('dialtone_gateway_verifications_total', { zone: 'outside', answer: 'valid' })).toBe(1)
})

it('asks the next server where the first is down', async () => {
  const { it: made, verify } = await given()
  const [one, two] = [await peer(says('')), await peer(server({ question: 'valid' }))]
  await one.close()
  cleanUp.push(two.close)
  made.records.push(...srv(one, { priority: 1 }), ...srv(two, { priority: 2 }))
  expect(await verify()).toEqual({ type: 'valid' })
})

type About = { leg?: Partial<LegRules>, options?: OutboundOptions }

async function given ({ leg = {}, options = {} }: About = {}): Promise<{ it: Rig, verify: () => ReturnType<ReturnType<typeof createVerify>> }> {
  const made = await rig()
  cleanUp.push(made.stop)
  const verify = createVerify(made.surroundings, options)
  return { it: made, verify: () => verify({ zone: made.zone, question: QUESTION, leg: { ...LEG, ...leg }, allowNets: [], signal: new AbortController().signal }) }
}

async function ask (script: Script | undefined, about: About = {}) {
  const { it: made, verify } = await given(about)
  if (script !== undefined) {
    const authority = await peer(script)
    cleanUp.push(authority.close)
    made.records.push(...srv(authority))
  }
  return await verify()
}
