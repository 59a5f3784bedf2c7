/**
 * A small fleet for tests: one of ours at 203.0.113.10 (inside 10.0.0.10), peers at 198.51.100.11 and 192.0.2.21, inside and outside vantages. A witness is
 * named by where it stands and what it asked; what it saw is one of few words.
 */
import { DEFAULT_JUDGE_CONFIG, type DnsRecord, type EndpointObservation, type Failure, type FleetConfig, type Job, type Observation, type PeerReach, type Stage, type Standpoint, type Witness } from '@dialtone/contracts'
import { judgeDomain, judgePair, reachOf, type DomainQuestion, type PairQuestion } from '../index.ts'
import { chain, stored } from './certificates.ts'
import { TLS_SEEN, features } from './deep.ts'
import { endpoint, observation } from './observation.ts'

export const INTERNAL = '10.0.0.10'
export const PUBLIC = '203.0.113.10'
export const CONFIG: FleetConfig = { ...DEFAULT_JUDGE_CONFIG, splitViewExpected: false }

export const REFUSED: Failure = { at: 'tcp', why: 'refused' }
export const TIMEOUT: Failure = { at: 'tcp', why: 'timeout' }
export const UNREACHABLE: Failure = { at: 'tcp', why: 'unreachable' }
export const SILENT: Failure = { at: 'stream', why: 'went-silent', received: 0 }
export const CLOSED: Failure = { at: 'stream', why: 'closed', received: 0 }
export const HTTP: Failure = { at: 'stream', why: 'not-xmpp', received: 60 }
export const HOST_UNKNOWN: Failure = { at: 'stream', why: 'stream-error', condition: 'host-unknown', text: 'This host does not serve ours.example' }
export const FEDERATION_OFF: Failure = { at: 'stream', why: 'stream-error', condition: 'policy-violation', text: 'Server-to-server communication is disabled for this host' }

/** `in1` and `in2` inside, `out1`…: outside; the letter after the number is the network where it is another's: `out2` and `out2b` stand on different ones, `out1` and `out1-twin` on one. */
export function standing (vantage: string, given: Partial<Standpoint> = {}): Standpoint {
  return { vantage, side: vantage.startsWith('in') ? 'inside' : 'outside', network: `net-${vantage.replace('-twin', '')}`, sharesResolverWith: [], ...given }
}

/** Over TLS, every stage well. */
export function well (address: string, whose: 'ours' | 'partner' = 'ours', given: Partial<EndpointObservation> = {}): EndpointObservation {
  const header = { id: 'i', from: `${whose}.example`, version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }
  return {
    ...endpoint(address, undefined, undefined, { id: `starttls/xmpp.${whose}.example:5269/${address}`, target: `xmpp.${whose}.example`, tls: { ...TLS_SEEN, sni: `${whose}.example` }, chain: chain(whose), header, headerAgain: header, features: features(), featuresAgain: features() }),
    ...given,
  }
}

/** Over TLS no longer: nothing offered, and dialback alone. */
export function clear (address: string, whose: 'ours' | 'partner' = 'ours'): EndpointObservation {
  const { tls: _, chain: __, headerAgain: ___, featuresAgain: ____, ...rest } = well(address, whose)
  return { ...rest, features: features({ starttls: 'absent' }) }
}

/** Stopped at a stage: those of TCP before anything, those of the stream before its header. */
export function stopped (address: string, failure: Failure, whose: 'ours' | 'partner' = 'ours', at: Stage = failure.at === 'tcp' ? 'tcp' : failure.at === 'tls' ? 'tls' : 'header'): EndpointObservation {
  const { id, target } = well(address, whose)
  return endpoint(address, failure, at, { id, target })
}

export type Seen = EndpointObservation | readonly EndpointObservation[] | Partial<Omit<Observation, 'asked'>>

