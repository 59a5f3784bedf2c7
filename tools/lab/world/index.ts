// The seed's network, with real servers in it: see ../README.md for the picture.
import { certificateOf, createNetwork, testRoot, type Network } from '@dialtone/testkit'
import { EDGE, OURS, type World } from '../seams.ts'
import { controlsOf } from './controls.ts'
import { startFirewall } from './firewall.ts'
import { startNames, type Names } from './names.ts'
import { AT, GATEWAY, HOSTS, INSIDE_NETS, PUBLIC, RESOLVERS } from './places.ts'
import { SECRET, SERVER_OF, startServers, type ServerName, type Servers } from './servers.ts'
import { listenOddly, STANDING } from './standing.ts'
import { listenUnfinished } from './unfinished.ts'
import { PROBES } from './zones.ts'

/** Starts all of it side by side; ready when every server is. If a part does not start, nothing is left. */
export async function startWorld (): Promise<World> {
  const root = await testRoot()
  const network = await createNetwork({ hosts: HOSTS, nets: ['203.0.113.0/24'] })
  const started: { stop: () => Promise<void> }[] = []
  const kept = async <S extends { stop: () => Promise<void> }>(starting: Promise<S>): Promise<S> => {
    const one = await starting
    started.push(one)
    return one
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => stopping ??= stopAll(network, started)
  const starting = [startAll(network, kept, root), listenOddly(network.host('odd')), listenUnfinished(network.host('odd'), AT.unfinished, 'unfinished.test', whereIs)] as const
  await Promise.allSettled(starting) // what comes up late would be left
  try {
    const [parts] = await Promise.all(starting)
    const controls = controlsOf(network, parts)
    return {
      controls, root, stop,
      host: name => network.host(name),
      resolver: RESOLVERS,
      publicAddresses: [PUBLIC.ours],
      inside: { ours: AT.ours, edge: AT.edge, nets: INSIDE_NETS },
      gateway: { inside: GATEWAY.inside, outside: GATEWAY.outside },
      certificate: async domain => {
        const { chain, key } = await certificateOf('good', domain)
        return { certificate: chain, key }
      },
      probes: PROBES,
      secret: SECRET,
      server: domain => parts.servers.running(serverOf(domain)),
      standing: STANDING,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startAll (network: Network, kept: <S extends { stop: () => Promise<void> }>(starting: Promise<S>) => Promise<S>, root: string) {
  const firewall = startFirewall(network.host('firewall'), network.host('office'))
  const both = [kept<Names>(startNames(network.host('dns'), network.host('resolver'))), kept<Servers>(startServers(name => network.host(name), root))] as const
  await Promise.allSettled(both)
  const [names, servers] = await Promise.all(both)
  return { firewall, names, servers }
}

async function stopAll (network: Network, started: readonly { stop: () => Promise<void> }[]): Promise<void> {
  try {
    await Promise.all(started.map(one => one.stop()))
  } finally {
    await network.remove()
  }
}

/** Who calls the peers of the lab, and where he is called back. */
function whereIs (domain: string): string | undefined {
  return domain === OURS ? PUBLIC.ours : Object.values(PROBES).find(probe => probe.domain === domain)?.address
}

function serverOf (domain: string): ServerName {
  const name = SERVER_OF[domain]
  if (name === undefined) throw new Error(`no server of the lab is ${domain}'s; there are those of ${[OURS, EDGE, ...Object.keys(SERVER_OF)].join(', ')}`)
  return name
}
