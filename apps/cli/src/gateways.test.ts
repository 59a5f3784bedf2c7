// The commands about gateways against a real control, and a gateway on its bus that says what a test wants.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import type { Bus, GatewayDone, GatewayStatus, GatewayView, RouteExplanations } from '@dialtone/contracts'
import { GATEWAY_ACTS, GATEWAY_WANTS } from '@dialtone/contracts/schemas'
import { parseControlConfig, start, type Control } from '@dialtone/control'
import { NO_LOGGER } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { GATEWAY_SPEC, scriptedGateway, type ScriptedGateway } from '@dialtone/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ACTS, WANTS, runGateway } from './commands/gateway.ts'
import { runApply } from './commands/apply.ts'
import { runDescribe } from './commands/describe.ts'
import { runExplainRoute } from './commands/explain-route.ts'
import { runGateways, runQueues, runStreams } from './commands/gateways.ts'
import { runGet } from './commands/get.ts'
import { collectingOut } from './test-support/fake-server.ts'
import type { Out } from './out.ts'

const { signal } = new AbortController()
let dir: string
let bus: Bus
let control: Control
let edge: ScriptedGateway
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dialtone-gateways-'))
  const telemetry = createTelemetry()
  bus = createEmbeddedBus({ file: ':memory:', meter: telemetry.meter, logger: NO_LOGGER })
  control = await start({ config: parseControlConfig({ listen: { port: 0 }, store: join(dir, 'store.db') }), bus, telemetry, logger: NO_LOGGER })
  await control.apply('test', { resources: [{ kind: 'Gateway', name: 'edge', spec: GATEWAY_SPEC }] })
  edge = scriptedGateway(bus)
})
afterEach(async () => {
  await control.stop()
  await bus.stop()
  await rm(dir, { recursive: true })
})

type Run = (args: readonly string[], out: Out, signal: AbortSignal, environment: Record<string, string>) => Promise<number>
const run = async (command: Run, ...args: string[]) => {
  const out = collectingOut(120)
  const code = await command([...args, '--server', control.url], out, signal, { DIALTONE_TOKEN: control.firstToken ?? '' })
  return { code, text: out.text(), errors: out.errorText() }
}
const json = async <T>(command: Run, ...args: string[]) => JSON.parse((await run(command, ...args, '--json')).text) as T
/** Tells of itself, and is known to. */
const there = async (how: Parameters<ScriptedGateway['be']>[0] = {}) => {
  await edge.be({ revision: 1_000_000, ...how })
  await expect.poll(async () => (await json<{ gateways: GatewayView[] }>(runGateways)).gateways[0]?.presence, { timeout: 12_000 }).toMatchObject(how)
}

it('knows every verb of the contract', () => {
  expect([WANTS, ACTS]).toEqual([GATEWAY_WANTS, GATEWAY_ACTS])
})

it('lists gateways, those that are away too, and describes one', async () => {
  expect((await run(runGateways)).text).toMatch(/^gateway +wanted +state.*\nedge +running +absent/)
  await there()
  expect((await run(runGateways)).text).toMatch(/edge +running +running +1\/1 +4 +11 s/)
  const { code, text } = await run(runDescribe, 'gateway', 'edge')
  expect(code).toBe(0)
  expect(text).toMatch(/^Gateway: +edge\nState: +running, well[^]*Listens: +outside {2}127\.0\.0\.1:5269 starttls\n[^]*it adds up: 10 taken = 10 accounted for/)
  expect(await json<GatewayStatus>(runDescribe, 'gateway', 'edge')).toMatchObject({ gateway: 'edge', state: 'running', conservation: { holds: true } })
  await expect(run(runDescribe, 'gateway', 'nope')).rejects.toMatchObject({ code: 'not-found' })
})

it('shows streams and queues, and says what to do where nobody answers', async () => {
  await expect(run(runStreams, 'edge')).rejects.toMatchObject({ code: 'try-later', message: expect.stringContaining("Start the gateway 'edge'") })
  await there()
  await edge.serve()
  const streams = (await run(runStreams, 'edge')).text
  expect(streams).toContain('192.0.2.1:5269')
  expect(streams).toMatch(/ours\.example ─► peer\.example \(dialback\)[^]*\nand 1 more/)
  expect((await run(runQueues, 'edge', '--peer', 'slow.example')).text).toMatch(/ours\.example +slow\.example +waiting +4 +1200 +11 s[^]*unreachable/)
})

