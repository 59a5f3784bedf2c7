// A boundary: an inside network with an unmodified server, an outside with others, and between them one host with an address on each side, where a
// gateway is to run. Nothing else leads from one side to the other. The inside server's only resolver is the gateway host's inside address.
import { certificateOf, testRoot, type KeyPair } from './certificates.ts'
import { startEjabberd } from './ejabberd.ts'
import { startJabberd2 } from './jabberd2.ts'
import { startKnot } from './knot.ts'
import type { RunningServer } from './launch.ts'
import { createNetwork, type Network, type NetworkHost } from './network.ts'
import { startProsody } from './prosody.ts'
import { startUnbound } from './unbound.ts'
import type { TlsMode, XmppServer } from './xmpp-server.ts'

/** `inside` alone is on the inside network; `gateway` is on both. */
export const BOUNDARY_ADDRESSES = { inside: '10.20.0.10', gatewayInside: '10.20.0.1', gateway: '198.51.100.1', prosody: '203.0.113.10', ejabberd: '203.0.113.20', jabberd2: '203.0.113.30', resolver: '192.0.2.53' } as const

export type BoundaryServer = {
  server: 'prosody' | 'ejabberd' | 'jabberd2'
  domain: string
  tls: TlsMode
  /** Default one that the tests' root has signed, unless TLS is off. */
  certificate?: KeyPair
  /** Trusts the tests' root: a peer with a good certificate needs no dialback. */
  trusts?: boolean
  /** Who may log in. */
  users?: readonly string[]
  /** XEP-0114, as of the server's options. */
  component?: { name: string, secret: string }
  modules?: readonly string[]
  /** Of an outside server: it also listens for TLS from the first byte (XEP-0368). Its records prefer that; those of our domain lead to the gateway's port for it. */
  directTls?: boolean
}

/** Of a gateway for TLS from the first byte, and of the servers. */
const DIRECT_PORT = 5270

export type Boundary = {
  network: Network
  host: (name: 'inside' | 'gateway' | 'prosody' | 'ejabberd' | 'jabberd2' | 'resolver') => NetworkHost
  /** The root that all certificates lead to, PEM. */
  root: string
  /** Our server: of the domain of `inside`. */
  inside: XmppServer
  outside: Readonly<Record<string, XmppServer>>
  /** Stops our server, or one of an outside domain, and starts it again. */
  stopServer: (domain: string) => Promise<void>
  startServer: (domain: string) => Promise<void>
  stop: () => Promise<void>
}

const RESOLVER_PORT = 5300

/** Starts all of it but the gateway, side by side. `records`: zones beside those of the servers; our domain leads to the gateway's outside address, port 5269. */
export async function startBoundary ({ inside, outside, records = {} }: { inside: BoundaryServer, outside: readonly BoundaryServer[], records?: Readonly<Record<string, readonly string[]>> }): Promise<Boundary> {
  const at = BOUNDARY_ADDRESSES
  const root = await testRoot()
  const network = await createNetwork({
    hosts: [
      { name: 'inside', addresses: [at.inside], resolver: at.gatewayInside },
      { name: 'gateway', addresses: [at.gateway, at.gatewayInside], resolver: at.resolver },
      ...outside.map(({ server }) => ({ name: server, addresses: [at[server]] as const, resolver: at.resolver })),
      { name: 'resolver', addresses: [at.resolver] },
    ],
  })
  const running = new Map<string, RunningServer>()
  let stopping: Promise<void> | undefined
  const stopAll = async (): Promise<void> => {
    try {
      await Promise.all([...running.values()].map(server => server.stop()))
    } finally {
      await network.remove()
    }
  }
  const stop = (): Promise<void> => stopping ??= stopAll()
  // Both ways: the router would join what no route leads to.
  for (const { name } of [...outside.map(({ server }) => ({ name: server })), { name: 'resolver' }]) {
    network.block(name, { how: 'unreachable', from: 'inside' })
    network.block('inside', { how: 'unreachable', from: name })
  }

  const configured = new Map<string, { of: BoundaryServer, host: string }>([[inside.domain, { of: inside, host: 'inside' }], ...outside.map(of => [of.domain, { of, host: of.server }] as const)])
  const startServer = async (domain: string): Promise<void> => {
    const known = configured.get(domain)
    if (known === undefined) throw new Error(`no server of this boundary is ${domain}'s`)
    const { server, tls, certificate, trusts, users, component, modules, directTls } = known.of
    const { address, namespace } = network.host(known.host)
    const common = {
      hosts: [domain], tls, address, namespace, patience: 10,
      ...(tls === 'off' ? {} : { certificate: certificate ?? await certificateOf('good', domain) }), ...(trusts === true ? { trusts: root } : {}), ...(users === undefined ? {} : { users }), ...(component === undefined ? {} : { component }),
      ...(directTls === true && known.host !== 'inside' ? { directTls } : {}),
    }
    running.set(domain, server === 'prosody' ? await startProsody({ ...common, ...(modules === undefined ? {} : { modules }) }) : server === 'ejabberd' ? await startEjabberd(common) : await startJabberd2(common))
  }
  const zones = [
    { name: '.', records: [] },
    { name: inside.domain, records: recordsOf(inside, at.gateway) },
    ...outside.map(each => ({ name: each.domain, records: recordsOf(each, at[each.server]) })),
    ...Object.entries(records).map(([name, lines]) => ({ name, records: lines })),
  ]
  const startNames = async (): Promise<void> => {
    const { namespace, address } = network.host('resolver')
    running.set('knot', await startKnot({ zones, address: '127.0.0.1', port: RESOLVER_PORT, namespace }))
    running.set('unbound', await startUnbound({ stubs: zones.map(zone => ({ zone: zone.name, address: '127.0.0.1', port: RESOLVER_PORT })), address, port: 53, namespace }))
  }
  const starting = [startNames(), ...[...configured.keys()].map(startServer)]
  try {
    await Promise.allSettled(starting) // what comes up late would be left
    await Promise.all(starting)
  } catch (error) {
    await stop()
    throw error
  }
  const server = (domain: string) => running.get(domain) as XmppServer
  return {
    network, root, stop, startServer,
    host: name => network.host(name),
    get inside () { return server(inside.domain) },
    get outside () { return Object.fromEntries(outside.map(({ domain }) => [domain, server(domain)])) },
    stopServer: async domain => { await running.get(domain)?.stop() },
  }
}

function recordsOf ({ directTls }: BoundaryServer, address: string): string[] {
  return [`_xmpp-server._tcp SRV ${directTls === true ? 10 : 0} 5 5269 xmpp`, ...(directTls === true ? [`_xmpps-server._tcp SRV 0 5 ${DIRECT_PORT} xmpp`] : []), `xmpp A ${address}`]
}
