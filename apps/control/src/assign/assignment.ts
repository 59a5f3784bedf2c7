/**
 * What one vantage has to do, out of the whole configuration: the jobs of a fleet, from which all verdicts come. Pure, and the same for the same
 * configuration, in whatever order it was written.
 *
 * | job | from | what it tells |
 * |---|---|---|
 * | own-internal | inside | whether our service answers at all |
 * | own-published | inside: the hairpin; outside | whether others reach us |
 * | peer | inside, once for each of ours | whether OURS and the peer can talk; the claim question |
 * | control | outside, once | a blocked path from a dead peer |
 * | listener | every other vantage | whether a callback can reach the probe domain of a vantage |
 */
import type { Assignment, DomainSpec, PeerSpec, Resource, ScheduleSpec, Target, VantageSpec } from '@dialtone/contracts'
import type { Resources } from '../configuration/wanted.ts'
import { hosts, nets } from './nets.ts'

/** `revision`: of the configuration. Secrets stay references, read by the agent where it stands. */
export function assignmentOf (vantage: Resource<'Vantage'>, resources: Resources, revision: number): Assignment {
  const { name, spec } = vantage
  const inside = spec.side === 'inside'
  const domains = resources.all('Domain')
  const targets = [
    ...domains.flatMap(domain => ownTargets(domain, spec)),
    ...resources.all('Peer').flatMap(peer => inside ? (peer.spec.ours === undefined ? domains : peer.spec.ours.flatMap(ours => resources.get('Domain', ours) ?? [])).map(ours => peerTarget(peer, ours, spec)) : [controlTarget(peer, spec)]),
    ...resources.all('Vantage').flatMap(other => other.name === name ? [] : listenerTarget(other.spec)),
  ].toSorted((a, b) => a.id < b.id ? -1 : 1)
  return {
    v: 1, revision, vantage: name, spec,
    schedules: schedulesOf(targets, resources),
    targets,
    managed: Object.fromEntries(resources.all('ManagedServer').filter(server => server.spec.vantage === name).map(server => [server.name, server.spec])),
  }
}

function ownTargets (domain: Resource<'Domain'>, vantage: VantageSpec): Target[] {
  const { name, spec } = domain
  const inside = vantage.side === 'inside'
  const { internal = [], expectedAddresses = [] } = spec
  const own = { domain: name, ...common(spec), ...asProbe(vantage) }
  const { published: publicNets, home } = netsOf(domain)
  const published: Target = { id: `own-published:${name}`, job: 'own-published', ...own, expectedAddresses, allowNets: inside ? [...new Set([...publicNets, ...home])] : publicNets }
  if (!inside || internal.length === 0) return [published]
  return [published, { id: `own-internal:${name}`, job: 'own-internal', ...own, endpoints: internal, expectedAddresses: [], allowNets: home }]
}

const known = new WeakMap<Resource<'Domain'>, { published: string[], home: string[] }>()

/** Remembered: resources do not change, and every vantage asks for the same. */
function netsOf (domain: Resource<'Domain'>): { published: string[], home: string[] } {
  const { spec } = domain
  const made = known.get(domain) ?? { published: nets(spec, spec.expectedAddresses ?? []), home: nets(spec, hosts(spec.internal ?? [])) }
  known.set(domain, made)
  return made
}

/** As deep as the peer lets us and as we can: in the name of OURS with its secret, else in the probe's. */
function peerTarget ({ name, spec }: Resource<'Peer'>, ours: Resource<'Domain'>, vantage: VantageSpec): Target {
  const { deep = 'shared' } = spec
  const { secret, secretOf, alsoClaimed = [] } = ours.spec
  return {
    id: `peer:${name}:${ours.name}`, job: 'peer', ours: ours.name, ...(alsoClaimed.length === 0 ? {} : { alsoClaimed }), ...foreign(name, spec),
    ...(deep === 'none' ? {} : deep === 'shared' && secret !== undefined ? { deep: { depth: 'shared' as const, secret, ...(secretOf === undefined ? {} : { secretOf }) } } : asProbe(vantage)),
  }
}

function controlTarget ({ name, spec }: Resource<'Peer'>, vantage: VantageSpec): Target {
  return { id: `control:${name}`, job: 'control', ...foreign(name, spec), ...(spec.deep === 'none' ? {} : asProbe(vantage)) }
}

/** By its records, as the peers that call back do. */
function listenerTarget ({ probeDomain }: VantageSpec): Target[] {
  if (probeDomain === undefined) return []
  const { domain, publicAddresses = [], listen } = probeDomain
  return [{ id: `listener:${domain}`, job: 'listener', domain, schedule: 'default', profile: 'standard', expectedAddresses: publicAddresses, allowNets: nets({}, [...publicAddresses, ...listen.map(({ address }) => address)]) }]
}

function foreign (domain: string, spec: PeerSpec) {
  const { endpoints = [] } = spec
  return { domain, ...common(spec), ...(endpoints.length === 0 ? {} : { endpoints }), expectedAddresses: [], allowNets: nets(spec, hosts(endpoints)) }
}

function common ({ schedule = 'default', profile = 'standard' }: DomainSpec | PeerSpec): Pick<Target, 'schedule' | 'profile'> {
  return { schedule, profile }
}

/** In the name of the vantage's own domain, where it has one. */
function asProbe ({ probeDomain }: VantageSpec): Pick<Target, 'deep'> {
  return probeDomain === undefined ? {} : { deep: { depth: 'probe', secret: probeDomain.secret } }
}

/** Those that are used, and `default`, written or not. */
function schedulesOf (targets: readonly Target[], resources: Resources): Record<string, ScheduleSpec> {
  const names = new Set(['default', ...targets.map(({ schedule }) => schedule)])
  return Object.fromEntries([...names].toSorted().map(name => [name, resources.get('Schedule', name)?.spec ?? {}]))
}
