// Real servers that federate: each in a namespace of its own with its own address, one DNS that publishes their domains, and vantages from
// where a test looks at them or is called back.
import type { CertificateKind, KeyPair } from './certificates.ts'
import { certificateOf, testRoot } from './certificates.ts'
import { sayAsComponent } from './component.ts'
import type { ServerName } from './configurations.ts'
import { startEjabberd } from './ejabberd.ts'
import { startJabberd2 } from './jabberd2.ts'
import { startKnot, type Zone } from './knot.ts'
import type { RunningServer } from './launch.ts'
import { createNetwork, type Network, type NetworkHost } from './network.ts'
import { startProsody } from './prosody.ts'
import { startUnbound } from './unbound.ts'
import type { TlsMode, XmppOptions, XmppServer } from './xmpp-server.ts'

/** What is known of a domain: the name of a host of the federation or an address, where `_xmpp-server` leads, or lines of a zone. */
export type Publication = string | readonly string[]

type Member = {
  /** The name of the host. Default the domain. */
  name?: string
  /** Default the next free one. */
  address?: string
  /** Where the domain is published. Default there; with `[]`, nowhere. */
  published?: Publication
  /** What its own resolver says of these domains instead of what is published. */
  view?: Readonly<Record<string, Publication>>
}

export type FederationServer = Member & {
  domain: string
  server: ServerName
  tls: TlsMode
  /** Also at port 5270, and published, unless `published` says otherwise. */
  directTls?: boolean
  /** Default 'good', unless TLS is off. */
  certificate?: CertificateKind | KeyPair
  /** Trusts the tests' root, so that a peer with a good certificate authenticates with it. Default it trusts nobody. */
  trusts?: boolean
  /** What it makes its dialback keys from: Prosody's and jabberd2's secret, ejabberd's cookie. Default a random one. */
  secret?: string
  /** Domains that it serves, too; nothing is published for them. */
  alsoServes?: readonly string[]
  patience?: number
  /** Prosody: only peers with a valid certificate. */
  secureAuth?: boolean
  /** Prosody: modules beside the usual ones. */
  modules?: readonly string[]
  /** ejabberd: domains that its access rule denies. */
  denies?: readonly string[]
}

/** A host without a server, for what a test runs. */
export type FederationVantage = Member & {
  name: string
  /** Published if it has one. */
  domain?: string
}

export type FederationOptions = {
  servers: readonly FederationServer[]
  vantages?: readonly FederationVantage[]
  /** Beside those of the members. */
  zones?: readonly Zone[]
}

export type FederatedServer = XmppServer & {
  domain: string
  host: NetworkHost
  certificate?: KeyPair
  /**
   * Has it ask another domain for a sign of life (XEP-0199), and thus connect to it. Its log and the other's tell what comes of it. jabberd2
   * lets nobody speak in its name: it connects to whom it has to answer.
   */
  ping: (domain: string) => Promise<void>
}

export type Federation = {
  network: Network
  /** By the name of its host. */
  server: (name: string) => FederatedServer
  vantage: (name: string) => NetworkHost
  /** The root that good certificates lead to, PEM. */
  root: string
  /** Of all, whom the resolver was asked by and for what. */
  dnsLogs: () => string
  startedInMs: number
  /** Ends everything and removes the network. Safe to call twice. */
  stop: () => Promise<void>
}

const RESOLVER = '192.0.2.53'

