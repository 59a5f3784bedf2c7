// An organisation as most are: its server and its resolver on a private network, a firewall that translates one port, and two partners on
// other networks outside. All real: Prosody inside, ejabberd and Prosody outside, Knot and Unbound on both sides. What breaks in practice can be
// broken here: the translation, the way out, the service, the resolver, the records, a partner that serves our domain itself.
import { startEjabberd } from './ejabberd.ts'
import { certificateOf, testRoot } from './certificates.ts'
import { startKnot, type Knot } from './knot.ts'
import type { RunningServer } from './launch.ts'
import { createNetwork, type Block, type Network, type NetworkHost, type Site as Firewall } from './network.ts'
import { startProsody } from './prosody.ts'
import { startUnbound } from './unbound.ts'
import type { XmppServer } from './xmpp-server.ts'

/** The domain of the organisation, and its two partners: ejabberd, and Prosody on another network. */
export const SITE_DOMAINS = { ours: 'ours.example', partner: 'partner.example', provider: 'provider.example' } as const
/** Its hosts: `inside` and `ours` behind the firewall, `amsterdam` and `frankfurt` outside on two networks, `office` where the fleet is run from. */
export const SITE_ADDRESSES = {
  ours: '10.10.0.10', inside: '10.10.0.20', 'resolver-inside': '10.10.0.53',
  public: '203.0.113.10',
  partner: '198.51.100.10', provider: '192.0.2.130', amsterdam: '198.51.100.200', frankfurt: '192.0.2.200', office: '192.0.2.10', 'resolver-outside': '192.0.2.53',
} as const

export type OrganisationSite = {
  network: Network
  host: (name: Exclude<keyof typeof SITE_ADDRESSES, 'public'>) => NetworkHost
  /** The root that all certificates lead to, PEM. */
  root: string
  /** Of our server's dialback. */
  secret: string
  /** The translation of port 5269. Lifted: connections from outside are dropped. */
  translation: () => Block
  /** Puts it back after it was lifted; `to`: to another inside host. */
  translateAgain: (to?: 'inside') => void
  /** Our service, which can be stopped and started again. */
  stopService: () => Promise<void>
  startService: () => Promise<void>
  /** Stops every connection of the inside to port 5269 outside. */
  blockOutbound: () => { lift: () => void }
  /** Nothing that the inside asks its resolver is answered. */
  blockResolver: () => { lift: () => void }
  /** Publishes other records of our domain, for everybody. */
  publish: (records: readonly string[]) => Promise<void>
  /** The same, for those outside alone. */
  publishOutside: (records: readonly string[]) => Promise<void>
  /** The healthy ones. */
  records: readonly string[]
  /** From now on the provider serves our domain itself; `false`: no longer. */
  claim: (claims: boolean) => Promise<void>
  server: (name: 'ours' | 'partner' | 'provider') => XmppServer
  stop: () => Promise<void>
}

const RECORDS = ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${SITE_ADDRESSES.public}`]
const SECRET = 'open sesame'

/** Starts all of it, side by side. If a part does not start, nothing is left. */
export async function startSite (): Promise<OrganisationSite> {
  const { ours, partner, provider } = SITE_DOMAINS
  const root = await testRoot()
  const network = await createNetwork({
    hosts: Object.entries(SITE_ADDRESSES).filter(([name]) => name !== 'public').map(([name, address]) => ({
      name, addresses: [address] as const, resolver: name === 'ours' || name === 'inside' ? SITE_ADDRESSES['resolver-inside'] : SITE_ADDRESSES['resolver-outside'],
    })),
  })
  const running = new Map<string, RunningServer>()
  const kept = async <S extends RunningServer>(name: string, starting: Promise<S>): Promise<S> => {
    const server = await starting
    running.set(name, server)
    return server
  }
  let stopping: Promise<void> | undefined
  const stopAll = async (): Promise<void> => {
    try {
      await Promise.all([...running.values()].map(server => server.stop()))
    } finally {
      await network.remove()
    }
  }
  const stop = (): Promise<void> => stopping ??= stopAll()

  const firewall: Firewall = network.site({ inside: ['ours', 'inside', 'resolver-inside'], publicAddresses: [SITE_ADDRESSES.public] })
  const forward = (host: 'ours' | 'inside' = 'ours'): Block => firewall.forward({ address: SITE_ADDRESSES.public, port: 5269 }, { host })
  let translation = forward()
  const zones = [
    { name: '.', records: [] }, { name: ours, records: RECORDS },
    { name: partner, records: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${SITE_ADDRESSES.partner}`] },
    { name: provider, records: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${SITE_ADDRESSES.provider}`] },
  ]
  const dns = async (name: 'resolver-inside' | 'resolver-outside'): Promise<Knot> => {
    const { namespace, address } = network.host(name)
    const knot = await kept(`knot ${name}`, startKnot({ zones, address: '127.0.0.1', port: 5300, namespace }))
    await kept(`unbound ${name}`, startUnbound({ stubs: zones.map(zone => ({ zone: zone.name, address: '127.0.0.1', port: 5300 })), address, port: 53, namespace }))
    return knot
  }
  const common = async (name: 'ours' | 'partner' | 'provider') => {
    const { address, namespace } = network.host(name)
    return { tls: 'optional' as const, address, namespace, certificate: await certificateOf('good', SITE_DOMAINS[name]), patience: 5 }
  }
  const startOurs = async () => await kept('ours', startProsody({ ...await common('ours'), hosts: [ours], dialbackSecret: SECRET }))
  const startProvider = async (claims: boolean) => await kept('provider', startProsody({ ...await common('provider'), hosts: claims ? [provider, ours] : [provider] }))

  const starting = [dns('resolver-inside'), dns('resolver-outside'), startOurs(), startProvider(false), (async () => await kept('partner', startEjabberd({ ...await common('partner'), hosts: [partner] })))()] as const
  try {
    await Promise.allSettled(starting) // what comes up late would be left
    const [inside, outside] = await Promise.all(starting)
    return {
      network, root, secret: SECRET, records: RECORDS, stop,
      host: name => network.host(name),
      translation: () => translation,
      translateAgain: to => { translation = forward(to) },
      stopService: async () => { await running.get('ours')?.stop() },
      startService: async () => { await startOurs() },
      blockOutbound: () => together((['partner', 'provider'] as const).flatMap(to => (['ours', 'inside'] as const).map(from => network.block(to, { how: 'drop', port: 5269, from })))),
      blockResolver: () => together((['ours', 'inside'] as const).map(from => network.block('resolver-inside', { how: 'drop', port: 53, from }))),
      publish: async records => { await Promise.all([inside, outside].map(knot => knot.publish(ours, records))) },
      publishOutside: async records => { await outside.publish(ours, records) },
      claim: async claims => {
        await running.get('provider')?.stop()
        await startProvider(claims)
      },
      server: name => running.get(name) as XmppServer,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function together (blocks: readonly Block[]): { lift: () => void } {
  return { lift: () => { for (const block of blocks) block.lift() } }
}
