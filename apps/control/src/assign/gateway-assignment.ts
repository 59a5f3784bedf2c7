/** All that one gateway works by, out of the whole configuration. Pure, and the same for the same configuration, in whatever order it was written. */
import type { GatewayAssignment, Resource } from '@dialtone/contracts'
import type { Resources } from '../configuration/wanted.ts'
import { hosts, nets } from './nets.ts'

/** `revision`: of the configuration. Secrets stay references, read by the gateway where it stands. */
export function gatewayAssignmentOf ({ name, spec }: Resource<'Gateway'>, resources: Resources, revision: number): GatewayAssignment {
  const isFor = ({ spec: { gateways } }: Resource<'Policy'> | Resource<'Route'>): boolean => gateways === undefined || gateways.includes(name)
  return {
    v: 1, revision, gateway: name, spec,
    policies: specsOf(resources.all('Policy').filter(isFor)),
    routes: specsOf(resources.all('Route').filter(isFor)),
    domains: Object.fromEntries(resources.all('Domain').map(domain => [domain.name, ofDomain(domain)])),
    peers: Object.fromEntries(resources.all('Peer').map(peer => [peer.name, ofPeer(peer)])),
  }
}

/** Remembered by resource, as they do not change: every gateway is told the same of them. */
const [domainsKnown, peersKnown] = [new WeakMap<Resource<'Domain'>, Told<'domains'>>(), new WeakMap<Resource<'Peer'>, Told<'peers'>>()]
type Told<F extends 'domains' | 'peers'> = GatewayAssignment[F][string]

function ofDomain (domain: Resource<'Domain'>): Told<'domains'> {
  const { spec } = domain
  const told = domainsKnown.get(domain) ?? { ...(spec.internal === undefined ? {} : { internal: spec.internal }), ...netsOf(nets(spec, hosts(spec.internal ?? []))) }
  domainsKnown.set(domain, told)
  return told
}

function ofPeer (peer: Resource<'Peer'>): Told<'peers'> {
  const { spec } = peer
  const told = peersKnown.get(peer) ?? { ...(spec.endpoints === undefined ? {} : { endpoints: spec.endpoints }), ...netsOf(nets(spec, hosts(spec.endpoints ?? []))) }
  peersKnown.set(peer, told)
  return told
}

function netsOf (allowNets: string[]): { allowNets?: string[] } {
  return allowNets.length === 0 ? {} : { allowNets }
}

function specsOf<S> (resources: readonly { name: string, spec: S }[]): Record<string, S> {
  return Object.fromEntries(resources.map(({ name, spec }) => [name, spec]))
}