describe('explain-route reads like an answer', () => {
  beforeEach(async () => {
    await there()
    await edge.serve()
  })

  it('it would be delivered', async () => {
    const { code, text } = await run(runExplainRoute, 'ours.example', 'Peer.example.')
    expect(code).toBe(0)
    expect(text.split('\n')[0]).toBe('A stanza from ours.example to peer.example would be delivered: it is written at once to a stream that is ready')
    expect(text).toMatch(/Gateway: +edge, by revision 1[^]*Zones: +lan ─► outside\nPolicy: +Policy partners: allow\n[^]*Expects: +TLS\n[^]*Way: +by the records[^]*✔ xmpp\.peer\.example:5269 [^]*✖ old\.peer\.example:5269 [^]*Streams: +s1 out /)
  })

  it('it would wait: what waits, and how the last attempt failed, step by step', async () => {
    const { code, text } = await run(runExplainRoute, 'ours.example', 'slow.example')
    expect(code).toBe(1)
    expect(text).toMatch(/^A stanza from ours\.example to slow\.example would wait: [^]*Policy: +none: allow\n[^]*Streams: +none carries it now\nWaiting: +waiting: 4 stanzas[^]*Last failure: +unreachable, [^]*no target of slow\.example answers\n +✔ +0 ms {2}policy: [^]*✖ +3012 ms {2}tcp 192\.0\.2\.9:5269: timed out after 3000 ms/)
  })

  it('it would be refused: what the sender gets, by which policy, until when', async () => {
    const { code, text } = await run(runExplainRoute, 'ours.example', 'very.bad.example')
    expect(code).toBe(2)
    expect(text).toMatch(/would be refused: the policy denies it\n[^]*Answer: +the sender gets <not-acceptable\/> \(cancel\), for the reason 'policy-deny'\n[^]*Policy: +Policy blocked: deny, until 2026-12-24T00:00:00\.000Z\n/)
  })

  it('as JSON it is what the API answers; one that does not answer is named', async () => {
    expect(await json<RouteExplanations>(runExplainRoute, 'ours.example', 'peer.example')).toMatchObject({ explanations: [{ gateway: 'edge', outcome: 'deliver' }], unanswered: [] })
    await scriptedGateway(bus, 'mute').be()
    await expect.poll(async () => (await run(runExplainRoute, 'ours.example', 'peer.example')).text, { timeout: 12_000 }).toMatch(/^A stanza [^]*\nmute did not answer: Try again/)
    await expect(run(runExplainRoute, 'ours.example')).rejects.toMatchObject({ code: 'usage' })
    await expect(run(runExplainRoute, 'ours.example', 'peer.example', '--gateway', 'mute')).rejects.toMatchObject({ code: 'try-later' })
  })
})

describe('gateway', () => {
  it('holds a peer, and says so when it is held already; the resource says it too', async () => {
    expect((await run(runGateway, 'hold', 'edge', '--peer', 'peer.example', '--reason', 'they move')).text).toMatch(/^done +Gateway\/edge peer peer\.example: /)
    expect((await run(runGateway, 'hold', 'edge', '--peer', 'peer.example')).text).toMatch(/^unchanged +Gateway\/edge peer peer\.example: /)
    expect(await json(runGet, 'gateway', 'edge')).toMatchObject({ spec: { ...GATEWAY_SPEC, peers: { 'peer.example': 'held' } } })
    expect((await run(runGateway, 'block', 'edge', '--pair', 'ours.example/peer.example', '--dry-run')).text).toMatch(/^would-do /)
  })

  it('drains, waits until it is over, and prints whether the stanzas add up', async () => {
    await there()
    const draining = run(runGateway, 'drain', 'edge', '--deadline', '30', '--wait', '200')
    await expect.poll(async () => (await json<{ spec: { desired: string } }>(runGet, 'gateway', 'edge')).spec.desired, { timeout: 12_000 }).toBe('draining')
    await edge.be({ revision: 1_000_000, state: 'stopped', streams: { inbound: 0, outbound: 0, negotiating: 0 } })
    const { code, text } = await draining
    expect(code).toBe(0)
    expect(text).toMatch(/^done +Gateway\/edge: [^]*\nreached +it is so\nstanzas +it adds up: 10 taken = 10 accounted for\n$/)
  })

  it('that is not so in time ends with 1, and says how it is', async () => {
    await there()
    const { code, text } = await run(runGateway, 'stop', 'edge', '--wait', '1')
    expect(code).toBe(1)
    expect(text).toMatch(/\nnot yet +after 1 s: it is running, and is wanted stopped\n/)
  })

  it('acts at once', async () => {
    await there()
    await edge.serve()
    expect((await run(runGateway, 'retry', 'edge', '--peer', 'slow.example')).text).toBe('done       Gateway/edge peer slow.example: retry: 2 routes\n')
    expect(await json<GatewayDone>(runGateway, 'close', 'edge', '--stream', 's1')).toMatchObject({ effects: [{ outcome: 'done' }] })
    expect(edge.acts).toEqual([{ act: 'retry', peer: 'slow.example' }, { act: 'close', stream: 's1' }])
  })

  it('shows what is said on streams for as long as it is told to', async () => {
    await there()
    await edge.serve()
    const { code, text } = await run(runGateway, 'trace', 'edge', '--peer', 'slow.example', '--seconds', '1')
    expect(code).toBe(0)
    expect(text).toMatch(/^done +Gateway\/edge peer slow.example: trace: 2 routes\none line\n/)
    expect(edge.acts.slice(0, 2)).toEqual([{ act: 'trace', peer: 'slow.example', seconds: 1 }, { act: 'trace', after: 7 }])
  })

  it('names what is wrong on the command line', async () => {
    for (const [args, says] of [[['dance', 'edge'], /one of start, drain/], [['drain'], /takes the name of one gateway/], [['retry', 'edge', '--wait', '5'], /--wait does not go with 'retry'/], [['hold', 'edge', '--pair', 'a.example'], /--pair takes OURS\/PEER/], [['drain', 'edge', '--wait', '999'], /--wait/], [['trace', 'edge', '--seconds', '601'], /--seconds/], [['close', 'edge', '--seconds', '5'], /--seconds does not go with 'close'/]] as const) {
      await expect(run(runGateway, ...args)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(says) })
    }
    // What Node says of it has more than one line.
    await expect(run(runGateway, 'drain', 'edge', '--deadline', '-1')).rejects.toMatchObject({ code: 'usage', message: expect.not.stringContaining('\\n') })
    await expect(run(runExplainRoute, 'ours.example', '10.0.0.1')).rejects.toMatchObject({ message: expect.not.stringContaining('--endpoint') })
    for (const args of [[], ['dance', 'edge']]) await expect(run(runGateway, ...args)).rejects.toThrow("'dialtone gateway --name NAME'")
    await expect(run(runGateway, 'hold', 'edge')).rejects.toMatchObject({ code: 'configuration', message: expect.stringContaining('/peer') })
  })
})

