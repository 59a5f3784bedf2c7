// `dialtone check` in somebody's name, as an operator runs it, against real servers with addresses of their own: dialback and EXTERNAL that work,
// and everything that stops them. Each case says which cause must be named, and what the server's own log says of its side. At the end the
// table of expected and named causes is printed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dialbackDeviationOf } from '@dialtone/checks'
import type { Cause, Deep, Report, State } from '@dialtone/contracts'
import { certificateOf, startFederation, type BlockHow, type CertificateKind, type Federation, type FederationOptions } from '@dialtone/testkit'
import { SCENARIOS } from '@dialtone/zoo'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { confusionMatrix } from './confusion.ts'
import { runZoo } from './run-zoo.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
/** The domain of the probe, and that of a server of ours. */
const PROBE = 'probe.test'
const OURS = 'ours.test'
const SECRET = 'a secret of the probe that nobody else has'
const folder = mkdtempSync(join(tmpdir(), 'dialtone-dialback-'))
const twins = new Set<string>()
const judged: { name: string, expected: Cause, named: Cause }[] = []
const undo: (() => Promise<void> | void)[] = []

afterEach(async () => { for (const each of undo.splice(0)) await each() })
afterAll(() => {
  console.log(['expected and named, of real servers', ...judged.map(({ name, expected, named }) => `  ${expected === named ? 'agree' : 'DIFFER'}  ${name}: ${expected}, ${named}`), ...confusionMatrix(judged)].join('\n'))
  rmSync(folder, { recursive: true, force: true })
})

type Expected = { cause: Cause, state: State }
const UP: Expected = { cause: 'healthy', state: 'up' }

