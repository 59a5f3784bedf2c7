/**
 * Three engines in a row over loopback, each with real sockets, TLS and dialback, so that every part of the one in the middle works with servers on both of its sides:
 * `inside` serves inside.example, `gateway` stands before it, `outside` serves peer.example. Users are components (XEP-0114) of the two servers at the ends.
 */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { GatewayAssignment, GatewayEvent, PairFacts } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER, OperatorError, type Logger, type Meter } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { certificateFor, trustedRoot } from '@dialtone/zoo'
import { createRelay } from '../relay.ts'
import type { Relay } from '../seams.ts'

type Spec = GatewayAssignment['spec']
type Zones = NonNullable<Spec['zones']>
export type Engine = { relay: Relay, events: Omit<GatewayEvent, 'gateway' | 'at'>[], facts: PairFacts[], port: (zone: string, kind: string) => number, apply: (change: Partial<Omit<GatewayAssignment, 'spec'>> & { spec?: Partial<Spec> }) => Promise<void>, files: Record<string, string>, assignment: () => GatewayAssignment }

const COMPONENT_SECRET = 'a secret of a component, long enough'

/** `outsideTls`: of the stream between the gateway and the peer; `insideTls` of the other one. */
export async function chain ({ outside = {}, inside = {}, meter = NO_METER }: { outside?: Partial<Zones[number]>, inside?: Partial<Zones[number]>, meter?: Meter } = {}) {
  const [ours, theirs, root] = await Promise.all([certificateFor({ names: { dns: ['inside.example', 'gateway.example'] } }), certificateFor({ names: { dns: ['peer.example'] } }), trustedRoot()])
  const files: Record<string, string> = {
    'file:/ours.pem': ours.chain, 'file:/ours.key': ours.key, 'file:/theirs.pem': theirs.chain, 'file:/theirs.key': theirs.key, 'file:/root.pem': root, 'file:/component': COMPONENT_SECRET,
    'file:/one': 'e3a5'.repeat(16), 'file:/two': 'b71c'.repeat(16), 'file:/three': '09fd'.repeat(16),
  }
  const resolver = { address: '127.0.0.1', port: 9 }
  const anchors = { system: false, given: ['file:/root.pem'] }
  const place = { address: '127.0.0.1', port: 0 }
  // The linter lets no two listeners have one place, and port 0 is none.
  const inner = { address: '127.0.0.2', port: 0 }
  const common = { resolver, anchors, allowNets: ['127.0.0.0/8'] }
  const external = (name: string): Zones[number] => ({ name: 'outside', side: 'external', listen: [place], certificates: [{ certificate: `file:/${name}.pem`, key: `file:/${name}.key` }], ...common, ...outside })
  const component = (domain: string): Zones[number] => ({ name: 'inside', side: 'internal', listen: [], domains: [domain], components: { accept: { listen: [inner], domains: { [domain]: 'file:/component' } } }, ...common })

  const engines = {
    gateway: engine('gateway', { host: 'gateway.example', secret: 'file:/one', zones: [external('ours'), { name: 'inside', side: 'internal', listen: [inner], domains: ['inside.example'], ...common, ...inside }] }, files, meter),
    outside: engine('outside', { secret: 'file:/two', zones: [external('theirs'), component('peer.example')] }, files),
    inside: engine('inside', { secret: 'file:/three', zones: [{ name: 'outside', side: 'external', listen: [place], ...common, tls: 'none', dialback: 'always', ...inside }, component('inside.example')] }, files),
  }
  const all = Object.values(engines)
  for (const each of all) await each.apply({})
  const loopback = (port: number, host = '127.0.0.1') => [{ host, port }]
  const { gateway } = engines
  await engines.outside.apply({ peers: { 'inside.example': { endpoints: loopback(gateway.port('outside', 'starttls')) }, 'gateway.example': { endpoints: loopback(gateway.port('outside', 'starttls')) } } })
  await engines.inside.apply({ peers: { 'peer.example': { endpoints: loopback(gateway.port('inside', 'starttls'), inner.address) } } })
  await gateway.apply({ peers: { 'peer.example': { endpoints: loopback(engines.outside.port('outside', 'starttls')) } }, domains: { 'inside.example': { internal: loopback(engines.inside.port('outside', 'starttls')) } } })
  const users = { inside: await component114(engines.inside.port('inside', 'component'), 'inside.example'), peer: await component114(engines.outside.port('inside', 'component'), 'peer.example') }
  return {
    ...engines, users,
    stop: async () => {
      for (const user of Object.values(users)) user.socket.destroy()
      const now = AbortSignal.abort()
      await Promise.all(all.map(({ relay }) => relay.stop(now)))
    },
  }
}

/** One engine that is not configured yet. */
export function engine (name: string, spec: Partial<Spec>, files: Record<string, string>, meter: Meter = NO_METER, logger: Logger = NO_LOGGER): Engine {
  const events: Engine['events'] = []
  const facts: PairFacts[] = []
  const clock = { now: () => Date.now(), elapsed: () => performance.now() }
  const relay = createRelay({
    gateway: name, salt: 'salt', clock, random: RANDOM, meter, logger, tell: event => events.push(event), facts: fact => facts.push(fact),
    readSecret: async reference => {
      const text = files[reference]
      if (text === undefined) throw new OperatorError('no-file', `there is no ${reference}`)
      return Buffer.from(text)
    },
  })
  let assignment: GatewayAssignment = { v: 1, revision: 0, gateway: name, spec: { desired: 'running', ...spec }, policies: {}, routes: {}, domains: {}, peers: {} }
  return {
    relay, events, facts, files,
    assignment: () => assignment,
    port: (zone, kind) => relay.presence().listeners.find(listener => listener.zone === zone && listener.kind === kind)?.port ?? 0,
    apply: async change => {
      assignment = { ...assignment, ...change, revision: assignment.revision + 1, spec: { ...assignment.spec, ...change.spec } }
      const problems = await relay.configure(assignment)
      if (problems.length > 0) throw new Error(`${name}: ${JSON.stringify(problems)}`)
    },
  }
}

/** A server's component: what it is sent, and what it says. */
export type User = { socket: Socket, text: () => string, send: (text: string) => void }

async function component114 (port: number, domain: string): Promise<User> {
  const socket = connect({ host: '127.0.0.2', port, noDelay: true })
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (more: string) => { text += more })
  socket.on('error', () => undefined)
  socket.write(`<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`)
  await until(() => /\sid=['"]/.test(text), () => `no header from the component's server: ${text}`)
  const id = /\sid=['"]([^'"]*)['"]/.exec(text)?.[1] ?? ''
  socket.write(`<handshake>${createHash('sha1').update(id + COMPONENT_SECRET).digest('hex')}</handshake>`)
  await until(() => text.includes('<handshake'), () => `the component was not accepted: ${text}`)
  return { socket, text: () => text, send: more => { socket.write(more) } }
}

/** Looks again and again until it is so; fails with what `says` says when it has not become so in ten seconds. */
export async function until (so: () => boolean, says: () => string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!so()) {
    if (performance.now() > deadline) throw new Error(says())
    await new Promise(resolve => { setTimeout(resolve, 10) })
  }
}