it('a gateway with all that it may have, its policies and routes are applied, compared field by field, and read back as they were written', async () => {
  const file = join(dir, 'gateway.yaml')
  const text = (deadline: number) => `
kind: Gateway
name: full
spec:
  desired: running
  drainSeconds: ${deadline}
  host: gw.ours.example
  secret: file:/etc/dialtone/secret
  unmatched: deny
  peers: { held.example: held }
  pairs: { 'ours.example blocked.example': blocked }
  limits: { queueStanzas: 500 }
  zones:
    - name: world
      side: external
      listen: [{ address: 203.0.113.10, port: 5269 }, { address: 203.0.113.10, port: 5270, kind: direct }]
      certificates: [{ certificate: 'file:/etc/dialtone/cert.pem', key: 'file:/etc/dialtone/key.pem' }]
      tls: required
      dialback: over-tls
    - name: lan
      side: internal
      listen: [{ address: 10.0.0.1, port: 5269 }]
      from: [10.0.0.0/8]
      domains: [ours.example, '*.ours.example']
      secret: credential:inside
      tls: optional
      responder:
        listen: [{ address: 10.0.0.1, port: 53 }]
        clients: [10.0.0.0/8]
        gateway: { name: gw.inside.example, addresses: [10.0.0.1] }
        forwardTo: []
---
{ kind: Domain, name: ours.example, spec: { internal: [{ host: 10.0.0.5, port: 5269 }] } }
---
{ kind: Policy, name: partners, spec: { ours: '*', peer: '*.partner.example', gateways: [full], action: allow, tls: required, minTls: '1.3', limits: { waitSeconds: { message: 60 } }, until: '2027-01-01T00:00:00Z', reason: trial } }
---
{ kind: Route, name: hop, spec: { to: hop.example, gateways: [full], nextHops: [{ host: 192.0.2.7, port: 5269 }] } }
`
  await writeFile(file, text(30))
  expect((await run(runApply, '-f', file)).text).toMatch(/Gateway +full/)
  await writeFile(file, text(60))
  const planned = (await run(runApply, '-f', file, '--dry-run')).text
  expect(planned).toMatch(/changed +Gateway full\n +- drainSeconds: 30\n +\+ drainSeconds: 60\n/)
  // Whom a finding is about is said once.
  expect(planned).not.toMatch(/(\w+\/[\w.-]+): \1/)
  await writeFile(file, text(30).replace('tls: optional', 'tls: required').replace('forwardTo: []', 'forwardTo: [{ host: 10.0.0.53, port: 53 }]').replace("domains: [ours.example, '", "domains: [Ours.example, '"))
  await expect(run(runApply, '-f', file)).rejects.toThrow(/'address' meant[^]*lower case|lower case[^]*'address' meant/)
  await writeFile(file, text(30).replace('dialback: over-tls', 'dialback: always'))
  expect((await run(runApply, '-f', file, '--dry-run')).text).toMatch(/changed +Gateway full\n +- zones\.world\.dialback: "over-tls"\n +\+ zones\.world\.dialback: "always"\n/)
  await writeFile(file, text(60))
  const { spec } = await json<{ spec: object }>(runGet, 'gateway', 'full')
  expect(spec).toMatchObject({ drainSeconds: 30, unmatched: 'deny', zones: [{ name: 'world', listen: [{}, { kind: 'direct' }] }, { name: 'lan', responder: { clients: ['10.0.0.0/8'] } }] })
  const all = join(dir, 'all.yaml')
  await writeFile(all, (await run(runGet, 'all', '--format', 'yaml')).text)
  expect((await run(runApply, '-f', all, '--dry-run', '--json')).text).toContain('"changed": 0')
})
