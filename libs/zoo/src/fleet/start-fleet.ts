/**
 * The demo fleet: domains and peers on loopback, each with its own failure, and one resolver for each side of a firewall that does not exist. For who has
 * no fleet of their own yet.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cause } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { certificateFor, trustedRoot } from '../certificates/certificates.ts'
import { startDnsServer } from '../dns/server.ts'
import type { Rule, ZoneRecord } from '../dns/zone.ts'
import type { PortName } from '../scenario.ts'
import { startPeers, type RunningPeers } from '../start-peers.ts'
import { zoneRecords } from '../zone-records.ts'
import { enactedAs } from './enact.ts'
import { MEMBERS, OUR_DOMAIN, type Member, type Side } from './members.ts'
import { domainResource, peerResource, scheduleResource, vantageResource, type DemoResource, type Standing } from './resources.ts'

export type RunningFleet = {
  /** To be applied; the same at every start on one machine, unless its usual ports are taken. */
  resources: readonly DemoResource[]
  /** As `FLEET_EXPECTED`. */
  expected: readonly { domain: string, peer?: string, cause: Cause }[]
  /** Closes everything that was started. May be called again. */
  stop: () => Promise<void>
}

/** What the fleet must name. A pair is named by ours and the peer. */
export const FLEET_EXPECTED: RunningFleet['expected'] = MEMBERS.map(({ role, domain, cause }) => role === 'ours' ? { domain, cause } : { domain: OUR_DOMAIN, peer: domain, cause })

const SIDES: readonly Side[] = ['inside', 'outside']
/** The first port of each block that may be used; below those that systems hand out. */
const BLOCKS = [5269, 15_269, 25_269, 6269, 16_269, 26_269, 7269, 17_269, 27_269] as const
const NETWORK = '127.67'
/** Of the third byte of addresses. */
const FIRST_MEMBER = 10

/**
 * Starts it. `directory` gets the files that the resources refer to: the root of the certificates, and the secret and certificate of each probe domain.
 * Aborting `signal` stops it. Rejects with an OperatorError `no-ports` where every block of ports is taken.
 */
export async function startFleet ({ signal, directory }: { signal: AbortSignal, directory: string }): Promise<RunningFleet> {
  for (const block of BLOCKS) {
    const fleet = await startAt(block, directory, signal)
    if (fleet !== undefined) return fleet
  }
  throw new OperatorError('no-ports', `the demo fleet found no free ports on ${NETWORK}.0.0/16: stop another 'dialtone up --demo' first`)
}

/** Undefined where a port of the block is taken. */
async function startAt (block: number, directory: string, signal: AbortSignal): Promise<RunningFleet | undefined> {
  const ports: Record<PortName, number> = { usual: block, direct: block + 1, other: block + 2 }
  const closers: (() => Promise<void>)[] = []
  let stopping: Promise<void> | undefined
  const stop = () => stopping ??= closeAll(closers)
  try {
    signal.throwIfAborted()
    const listeners = SIDES.map((side, at) => ({ domain: `probe-${side}.example`, place: { address: `${NETWORK}.${at + 1}.9`, port: ports.usual } }))
    const callTo = (domain: string) => listeners.find(listener => listener.domain === domain)?.place
    const acted: Acted[] = []
    for (const [at, member] of MEMBERS.entries()) {
      const acts = enactedAs(member.domain, member.acts)
      const peers = await startPeers(acts, { domain: member.domain, callTo }, `${NETWORK}.${FIRST_MEMBER + at}`, signal, ports)
      closers.push(peers.close)
      acted.push({ member, peers, records: await zoneRecords(acts, member.domain, peers), rules: acts.resolver?.rules ?? [] })
    }
    const records = listeners.flatMap(({ domain, place }) => probeRecords(domain, place))
    const standings: Standing[] = []
    for (const [at, side] of SIDES.entries()) {
      const listener = listeners[at]
      if (listener === undefined) continue
      const zone = { records: [...records, ...acted.flatMap(one => seenFrom(side, one))], rules: acted.flatMap(({ rules }) => rules) }
      const dns = await startDnsServer(zone, `${NETWORK}.${at + 1}.53`, signal, block + 53)
      closers.push(dns.close)
      standings.push({ side, resolver: { address: dns.address, port: dns.port }, listener, files: await filesOf(directory, side, listener.domain), fallbackPort: ports.usual })
    }
    signal.addEventListener('abort', () => { stop().catch(() => undefined) }, { once: true })
    return {
      resources: [scheduleResource(), ...standings.map(vantageResource), ...acted.map(one => resourceOf(one, ports.usual))],
      expected: FLEET_EXPECTED,
      stop,
    }
  } catch (error) {
    await stop()
    if (portTaken(error)) return undefined
    throw error
  }
}

type Acted = { member: Member, peers: RunningPeers, records: readonly ZoneRecord[], rules: readonly Rule[] }

function seenFrom (side: Side, { member, records }: Acted): ZoneRecord[] {
  return records.filter(record => member.sees?.(side, record, record.type === 'A' ? record.address.split('.').at(-1) : undefined) ?? true)
}

function resourceOf ({ member, peers }: Acted, port: number): DemoResource {
  if (member.role === 'peer') return peerResource(member.domain, OUR_DOMAIN, member.spec ?? {})
  const addressesOf = (host: string | undefined) => peers.hosts.find(({ name }) => host !== undefined && name === enactedName(host, member.domain))?.addresses.map(({ address }) => address) ?? []
  const internal = addressesOf(member.internal).map(address => ({ host: address, port }))
  const expectedAddresses = addressesOf(member.published)
  return domainResource(member.domain, { ...member.spec, ...(internal.length === 0 ? {} : { internal }), ...(expectedAddresses.length === 0 ? {} : { expectedAddresses }) })
}

function enactedName (host: string, domain: string): string {
  return host.replace('partner.example', domain)
}

function probeRecords (domain: string, { address, port }: { address: string, port: number }): ZoneRecord[] {
  return [
    { name: domain, type: 'SOA', serial: 1 },
    { name: `_xmpp-server._tcp.${domain}`, type: 'SRV', priority: 0, weight: 5, port, target: `xmpp.${domain}` },
    { name: `xmpp.${domain}`, type: 'A', address },
  ]
}

/** The certificates are made anew at each start; the secret stays. */
async function filesOf (directory: string, side: Side, domain: string): Promise<Standing['files']> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { chain, key } = await certificateFor({ names: { dns: [domain] } })
  const put = async (name: string, text: string, flag: 'w' | 'wx' = 'w') => {
    const file = join(directory, name)
    await writeFile(file, text, { mode: 0o600, flag }).catch((error: unknown) => { if (flag !== 'wx' || !isCode(error, 'EEXIST')) throw error })
    return `file:${file}`
  }
  return {
    anchor: await put('root.pem', await trustedRoot()),
    secret: await put(`secret-${side}`, randomBytes(32).toString('base64'), 'wx'),
    certificate: await put(`probe-${side}.pem`, chain),
    key: await put(`probe-${side}.key`, key),
  }
}

function portTaken (error: unknown): boolean {
  return isCode(error, 'EADDRINUSE') || (error instanceof Error && error.message.startsWith('no port'))
}

function isCode (error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** All are closed, even if one of them complains; the first complaint is thrown. */
async function closeAll (closers: readonly (() => Promise<void>)[]): Promise<void> {
  const results = await Promise.allSettled(closers.map(close => close()))
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