describe('the probe speaks for itself', () => {
  const federation = started({
    servers: [
      { domain: 'ejabberd-clear.test', server: 'ejabberd', tls: 'off', patience: 2 },
      { domain: 'ejabberd-tls.test', server: 'ejabberd', tls: 'required', trusts: true, patience: 2 },
      { domain: 'prosody-clear.test', server: 'prosody', tls: 'off', patience: 3, modules: ['version'] },
      { domain: 'prosody-tls.test', server: 'prosody', tls: 'required', trusts: true, patience: 3 },
      { domain: 'strict.test', server: 'prosody', tls: 'required', secureAuth: true, trusts: true, patience: 3 },
      { domain: 'doubting.test', server: 'prosody', tls: 'required', secureAuth: true, patience: 3 },
      { domain: 'jabberd2-clear.test', server: 'jabberd2', tls: 'off', patience: 3 },
      { domain: 'jabberd2-tls.test', server: 'jabberd2', tls: 'optional', patience: 3 },
      { domain: 'misled.test', server: 'prosody', tls: 'off', patience: 3, view: { [PROBE]: 'other.test' } },
      { domain: 'misled-too.test', server: 'ejabberd', tls: 'off', patience: 2, view: { [PROBE]: 'other.test' } },
      { domain: 'blind.test', server: 'ejabberd', tls: 'off', patience: 2, view: { [PROBE]: [] } },
      { domain: 'provider.test', server: 'ejabberd', tls: 'off', alsoServes: [PROBE], view: { [PROBE]: 'provider.test' } },
      { domain: 'public-provider.test', server: 'ejabberd', tls: 'off', alsoServes: [PROBE] },
      { domain: 'refusing.test', server: 'prosody', tls: 'off', patience: 3, alsoServes: [PROBE] },
      { domain: 'other.test', server: 'prosody', tls: 'off' },
    ],
    vantages: [{ name: 'us', domain: PROBE }, { name: 'nobody' }],
  })

  for (const [peer, twin, log] of [
    ['ejabberd-clear', 'dialback-valid', /Accepted inbound s2s dialback authentication probe\.test -> ejabberd-clear\.test/],
    ['prosody-clear', 'dialback-echoes-the-key', /Incoming s2s connection probe\.test->prosody-clear\.test complete/],
    ['jabberd2-clear', undefined, /incoming route 'jabberd2-clear\.test\/probe\.test' is now valid/],
  ] as const) {
    it(`${peer}: dialback in clear, the callback answered, the ping too`, async () => {
      const report = await check(federation(), `${peer}.test`, { expects: UP, twin, args: ['--profile', 'googletalk', '--verify-peers'] })
      expect(report.observation.deep?.connections).toMatchObject([
        { role: 'dialback', dialback: { key: 'true', secured: false, answer: { type: 'valid' } }, ping: { answer: 'result' } }, { role: 'verify', question: { right: 'invalid', answer: { type: 'invalid' } } },
      ])
      const { address } = federation().server(`${peer}.test`).host
      expect(report.observation.deep?.callbacks.find(({ asked }) => asked !== undefined)).toMatchObject({ source: expect.stringContaining(`${address}:`) as string, asked: { answered: 'valid' } })
      expect(report.verdict.pair).toMatchObject({ ours: PROBE, out: { state: 'up' }, in: { state: 'up' } })
      if (peer === 'prosody-clear') expect(report.findings).toContainEqual(expect.objectContaining({ check: 's2s.software', outcome: 'told', detail: expect.stringMatching(/^Prosody 0\.12/) as string }))
      await federation().server(`${peer}.test`).logged(log)
    })
  }

  for (const [peer, twin, log] of [
    ['ejabberd-tls', undefined, /Accepted inbound s2s EXTERNAL authentication probe\.test -> ejabberd-tls\.test/],
    ['prosody-tls', 'external-accepted', /Incoming s2s connection probe\.test->prosody-tls\.test complete/],
    ['strict', undefined, /Incoming s2s connection probe\.test->strict\.test complete/],
  ] as const) {
    it(`${peer}: EXTERNAL accepted, the ping answered on a stream of its own`, async () => {
      const report = await check(federation(), `${peer}.test`, { expects: UP, twin, shows: 'good' })
      expect(report.observation.deep?.connections[0]).toMatchObject({ role: 'external', sasl: { success: true }, ping: { answer: 'result' } })
      await federation().server(`${peer}.test`).logged(log)
    })
  }

  it('jabberd2-tls: dialback in TLS', async () => {
    const report = await check(federation(), 'jabberd2-tls.test', { expects: UP, twin: 'dialback-valid-in-tls', shows: 'good' })
    expect(report.observation.deep?.connections.find(({ role }) => role === 'dialback')).toMatchObject({ dialback: { secured: true, answer: { type: 'valid' } } })
    await federation().server('jabberd2-tls.test').logged(/incoming route 'jabberd2-tls\.test\/probe\.test' is now valid TLS/)
  })

  for (const [peer, kind, expects, log] of [
    ['ejabberd-tls', 'unknown-ca', { cause: 'auth.external-refused', state: 'degraded' }, /Failed inbound s2s EXTERNAL authentication probe\.test -> ejabberd-tls\.test/],
    ['prosody-tls', 'unknown-ca', { cause: 'auth.external-refused', state: 'degraded' }, /Incoming s2s connection probe\.test->prosody-tls\.test complete/],
    ['strict', 'unknown-ca', { cause: 'auth.external-refused', state: 'down' }, /Forbidding insecure connection to\/from probe\.test/],
    ['strict', 'expired', { cause: 'auth.external-refused', state: 'down' }, /Forbidding insecure connection to\/from probe\.test/],
  ] as const satisfies readonly (readonly [string, CertificateKind, Expected, RegExp])[]) {
    it(`${peer}: EXTERNAL refused to a certificate that is ${kind}`, async () => {
      await check(federation(), `${peer}.test`, { expects, shows: kind, twin: peer === 'ejabberd-tls' ? 'external-refused' : undefined })
      await federation().server(`${peer}.test`).logged(log)
    })
  }

  for (const how of ['drop', 'refuse', 'unreachable'] as const satisfies readonly BlockHow[]) {
    it(`the callback of ejabberd is blocked: ${how}`, async () => {
      await blocked(federation(), 'us', how, 'ejabberd-clear.test')
      const report = await check(federation(), 'ejabberd-clear.test', { expects: { cause: 'dialback.callback-blocked', state: 'down' }, twin: how === 'drop' ? 'dialback-error-2-remote-server-not-found' : undefined, args: ['--profile', 'googletalk'] })
      expect(report.observation.deep?.callbacks).toEqual([])
      await federation().server('ejabberd-clear.test').logged(/Failed outbound s2s dialback authentication|Failed to establish outbound s2s connection ejabberd-clear\.test -> probe\.test|remote-server-not-found/)
    })
  }

  it('the callback of Prosody is blocked: silence to the end', async () => {
    await blocked(federation(), 'us', 'drop', 'prosody-clear.test')
    const report = await check(federation(), 'prosody-clear.test', { expects: { cause: 'dialback.callback-blocked', state: 'down' }, twin: 'dialback-silent', args: ['--profile', 'googletalk'] })
    expect(report.observation.deep?.connections[0]?.dialback?.answer).toBeUndefined()
  })

  it('the callback is led to a box that serves another domain', async () => {
    const divert = federation().network.divert('us', { to: 'other.test', port: 5269, from: 'ejabberd-clear.test' })
    undo.push(() => divert.lift())
    await check(federation(), 'ejabberd-clear.test', { expects: { cause: 'dialback.callback-misdirected', state: 'down' }, twin: 'dialback-error-3-remote-server-not-found', args: ['--profile', 'googletalk'] })
    await federation().server('other.test').logged(/This host does not serve probe\.test/)
  })

  for (const peer of ['misled', 'misled-too'] as const) {
    it(`${peer}: its DNS leads the callback to another server`, async () => {
      await check(federation(), `${peer}.test`, { expects: { cause: peer === 'misled' ? 'dialback.callback-blocked' : 'dialback.callback-misdirected', state: 'down' }, args: ['--profile', 'googletalk'] })
      await federation().server('other.test').logged(new RegExp(`Incoming s2s stream ${peer}\\.test->probe\\.test closed: This host does not serve probe\\.test`))
    })
  }

  it('the peer finds no records of ours', async () => {
    await check(federation(), 'blind.test', { expects: { cause: 'dialback.callback-misdirected', state: 'down' }, twin: 'dialback-error-4-remote-server-not-found', args: ['--profile', 'googletalk'] })
    await federation().server('blind.test').logged(/DNS lookup failed|enoname|not-found/i)
  })

  for (const peer of ['prosody-tls', 'ejabberd-tls'] as const) {
    it(`${peer} ends the callback before it asks: the listener speaks in clear alone`, async () => {
      const report = await check(federation(), `${peer}.test`, { expects: { cause: 'dialback.callback-aborted', state: 'down' }, twin: peer === 'prosody-tls' ? 'dialback-callback-aborted' : undefined })
      expect(report.observation.deep?.callbacks[0]).toMatchObject({ kind: 'starttls' })
      expect(report.observation.deep?.callbacks[0]?.asked).toBeUndefined()
    })
  }

  it('a strict peer hears nobody whose certificate it does not trust', async () => {
    const report = await check(federation(), 'doubting.test', { expects: { cause: 'auth.external-refused', state: 'down' }, shows: 'unknown-ca' })
    expect(report.verdict.pair?.out.state).toBe('down')
  })

  for (const peer of ['provider', 'refusing'] as const) {
    it(`${peer}: the domain is hosted by the provider`, async () => {
      await check(federation(), `${peer}.test`, { expects: { cause: 'dialback.domain-claimed', state: 'down' }, args: ['--profile', 'googletalk', '--as', PROBE] })
    })
  }

  it('provider: found out by the dialback alone', async () => {
    await check(federation(), 'provider.test', { expects: { cause: 'dialback.domain-claimed', state: 'down' }, twin: 'dialback-invalid-without-callback', args: ['--profile', 'googletalk'] })
    await federation().server('provider.test').logged(/Failed inbound s2s dialback authentication probe\.test -> provider\.test.*invalid dialback key/)
  })

  it('public-provider: dialback works, and the claim question finds it out', async () => {
    const report = await check(federation(), 'public-provider.test', { expects: { cause: 'dialback.domain-claimed', state: 'down' }, args: ['--profile', 'googletalk', '--as', PROBE] })
    expect(report.observation.deep?.connections.find(({ role }) => role === 'dialback')?.dialback?.answer).toEqual({ type: 'valid' })
  })
})

