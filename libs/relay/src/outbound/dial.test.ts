// From a domain to an authenticated stream, over real sockets: which target is tried after which failure, and what the operator is told.
import { afterEach, describe, expect, it } from 'vitest'
import { afterHeader, afterTls, clearServer, openBlackhole, untilStarttls, type Peer, type Script, type Server } from '@dialtone/zoo'
import type { OutStream } from '../seams.ts'
import { PEER, peer, rig, srv, type Rig } from './test-support/rig.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

/** A server that authenticates us by dialback, whatever the key is. */
type Manner = Omit<Extract<Script[number], { do: 'dialback' }>, 'do'>
function server (manner: Manner = {}, server: Server = {}, external?: true): Script {
  return afterTls([{ do: 'header', serves: 'everyone' }, { do: 'features', dialback: 'errors', ...(external === undefined ? {} : { external }) }, { do: 'dialback', callback: 'none', ...manner }], { header: { serves: 'everyone' }, ...server })
}

it('opens a stream to what the records say, by EXTERNAL inside TLS', async () => {
  const { it, peers: [one] } = await set([server({}, {}, true)])
  it.records.push(...srv(one))
  const stream = opened(await it.open())
  expect(stream.by).toBe('external')
  expect(stream.view()).toMatchObject({ zone: 'outside', direction: 'outbound', pairs: [{ from: 'ours.example', to: PEER, by: 'external' }], tls: 'TLSv1.3', certificate: 'valid', bidi: false, remote: `127.0.0.1:${one.port}` })
  expect(it.steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual(['dns ok', 'targets ok', 'tcp ok', 'header ok', 'features ok', 'starttls ok', 'tls ok', 'certificate ok', 'header ok', 'features ok', 'external ok', 'ready ok'])
  expect(it.count('dialtone_gateway_dials_total', { zone: 'outside', outcome: 'ready' })).toBe(1)
  expect(it.told.map(({ on }) => on)).toEqual(['stream-opened'])
  stream.close()
  expect(await stream.ended).toEqual({ clean: true })
})

it('falls back to dialback on the same stream when EXTERNAL is refused', async () => {
  const { it, peers: [one] } = await set([server({ refusesExternal: 'not-authorized' }, {}, true)])
  it.records.push(...srv(one))
  expect(opened(await it.open()).by).toBe('dialback')
  expect(it.steps.map(({ step, outcome }) => `${step} ${outcome}`).slice(-3)).toEqual(['external failed', 'dialback ok', 'ready ok'])
})

it('speaks TLS from the first byte where the record says so', async () => {
  const direct: Script = [{ do: 'tls', certificate: { names: { dns: [PEER] } }, clientCertificate: 'asked' }, { do: 'await', what: 'header' }, { do: 'header' }, { do: 'features', external: true }, { do: 'dialback' }]
  const { it, peers: [one] } = await set([direct])
  it.records.push(...srv(one, { service: 'xmpps-server' }))
  expect(opened(await it.open()).by).toBe('external')
})

describe('goes on to the next target after', () => {
  const cases: [name: string, first: Script, reason: string][] = [
    ['a TLS handshake that is refused', [...untilStarttls(), { do: 'send', text: '<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>' }, { do: 'close' }], 'tls-failed'],
    ['STARTTLS that is refused', [...untilStarttls(), { do: 'send', text: '<failure xmlns="urn:ietf:params:xml:ns:xmpp-tls"/></stream:stream>' }, { do: 'close' }], 'tls-failed'],
    ['a stream error before TLS', afterHeader([{ do: 'error', condition: 'internal-server-error' }]), 'stream-failed'],
    ['a stream error inside TLS', afterTls([{ do: 'header' }, { do: 'error', condition: 'system-shutdown' }]), 'stream-failed'],
    ['what is no XMPP', [{ do: 'send', text: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, { do: 'close' }], 'stream-failed'],
    ['a peer that goes silent', [{ do: 'await', what: 'header' }, { do: 'silence' }], 'stream-failed'],
    ['a key that is called invalid', server({ answer: 'invalid' }), 'dialback-invalid'],
    ['a dialback error', server({ answer: { error: 'remote-connection-failed' } }), 'dialback-error'],
    ['no way to authenticate', afterTls([{ do: 'header', dialback: false }, { do: 'features' }, { do: 'goodbye' }]), 'authentication-refused'],
    ['host-unknown', server({}, { header: { serves: 'nobody' } }), 'host-unknown'],
  ]
  for (const [name, first, reason] of cases) {
    it(name, async () => {
      const { it, peers: [one, two] } = await set([first, server()], name === 'a peer that goes silent' ? { limits: { targetMs: 3000 } } : {})
      it.records.push(...srv(one, { priority: 1 }), ...srv(two, { priority: 2 }))
      expect(opened(await it.open()).view().remote).toBe(`127.0.0.1:${two.port}`)
      expect(it.count('dialtone_gateway_dial_targets_total', { zone: 'outside', outcome: reason })).toBe(1)
      expect(it.steps.filter(({ step }) => step === 'failed')).toHaveLength(1)
    })
  }

  it('a port where nothing listens', async () => {
    const { it, peers: [one, two] } = await set([server(), server()])
    await one.close()
    it.records.push(...srv(one, { priority: 1 }), ...srv(two, { priority: 2 }))
    expect(opened(await it.open()).view().remote).toBe(`127.0.0.1:${two.port}`)
  })
})

describe('stops where every target would say the same:', () => {
  for (const [name, first, reason] of [
    ['policy-violation', afterHeader([{ do: 'error', condition: 'policy-violation', text: 'not you' }]), 'stream-failed'],
    ['conflict', afterHeader([{ do: 'error', condition: 'conflict' }]), 'stream-failed'],
    ['not-authorized after EXTERNAL and dialback', server({ refusesExternal: 'not-authorized', answer: { error: 'not-authorized' } }, {}, true), 'authentication-refused'],
  ] as const) {
    it(name, async () => {
      const { it, peers: [one, two] } = await set([first, server()])
      it.records.push(...srv(one, { priority: 1 }), ...srv(two, { priority: 2 }))
      expect(failed(await it.open())).toMatchObject({ reason, temporary: name === 'conflict' })
      expect(it.steps.filter(({ step }) => step === 'tcp')).toHaveLength(1)
    })
  }

  it('host-unknown, after one more', async () => {
    const nobody = server({}, { header: { serves: 'nobody' } })
    const { it, peers } = await set([nobody, nobody, server()])
    for (const [at, each] of peers.entries()) it.records.push(...srv(each, { priority: at }))
    expect(failed(await it.open())).toMatchObject({ reason: 'host-unknown', temporary: false, condition: 'host-unknown' })
    expect(it.steps.filter(({ step }) => step === 'tcp')).toHaveLength(2)
  })
})

it('tries a peer that is too busy for dialback once more, on a fresh connection', async () => {
  const { it, peers: [one] } = await set([server({ answer: { error: 'resource-constraint' } })])
  it.records.push(...srv(one))
  expect(failed(await it.open())).toMatchObject({ reason: 'dialback-error', temporary: true, answer: { type: 'error', condition: 'resource-constraint' } })
  expect(it.steps.filter(({ step, outcome }) => step === 'tcp' && outcome === 'ok')).toHaveLength(2)
})

describe('what DNS says', () => {
  it('is that there is no service: no address is tried', async () => {
    const { it, peers: [one] } = await set([server()])
    const at = await set([server()], { limits: { fallbackPort: one.port } })
    at.it.records.push({ name: `_xmpp-server._tcp.${PEER}`, type: 'SRV', priority: 0, weight: 0, port: 0, target: '.' }, { name: PEER, type: 'A', address: '127.0.0.1' })
    expect(failed(await at.it.open())).toMatchObject({ reason: 'dns-absent', temporary: false })
    expect(it.steps).toEqual([])
  })
  it('is nothing at all: the address of the domain is tried', async () => {
    const { peers: [one] } = await set([server()])
    const { it } = await set([], { limits: { fallbackPort: one.port } })
    it.records.push({ name: PEER, type: 'A', address: '127.0.0.1' })
    expect(opened(await it.open()).view().remote).toBe(`127.0.0.1:${one.port}`)
  })
  it('is that the domain is not there', async () => {
    const { it } = await set([])
    expect(failed(await it.open())).toMatchObject({ reason: 'dns-absent', temporary: false })
  })
  for (const how of ['servfail', 'drop'] as const) {
    it(`is not known (${how}): temporary, and no address is tried`, async () => {
      const { it } = await set([])
      it.rules.push({ how, name: `_xmpp-server._tcp.${PEER}` })
      it.records.push({ name: PEER, type: 'A', address: '127.0.0.1' })
      expect(failed(await it.open())).toMatchObject({ reason: 'dns-failed', temporary: true })
    })
  }
  it('is not asked where the hops are given', async () => {
    const { it, peers: [one] } = await set([server()])
    it.rules.push({ how: 'servfail', name: '*' })
    expect(opened(await it.open({ hops: [{ host: '127.0.0.1', port: one.port }] })).pair.to).toBe(PEER)
  })
})

describe('bad targets', () => {
  it('are tried last, until they are forgotten', async () => {
    const { it, peers: [one, two] } = await set([[{ do: 'close' }], server()])
    it.records.push(...srv(one, { priority: 1 }), ...srv(two, { priority: 2 }))
    opened(await it.open()).close()
    expect(connections(it)).toEqual([one.port, two.port])
    expect(it.count('dialtone_gateway_bad_targets', { zone: 'outside' })).toBe(1)
    opened(await it.open()).close()
    expect(connections(it)).toEqual([one.port, two.port, two.port])
    expect(it.dial.forget({ peer: 'another.example' })).toBe(0)
    expect(it.dial.forget({ peer: PEER })).toBe(1)
    opened(await it.open()).close()
    expect(connections(it)).toEqual([one.port, two.port, two.port, one.port, two.port])
  })

  it('are tried all the same when nothing else is left, and are good again once they work', async () => {
    const { it, peers: [one] } = await set([[{ do: 'close' }]])
    it.records.push(...srv(one))
    expect(failed(await it.open()).reason).toBe('stream-failed')
    expect(it.dial.badTargets.size).toBe(1)
    await one.close()
    const again = await peer(server(), { port: one.port })
    cleanUp.push(again.close)
    opened(await it.open())
    expect(it.dial.badTargets.size).toBe(0)
  })
})

it('tries the next address beside one that does not answer', async () => {
  const hole = await openBlackhole()
  cleanUp.push(hole.close)
  const one = await peer(server(), { address: '127.0.0.2', port: hole.port })
  cleanUp.push(one.close)
  const { it } = await set([], { limits: { staggerMs: 20 } })
  it.records.push(...srv(hole), { name: `p${hole.port}.${PEER}`, type: 'A', address: '127.0.0.2' })
  expect(opened(await it.open()).view().remote).toBe(`127.0.0.2:${hole.port}`)
})

it('ends with a time-out that the peer is told of, and says who went silent', async () => {
  const silent: Script = [{ do: 'await', what: 'header' }, { do: 'silence' }]
  const { it, peers: [one] } = await set([silent], { limits: { targetMs: 2000 } })
  it.records.push(...srv(one))
  expect(failed(await it.open())).toMatchObject({ reason: 'stream-failed', temporary: true, failure: { at: 'stream', why: 'went-silent' } })
})

it('ends when it is given up', async () => {
  const { it, peers: [one] } = await set([[{ do: 'await', what: 'header' }, { do: 'silence' }]])
  it.records.push(...srv(one))
  const giving = new AbortController()
  const ending = it.open({ signal: giving.signal })
  await expect.poll(() => it.steps.some(({ step }) => step === 'tcp')).toBe(true)
  giving.abort()
  expect(failed(await ending)).toMatchObject({ failure: { at: 'probe', why: 'cancelled' } })
  expect(it.count('dialtone_gateway_dials_total', { zone: 'outside', outcome: 'cancelled' })).toBe(1)
  expect(it.dial.badTargets.size).toBe(0)
})

it('says beforehand what it would try, in which order, and why', async () => {
  const { it, peers: [one, two] } = await set([[{ do: 'close' }], server()])
  it.records.push(...srv(one, { priority: 1 }))
  await it.open()
  it.records.push(...srv(two, { priority: 2, service: 'xmpps-server' }), ...srv({ address: '127.0.0.1', port: 25 }, { priority: 3 }))
  const { targets } = await it.dial.plan({ zone: it.zone, pair: { from: 'ours.example', to: PEER }, leg: it.zone.leg, allowNets: [] })
  expect(targets.map(({ target, kind }) => `${kind} ${target}`)).toEqual([`direct p${two.port}.${PEER}:${two.port} (direct TLS)`, `starttls p${one.port}.${PEER}:${one.port}`, `skipped p25.${PEER}:25`])
  expect(targets[1]?.says).toContain('failed lately')
})

it('does not even ask DNS where nothing could authenticate us', async () => {
  const { it } = await set([], { certificate: false })
  expect(failed(await it.open({ leg: { dialback: 'never' } })).reason).toBe('authentication-refused')
  expect(it.steps.map(({ step }) => step)).toEqual(['failed'])
})

it('speaks in clear where the leg allows it', async () => {
  const { it, peers: [one] } = await set([[...clearServer().slice(0, 3), { do: 'dialback', callback: 'none' }]])
  it.records.push(...srv(one))
  expect(opened(await it.open({ leg: { tls: 'optional', dialback: 'always' } })).view().tls).toBeUndefined()
  expect(failed(await it.open({ leg: { tls: 'optional', dialback: 'over-tls' } }))).toMatchObject({ reason: 'tls-failed' })
})

async function set (scripts: readonly Script[], { limits = {}, certificate = true }: { limits?: Parameters<typeof rig>[0] extends infer R ? R extends { options?: { limits?: infer L } } ? L : never : never, certificate?: boolean } = {}): Promise<{ it: Rig, peers: [Peer, Peer, ...Peer[]] }> {
  const peers: Peer[] = []
  for (const script of scripts) peers.push(await peer(script))
  const it = await rig({ options: { limits: { ...limits } }, certificate })
  cleanUp.push(...peers.map(({ close }) => close), it.stop)
  return { it, peers: peers as [Peer, Peer, ...Peer[]] }
}

function opened (result: Awaited<ReturnType<Rig['open']>>): OutStream {
  if ('failed' in result) throw new Error(`no stream: ${result.failed.says}`)
  return result.stream
}

function failed (result: Awaited<ReturnType<Rig['open']>>) {
  if ('stream' in result) throw new Error('a stream')
  return result.failed
}

/** The ports that were connected to, in order. */
function connections ({ steps }: Rig): number[] {
  return steps.filter(({ step, outcome }) => step === 'tcp' && outcome === 'ok').map(({ target = '' }) => Number(/:(\d+)/.exec(target)?.[1]))
}
