/** From a scenario to something that can be checked: addresses and ports, the zone, the peers, the request and the expectations of the judge. */
import { createHash } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { certificateFor, trustedRoot } from './certificates/certificates.ts'
import { startDnsServer } from './dns/server.ts'
import type { ZoneRecord } from './dns/zone.ts'
import { startPeers, type RunningPeers } from './start-peers.ts'
import { zoneRecords } from './zone-records.ts'
import { PATIENT, type ScenarioDeep, type ScenarioRequest } from './request.ts'
import { DOMAIN, OURS, type Scenario } from './scenario.ts'

export type RunningScenario = {
  domain: string
  request: ScenarioRequest
  /** Absent where the scenario only looks. */
  deep?: ScenarioDeep
  judge: JudgeConfig
  /** Closes everything that was started. May be called again. */
  stop: () => Promise<void>
}

/** Networks of scenarios that run in this process. */
const taken = new Set<string>()

/**
 * Starts the embedded resolver and the peers. Rejects when `signal` is aborted, and leaves nothing behind then; aborting it later stops the
 * scenario. Throws an `OperatorError` where the machine lacks an IPv6 loopback that the scenario needs.
 */
export async function startScenario (scenario: Scenario, signal: AbortSignal): Promise<RunningScenario> {
  signal.throwIfAborted()
  if (needsIpv6(scenario) && !hasIpv6()) throw new OperatorError('no-ipv6-loopback', `scenario '${scenario.name}' needs the address ::1: turn IPv6 on for the loopback interface`)
  const domain = scenario.domain ?? DOMAIN
  const network = takeNetwork(scenario.name)
  const closers: (() => Promise<void>)[] = []
  let stopping: Promise<void> | undefined
  const stop = () => {
    signal.removeEventListener('abort', aborted)
    stopping ??= closeAll(closers).finally(() => taken.delete(network))
    return stopping
  }
  // Whoever started it hears of a complaint when they stop it.
  const aborted = () => { stop().catch(() => undefined) }
  try {
    const callTo = scenario.deep === undefined ? undefined : { address: `${network}.9`, port: await freePort(`${network}.9`) }
    const peers = await startPeers(scenario, { domain, ...(callTo === undefined ? {} : { callTo }) }, network, signal)
    closers.push(peers.close)
    const records = [...await zoneRecords(scenario, domain, peers), ...ourRecords(scenario, callTo)]
    const { rules = [], authenticated } = scenario.resolver ?? {}
    const dns = await startDnsServer({ records, rules, ...(authenticated === undefined ? {} : { authenticated }) }, `${network}.53`, signal)
    closers.push(dns.close)
    const request = await requestOf(scenario, domain, peers, dns)
    signal.throwIfAborted()
    signal.addEventListener('abort', aborted, { once: true })
    return { domain, request, ...(callTo === undefined ? {} : { deep: await deepOf(scenario, callTo) }), judge: judgeOf(scenario, peers), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The network of the name; where the same scenario runs twice at once, the next free one. */
function takeNetwork (name: string): string {
  for (let again = 0; again < 1000; again++) {
    const network = networkOf(again === 0 ? name : `${name} ${again}`)
    if (taken.has(network)) continue
    taken.add(network)
    return network
  }
  throw new Error('no loopback network is left: too many scenarios run at once')
}

/**
 * Three bytes of a loopback address for each name: the same in every run, so that goldens can hold addresses. A test sees to it that no two
 * scenarios share them.
 */
export function networkOf (name: string): string {
  const [first = 0, second = 0] = createHash('sha256').update(name).digest()
  return `127.${70 + first % 128}.${second}`
}

async function requestOf ({ request = {}, resolver }: Scenario, domain: string, peers: RunningPeers, dns: { address: string, port: number }): Promise<ScenarioRequest> {
  const shown = request.clientCertificate === undefined ? undefined : await certificateFor(request.clientCertificate)
  return {
    domain,
    ...(request.as === undefined ? {} : { as: request.as }),
    vantage: 'zoo',
    resolver: { address: dns.address, port: dns.port, trusted: resolver?.authenticated === true },
    controlName: '.',
    overrides: (request.overrides ?? []).map(({ host, port, kind }) => ({ host, kind, port: peers.portOf(host, port) })),
    fallbackPort: peers.ports.usual,
    families: hasIpv6() ? [4, 6] : [4],
    allowNets: ['127.0.0.0/8', '::1/128'],
    ...(shown === undefined ? {} : { clientCertificate: { certificate: shown.chain, key: shown.key } }),
    anchors: { system: false, given: [await trustedRoot()] },
    secondLooks: true,
    parallel: 16,
    timeoutsMs: { ...PATIENT, ...request.timeoutsMs },
  }
}

/** The address belongs to this scenario alone, so that nobody takes the port before the listener has it. */
function freePort (address: string): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port: 0 }, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** What is published about the domain that we speak for. */
function ourRecords ({ deep, request = {} }: Scenario, callTo: { address: string, port: number } | undefined): ZoneRecord[] {
  if (deep === undefined || callTo === undefined || deep.published === 'nowhere') return []
  const ours = request.as ?? OURS
  const address = deep.published === 'elsewhere' ? callTo.address.replace(/\.9$/, '.10') : callTo.address
  return [
    { name: ours, type: 'SOA', serial: 1 },
    { name: `_xmpp-server._tcp.${ours}`, type: 'SRV', priority: 0, weight: 5, port: callTo.port, target: `listener.${ours}` },
    { name: `listener.${ours}`, type: 'A', address },
  ]
}

async function deepOf ({ deep, request = {} }: Scenario, place: { address: string, port: number }): Promise<ScenarioDeep> {
  if (deep === undefined) throw new TypeError('a scenario that only looks')
  const as = request.as ?? OURS
  const kind = deep.depth === 'probe' ? deep.listener ?? 'clear' : 'none'
  const shown = kind === 'tls' ? await certificateFor({ names: { dns: [as] } }) : undefined
  return {
    depth: deep.depth, as,
    ...(deep.depth === 'knock' ? {} : { secret: SECRET }),
    ...(kind === 'none' ? {} : { listener: { place, secret: deep.secretsDiffer === true ? `another ${SECRET}` : SECRET, ...(shown === undefined ? {} : { certificate: { certificate: shown.chain, key: shown.key } }) } }),
    verifyPeers: deep.verifyPeers === true, quick: deep.quick === true,
    timeoutsMs: { ...HASTY, ...deep.timeoutsMs },
  }
}

/** Of nobody but the zoo. */
const SECRET = 'the secret of a domain that only exists on loopback'
/** Peers on loopback answer at once or never. */
const HASTY: ScenarioDeep['timeoutsMs'] = { warn: 1000, answer: 6000, ping: 6000 }

function judgeOf ({ judge = {} }: Scenario, peers: RunningPeers): JudgeConfig {
  const { expectedAddresses = [], ...rest } = judge
  // A busy machine is not a slow peer.
  const patient = { slowStageMs: Math.max(PATIENT.stream, PATIENT.tls) }
  return { ...DEFAULT_JUDGE_CONFIG, ...patient, ...rest, expectedAddresses: expectedAddresses === 'published' ? peers.published : expectedAddresses }
}

function needsIpv6 ({ hosts }: Scenario): boolean {
  return hosts.some(({ addresses }) => addresses.some(address => address !== 'blackhole' && address.family === 6))
}

function hasIpv6 (): boolean {
  return Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1') === true)
}

/** All are closed, even if one of them complains; the first complaint is thrown. */
async function closeAll (closers: readonly (() => Promise<void>)[]): Promise<void> {
  const results = await Promise.allSettled(closers.map(close => close()))
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