/** One look of one vantage at a domain. */
export function look (job: Job, vantage: string, seen: Seen, given: Partial<Witness> & { at?: string, as?: string, domain?: string, resolver?: string, from?: Partial<Standpoint> } = {}): Witness {
  const { at = '2026-01-01T00:00:00Z', as = job === 'peer' ? 'ours.example' : undefined, domain = job.startsWith('own') ? 'ours.example' : 'partner.example', resolver = '192.0.2.53:53', from = {}, ...rest } = given
  const facts = Array.isArray(seen) ? { endpoints: [...seen] as EndpointObservation[] } : 'steps' in seen ? { endpoints: [seen] } : seen as Partial<Omit<Observation, 'asked'>>
  return {
    observation: observation({
      domain, vantage, startedAt: at, certificates: stored(), dns: job === 'own-internal' ? [] : records(domain, facts.endpoints?.map(({ address }) => address) ?? [], resolver), ...facts,
      asked: { resolver, clientCertificate: true, ...(as === undefined ? {} : { as }), ...(job === 'own-internal' ? { overrides: [`${INTERNAL}:5269`] } : {}) },
    }),
    job, standpoint: standing(vantage, from), ...rest,
  }
}

export function internal (vantage: string, seen: Seen = well(INTERNAL), given: Parameters<typeof look>[3] = {}): Witness {
  return look('own-internal', vantage, seen, given)
}

export function published (vantage: string, seen: Seen = well(PUBLIC), given: Parameters<typeof look>[3] = {}): Witness {
  return look('own-published', vantage, seen, given)
}

/** What DNS said of a domain that was found. */
export function records (domain: string, addresses: readonly string[], resolver = '192.0.2.53:53'): Observation['dns'] {
  const answer = (purpose: Observation['dns'][number]['purpose'], name: string, type: Observation['dns'][number]['type'], found: DnsRecord[]): Observation['dns'][number] =>
    ({ purpose, name, type, resolver, outcome: 'answer', transport: 'udp', atMs: 0, ms: 1, authenticated: false, records: found, aliases: [], extended: [] })
  const host = `xmpp.${domain}`
  return [
    answer('xmpp-server', `_xmpp-server._tcp.${domain}`, 'SRV', [{ type: 'SRV', ttl: 60, priority: 0, weight: 0, port: 5269, target: host }]),
    answer('target', host, 'A', addresses.map(address => ({ type: 'A', ttl: 60, address }))),
  ]
}

/** A question that was answered without records, or not at all. */
export function no (purpose: Observation['dns'][number]['purpose'], outcome: Observation['dns'][number]['outcome'], domain = 'ours.example'): Observation['dns'][number] {
  const name = purpose === 'control' ? '.' : purpose === 'existence' || purpose === 'fallback' ? domain : purpose === 'target' ? `xmpp.${domain}` : `_${purpose}._tcp.${domain}`
  return { purpose, outcome, name, type: purpose === 'target' || purpose === 'fallback' ? 'A' : purpose === 'control' || purpose === 'existence' ? 'SOA' : 'SRV', resolver: '192.0.2.53:53', transport: 'udp', atMs: 0, ms: 1, authenticated: false, records: [], aliases: [], extended: [] }
}

/** A resolver that answers nothing, not even the control name. */
export function deaf (domain = 'ours.example'): Partial<Omit<Observation, 'asked'>> {
  return { dns: [no('xmpp-server', 'timeout', domain), no('xmpps-server', 'timeout', domain), no('control', 'timeout')], endpoints: [] }
}

/** Two peers in two networks. */
export function reaching (inside: PeerReach['inside'], outside: PeerReach['outside']): PeerReach[] {
  return [{ peer: 'partner.example', networks: ['198.51.100.0/24'], inside, outside }, { peer: 'second.example', networks: ['192.0.2.0/24'], inside, outside }]
}

export function domainOf (witnesses: readonly Witness[], given: Partial<DomainQuestion> = {}): ReturnType<typeof judgeDomain> {
  return judgeDomain({ domain: 'ours.example', witnesses, config: CONFIG, reach: [], ...given })
}

/** The pair, by what is known of it alone unless more is given. */
export function pairOf (witnesses: readonly Witness[], given: Partial<PairQuestion> = {}): ReturnType<typeof judgePair> {
  return judgePair({ ours: 'ours.example', peer: 'partner.example', witnesses, config: CONFIG, reach: [reachOf('partner.example', witnesses)], ...given })
}