describe('in the name of our real server', () => {
  const federation = started({
    servers: [
      { domain: OURS, name: 'prosody-ours', server: 'prosody', tls: 'optional', secret: 'our real secret' },
      { domain: 'also-ours.test', server: 'ejabberd', tls: 'off', secret: 'OURCOOKIE' },
      { domain: 'two.test', name: 'two-a', server: 'prosody', tls: 'off', secret: 'the one', published: ['_xmpp-server._tcp SRV 0 5 5269 a', '_xmpp-server._tcp SRV 10 5 5269 b', 'a A 198.51.100.12', 'b A 198.51.100.13'] },
      { domain: 'two.test', name: 'two-b', server: 'prosody', tls: 'off', secret: 'the other' },
      { domain: 'peer.test', server: 'ejabberd', tls: 'off', patience: 2 },
      { domain: 'denying.test', server: 'ejabberd', tls: 'off', denies: [OURS, PROBE], patience: 2 },
    ],
    vantages: [{ name: 'us', domain: PROBE }],
  })
  const clear = ['--profile', 'googletalk']

  it('with the secret of Prosody: the real server answers the callback', async () => {
    const report = await check(federation(), 'peer.test', { expects: UP, depth: 'shared', secret: 'our real secret', args: [...clear, '--as', OURS] })
    expect(report.observation.deep?.connections).toMatchObject([{ role: 'dialback', dialback: { answer: { type: 'valid' } } }, { role: 'verify', of: 'ours', question: { right: 'valid', answer: { type: 'valid' } } }])
    await federation().server('prosody-ours').logged(/verifying that dialback key is ours/)
    await federation().server('peer.test').logged(/Accepted inbound s2s dialback authentication ours\.test -> peer\.test/)
  })

  it('with the cookie of ejabberd: the real server answers the callback', async () => {
    await check(federation(), 'peer.test', { expects: UP, depth: 'shared', secret: 'OURCOOKIE', args: [...clear, '--as', 'also-ours.test', '--secret-of', 'ejabberd'] })
    await federation().server('peer.test').logged(/Accepted inbound s2s dialback authentication also-ours\.test -> peer\.test/)
  })

  it('with a wrong secret: our own server denies the key', async () => {
    await check(federation(), 'peer.test', { expects: { cause: 'dialback.denied', state: 'down' }, depth: 'shared', secret: 'not our real secret', args: [...clear, '--as', OURS] })
    await federation().server('prosody-ours').logged(/dialback key that was incorrect\. An imposter is claiming to be ours\.test/)
  })

  it('two nodes with different secrets: the one that denies is named', async () => {
    const report = await check(federation(), 'peer.test', { expects: { cause: 'dialback.denied', state: 'degraded' }, depth: 'shared', secret: 'the one', args: [...clear, '--as', 'two.test'] })
    expect(report.verdict.sentence).toContain('198.51.100.13')
  })

  it('an access rule is seen once it is asked in our name, and is policy when it is repeated', async () => {
    const asked = { depth: 'shared', secret: 'our real secret', args: [...clear, '--as', OURS] } as const
    const report = await check(federation(), 'denying.test', { ...asked, expects: { cause: 'peer.busy', state: 'degraded' } })
    await federation().server('denying.test').logged(/Access denied by service policy/)
    const earlier = { ...report.observation, startedAt: new Date(Date.parse(report.observation.startedAt) - 301_000).toISOString() }
    writeFileSync(join(folder, 'twice.json'), JSON.stringify([earlier, report.observation]))
    const { stdout } = await federation().vantage('us').run(process.execPath, [MAIN, 'judge', join(folder, 'twice.json'), '--json', ...clear])
    expect((JSON.parse(stdout) as Report).verdict).toMatchObject({ cause: 'policy.refused-by-peer', state: 'down' })
  })

  it('an access rule against the probe is seen by the probe', async () => {
    await check(federation(), 'denying.test', { expects: { cause: 'peer.busy', state: 'degraded' }, twin: 'dialback-policy-once', args: clear })
  })

  it('an access rule against us stays untested where nobody asks in our name', async () => {
    const report = await check(federation(), 'denying.test', { expects: UP, depth: 'none', args: [...clear, '--as', OURS] })
    expect(report.verdict.untested.map(({ what }) => what)).toContain('dialback')
  })
})