/** Starts all of it, side by side. If a part does not start, nothing is left. */
export async function startFederation ({ servers, vantages = [], zones = [] }: FederationOptions): Promise<Federation> {
  const began = performance.now()
  const root = await testRoot()
  const members = [
    ...servers.map((member, index) => ({ ...member, name: member.name ?? member.domain, address: member.address ?? `198.51.100.${index + 10}` })),
    ...vantages.map((member, index) => ({ ...member, address: member.address ?? `203.0.113.${index + 10}` })),
  ].map((member, index) => ({ ...member, resolver: member.view === undefined ? RESOLVER : `192.0.2.${index + 100}` }))
  const addressOf = (host: string): string => members.find(({ name }) => name === host)?.address ?? host
  const published = new Map<string, Publication>()
  for (const member of members) {
    if (member.domain !== undefined && (member.published !== undefined || !published.has(member.domain))) published.set(member.domain, member.published ?? recordsOf(member.address, 'directTls' in member && member.directTls === true))
  }
  const views = members.flatMap(({ resolver, view }) => view === undefined ? [] : [{ resolver, zones: zonesOf(view, addressOf) }])

  const network = await createNetwork({
    hosts: [
      { name: 'dns', addresses: [RESOLVER, ...views.map(({ resolver }) => resolver)] },
      ...members.map(({ name, address, resolver }) => ({ name, addresses: [address] as const, resolver })),
    ],
  })
  const running: RunningServer[] = []
  const kept = async <S extends RunningServer>(starting: Promise<S>): Promise<S> => {
    const server = await starting
    running.push(server)
    return server
  }
  let stopping: Promise<void> | undefined
  const stopAll = async (): Promise<void> => {
    try {
      await Promise.all(running.map(server => server.stop()))
    } finally {
      await network.remove()
    }
  }
  const stop = (): Promise<void> => stopping ??= stopAll()

  const dnsNamespace = network.host('dns').namespace
  const knot = async (port: number, given: readonly Zone[]): Promise<Stub[]> => {
    const { zones: names } = await kept(startKnot({ zones: given, address: '127.0.0.1', port, namespace: dnsNamespace }))
    return names.map(zone => ({ zone, address: '127.0.0.1', port }))
  }
  const resolver = async (address: string, stubs: readonly Stub[]): Promise<RunningServer> => await kept(startUnbound({ stubs, address, port: 53, namespace: dnsNamespace }))
  const dns = async (): Promise<RunningServer[]> => {
    const everywhere = await knot(5300, [{ name: '.', records: [] }, ...zonesOf(Object.fromEntries(published), addressOf), ...zones])
    return await Promise.all([
      resolver(RESOLVER, everywhere),
      ...views.map(async ({ resolver: address, zones: own }, index) => {
        const instead = await knot(5301 + index, own)
        return await resolver(address, [...instead, ...everywhere.filter(({ zone }) => !own.some(({ name }) => name === zone))])
      }),
    ])
  }

  const starting = [dns(), ...servers.map(async (options, index) => {
    const host = network.host(members[index]?.name ?? '')
    const kind = options.certificate ?? (options.tls === 'off' ? undefined : 'good')
    const certificate = typeof kind === 'string' ? await certificateOf(kind, options.domain) : kind
    const component = { name: `test.${options.domain}`, secret: 'component' }
    const server = await kept(startOne(options, {
      hosts: [options.domain, ...options.alsoServes ?? []],
      tls: options.tls, address: host.address, namespace: host.namespace,
      ...(options.directTls === true ? { directTls: true } : {}),
      ...(options.server === 'jabberd2' ? {} : { component }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(options.trusts === true ? { trusts: root } : {}),
      ...(options.patience === undefined ? {} : { patience: options.patience }),
    }))
    const ping = async (domain: string): Promise<void> => {
      if (options.server === 'jabberd2') throw new Error(`nobody can speak for ${options.domain}: have somebody ping it`)
      const socket = await host.connect({ address: server.address, port: server.componentPort ?? 0 })
      await sayAsComponent(socket, component, `<iq type='get' id='ping' from='${options.domain}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    }
    return { ...server, domain: options.domain, host, ...(certificate === undefined ? {} : { certificate }), ping }
  })] as const
  try {
    // All have ended before anything is stopped: what comes up late would be left.
    await Promise.allSettled(starting)
    const [resolvers, ...started] = await Promise.all(starting) as [RunningServer[], ...FederatedServer[]]
    return {
      network, root, stop,
      server: name => found(started.find(({ host }) => host.name === name), name),
      vantage: name => network.host(name),
      dnsLogs: () => resolvers.map(({ logs }) => logs()).join(''),
      startedInMs: performance.now() - began,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Stub = { zone: string, address: string, port: number }

function startOne ({ server, secret, secureAuth, modules, denies }: FederationServer, options: XmppOptions): Promise<XmppServer> {
  switch (server) {
    case 'prosody': return startProsody({ ...options, ...(secret === undefined ? {} : { dialbackSecret: secret }), ...(secureAuth === undefined ? {} : { secureAuth }), ...(modules === undefined ? {} : { modules }) })
    case 'ejabberd': return startEjabberd({ ...options, ...(secret === undefined ? {} : { cookie: secret }), ...(denies === undefined ? {} : { denies }) })
    case 'jabberd2': return startJabberd2({ ...options, ...(secret === undefined ? {} : { dialbackSecret: secret }) })
    default: return unknown(server)
  }
}

function zonesOf (domains: Readonly<Record<string, Publication>>, addressOf: (host: string) => string): Zone[] {
  return Object.entries(domains).map(([name, how]) => ({ name, records: typeof how === 'string' ? recordsOf(addressOf(how)) : how }))
}

function recordsOf (address: string, directTls = false): string[] {
  return ['_xmpp-server._tcp SRV 0 5 5269 xmpp', ...(directTls ? ['_xmpps-server._tcp SRV 0 5 5270 xmpp'] : []), `xmpp A ${address}`]
}

function found<T> (what: T | undefined, name: string): T {
  if (what === undefined) throw new Error(`no server is called '${name}'`)
  return what
}

function unknown (server: never): never {
  throw new Error(`no server is called '${String(server)}'`)
}
