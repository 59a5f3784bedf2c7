/** The peers of a scenario on loopback: an address for each, and the same port numbers on all of them. */
import { openBlackhole, type Blackhole } from './peer/blackhole.ts'
import type { Cast } from './peer/perform.ts'
import { startPeer, type Peer } from './peer/server.ts'
import type { Script } from './peer/steps.ts'
import type { HostAddress, PortName, Scenario } from './scenario.ts'

export type RunningPeers = {
  ports: Record<PortName, number>
  /** Where each host of the scenario is, in its order. */
  hosts: readonly { name: string, addresses: readonly { address: string, family: 4 | 6 }[] }[]
  /** Every address of every host. */
  published: readonly string[]
  /** The number of a host's port. A blackhole has but one. */
  portOf: (host: string, port: PortName) => number
  close: () => Promise<void>
}

type Placed = { host: string, at: HostAddress, address: string, family: 4 | 6 }

const PORT_NAMES: readonly PortName[] = ['usual', 'direct', 'other']
/** Another program may hold a port that was free on the first address. */
const TRIES = 20

/** `network`: the first three bytes of the addresses. `wanted`: these port numbers and no others; default: any that are free. */
export async function startPeers ({ hosts }: Pick<Scenario, 'hosts'>, { domain, callTo }: Pick<Cast, 'domain' | 'callTo'>, network: string, signal: AbortSignal, wanted?: Readonly<Record<PortName, number>>): Promise<RunningPeers> {
  const hasBlackhole = hosts.some(({ addresses }) => addresses.includes('blackhole'))
  const blackhole = hasBlackhole ? await openBlackhole(wanted?.usual) : undefined
  const placed = place(hosts, network, blackhole)
  const peers: Peer[] = []
  const ports: Record<PortName, number> = { usual: 0, direct: 0, other: 0 }
  const close = async () => {
    const results = await Promise.allSettled([...peers.map(peer => peer.close()), blackhole?.close()])
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  try {
    for (const name of PORT_NAMES) {
      const opened = await openPort(name, placed, `${network}.1`, { domain, ...(callTo === undefined ? {} : { callTo }) }, wanted?.[name] ?? (name === 'usual' ? blackhole?.port : undefined), signal)
      ports[name] = opened.port
      peers.push(...opened.peers)
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    ports,
    hosts: hosts.map(({ name }) => ({ name, addresses: placed.filter(({ host }) => host === name).map(({ address, family }) => ({ address, family })) })),
    published: placed.map(({ address }) => address),
    portOf: (host, port) => placed.some(entry => entry.host === host && entry.at === 'blackhole') && blackhole !== undefined ? blackhole.port : ports[port],
    close,
  }
}

function place (hosts: Scenario['hosts'], network: string, blackhole: Blackhole | undefined): Placed[] {
  let last = 1
  return hosts.flatMap(({ name, addresses }) => addresses.map((at): Placed => {
    if (at === 'blackhole') return { host: name, at, address: blackhole?.address ?? '', family: 4 }
    if (at.family === 6) return { host: name, at, address: '::1', family: 6 }
    last++
    return { host: name, at, address: `${network}.${last}`, family: 4 }
  }))
}

/**
 * Opens one port on every address that has a script for it. The number is `wanted`, or one that the system chose on the first of them; without
 * any, one that was free a moment ago on an address of this scenario, so that it refuses.
 */
async function openPort (name: PortName, placed: readonly Placed[], spare: string, cast: Pick<Cast, 'domain' | 'callTo'>, wanted: number | undefined, signal: AbortSignal): Promise<{ port: number, peers: Peer[] }> {
  const listeners = placed.flatMap(({ at, address }): { script: Script, address: string }[] => {
    const script = at === 'blackhole' ? undefined : at[name]
    return script === undefined ? [] : [{ script, address }]
  })
  for (let left = TRIES; left > 0; left--) {
    signal.throwIfAborted()
    const peers = await listenAll(listeners.length > 0 ? listeners : [{ script: [], address: spare }], cast, wanted ?? 0)
    // A spare listener stays: while it does, nobody else gets this number on that address.
    if (peers[0] !== undefined) return { port: peers[0].port, peers }
  }
  throw new Error(`no port is free on all of ${listeners.map(({ address }) => address).join(', ')}`)
}

/** A peer on each address, all at the port of the first. Nothing, and nothing left open, when that port is taken on one of them. */
async function listenAll (listeners: readonly { script: Script, address: string }[], cast: Pick<Cast, 'domain' | 'callTo'>, wanted: number): Promise<Peer[]> {
  const peers: Peer[] = []
  const closeAll = async () => { await Promise.all(peers.map(peer => peer.close())) }
  try {
    for (const { script, address } of listeners) {
      const peer = await startPeer(script, { ...cast, address, port: peers[0]?.port ?? wanted })
      if (peer === undefined) {
        await closeAll()
        return []
      }
      peers.push(peer)
    }
    return peers
  } catch (error) {
    await closeAll()
    throw error
  }
}