it('every scenario that says so has been shown by a real server', () => {
  expect([...twins].toSorted()).toEqual(SCENARIOS.filter(({ counterpart }) => 'inNamespaces' in counterpart).map(({ name }) => name).toSorted())
})

/** `twin`: the scenario that acts the same out; what the judge reads of both is compared. */
type Asked = { twin?: string | undefined, expects: Expected, depth?: 'none' | 'probe' | 'shared', secret?: string, shows?: CertificateKind, args?: readonly string[] }

/** The command in the namespace of the vantage; the cause, the state and the exit code are compared. */
async function check (federation: Federation, peer: string, { expects, twin, depth = 'probe', secret = SECRET, shows, args = [] }: Asked): Promise<Report> {
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const shown = shows === undefined ? undefined : await certificateOf(shows, PROBE)
  const { code, stdout, stderr } = await federation.vantage('us').run(process.execPath, [
    MAIN, 'check', peer, '--format', 'json', '--depth', depth, '--ca', file('root.pem', federation.root),
    ...(depth === 'none' ? [] : ['--secret', file('secret', secret)]),
    ...(depth === 'probe' ? ['--probe-domain', PROBE, '--listen', '0.0.0.0:5269'] : []),
    ...(shown === undefined ? [] : ['--cert', file('cert.pem', shown.chain), '--key', file('key.pem', shown.key)]),
    ...args,
  ], { timeoutMs: 115_000 })
  expect(stdout, stderr).not.toBe('')
  const report = JSON.parse(stdout) as Report
  judged.push({ name: `${peer}${depth === 'shared' ? ', shared' : ''}`, expected: expects.cause, named: report.verdict.cause })
  expect(report.verdict, report.verdict.sentence).toMatchObject(expects)
  expect(code).toBe({ up: 0, degraded: 1, down: 2, unknown: 3 }[expects.state])
  if (twin !== undefined) {
    twins.add(twin)
    const [acted] = await runZoo(SCENARIOS.filter(({ name }) => name === twin), { parallel: 1, signal: AbortSignal.timeout(30_000) })
    if (acted === undefined || !('report' in acted)) throw new Error(`no scenario '${twin}'`)
    expect(whatTheJudgeReads(report.observation.deep)).toEqual(whatTheJudgeReads(acted.report.observation.deep))
  }
  return report
}

/**
 * What verdicts about authentication are made of: how far each connection came, what was answered and what its words are known to mean, whether
 * somebody called back, and what we told them. Not words, ids, times, or on which stream the peer proves itself.
 */
function whatTheJudgeReads (deep: Deep | undefined): unknown {
  return {
    published: deep?.listener?.published,
    connections: deep?.connections.filter(({ of, role }) => of === 'peer' && role !== 'verify').map(({ role, steps, sasl, dialback, ping, certificate }) => ({
      role, certificate,
      steps: steps.filter(({ stage }) => stage === 'external' || stage === 'dialback' || stage === 'ping').map(({ stage, outcome }) => `${stage} ${outcome}`),
      sasl: sasl?.success,
      dialback: dialback === undefined ? undefined : {
        key: dialback.key, secured: dialback.secured, type: dialback.answer?.type, condition: dialback.answer?.condition,
        means: dialback.answer?.condition === undefined ? undefined : dialbackDeviationOf(dialback.answer)?.means,
      },
      ping: ping?.answer,
    })),
    called: (deep?.callbacks.length ?? 0) > 0,
    told: [...new Set(deep?.callbacks.flatMap(({ asked }) => asked?.answered ?? []))],
    proved: deep?.callbacks.some(({ authenticated }) => authenticated !== undefined),
  }
}

/** It remembers a failure for a while, so that the next case would meet it. */
async function blocked ({ network }: Federation, host: string, how: BlockHow, from: string): Promise<void> {
  const block = network.block(host, { how, port: 5269, from })
  undo.push(() => { block.lift() })
  await Promise.resolve()
}

function started (options: FederationOptions): () => Federation {
  let federation: Federation | undefined
  beforeAll(async () => { federation = await startFederation(options) })
  afterAll(async () => { await federation?.stop() })
  return () => {
    if (federation === undefined) throw new Error('not started')
    return federation
  }
}
