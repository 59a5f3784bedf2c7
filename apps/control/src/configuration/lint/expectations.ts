/** Expectations of domains, peers and vantages that can hardly be what was meant. */
import { isIP } from 'node:net'
import { guarded, parseCidr } from '@dialtone/net'
import type { Endpoint, LintFinding, Resource } from '@dialtone/contracts'
import type { Rule } from './rule.ts'

export const expectations: Rule = function * (resources) {
  for (const domain of resources.all('Domain')) yield * ofDomain(domain)
  const domains = resources.all('Domain')
  const secretless = domains.filter(one => one.spec.secret === undefined)
  for (const { name, spec } of resources.all('Peer')) {
    const self = `Peer/${name}`
    yield * nets(self, spec.allowNets)
    const ours = spec.ours === undefined ? domains : spec.ours.flatMap(one => resources.get('Domain', one) ?? [])
    if (spec.deep === 'shared' && ours.length > 0) {
      const without = spec.ours === undefined ? secretless : ours.filter(one => one.spec.secret === undefined)
      if (without.length > 0) yield { level: 'warning', code: 'shared-without-secret', resource: self, pointer: '/spec/deep', says: `${self} asks for deep checks in our name, and ${without.length === ours.length ? 'none of our domains has' : `${without.length} of ${ours.length} domains have not`} a secret (${few(without.map(one => one.name))}); those are checked no deeper than in the probe's name` }
    }
    if (spec.deep === 'probe' && !resources.all('Vantage').some(vantage => vantage.spec.probeDomain !== undefined)) yield { level: 'warning', code: 'probe-without-domain', resource: self, pointer: '/spec/deep', says: `${self} asks for deep checks in the probe's name, and no vantage has a probe domain` }
  }
  const networks = new Map<string, { self: string, side: string }>()
  for (const { name, spec } of resources.all('Vantage')) {
    const self = `Vantage/${name}`
    yield * nets(self, spec.allowNets)
    const network = spec.network ?? name
    const other = networks.get(network)
    if (other !== undefined && other.side !== spec.side) yield { level: 'warning', code: 'network-on-both-sides', resource: self, pointer: '/spec/network', says: `${self} is ${spec.side} and ${other.self} is ${other.side}, both on network '${network}'; one network is one witness, on one side of the firewall` }
    networks.set(network, { self, side: spec.side })
    if (spec.desired === 'paused') yield { level: 'notice', code: 'vantage-paused', resource: self, pointer: '/spec/desired', says: `${self} is paused: it checks nothing` }
  }
}

const known = new WeakMap<Resource<'Domain'>, readonly LintFinding[]>()

/** Finds beforehand what takes long to find, one resource at a time. */
export function lookAhead (resource: Resource): void {
  if (resource.kind === 'Domain') ofDomain(resource)
}

/** What a domain says by itself. Remembered: resources do not change, and to look at 10,000 anew for one write takes longer than the write. */
function ofDomain (domain: Resource<'Domain'>): readonly LintFinding[] {
  const before = known.get(domain)
  if (before !== undefined) return before
  const found = [...domainFindings(domain)]
  known.set(domain, found)
  return found
}

function * domainFindings ({ name, spec }: Resource<'Domain'>): Generator<LintFinding> {
  const self = `Domain/${name}`
  for (const [i, address] of (spec.expectedAddresses ?? []).entries()) {
    const why = guarded(address, spec.allowNets ?? [])
    if (why !== undefined) yield { level: 'warning', code: 'private-expected-address', resource: self, pointer: `/spec/expectedAddresses/${i}`, says: `${why}, and expectedAddresses are the public ones of ${name}; an address inside goes into 'internal'` }
  }
  yield * hosts(self, '/spec/internal', spec.internal, spec.allowNets)
  yield * nets(self, spec.allowNets)
  if (spec.secretOf !== undefined && spec.secret === undefined) yield { level: 'warning', code: 'secret-of-nothing', resource: self, pointer: '/spec/secretOf', says: `${self} says how keys are made of its secret, and has no secret` }
}

function * hosts (self: string, pointer: string, endpoints: readonly Endpoint[] = [], allowNets: readonly string[] = []): Generator<LintFinding> {
  for (const [i, { host }] of endpoints.entries()) {
    if (isIP(host) === 0 && allowNets.length === 0) yield { level: 'notice', code: 'internal-name', resource: self, pointer: `${pointer}/${i}/host`, says: `'${host}' is a name; if it leads to private addresses, they are refused until ${self} has them in allowNets` }
  }
}

function * nets (self: string, allowNets: readonly string[] = []): Generator<LintFinding> {
  for (const [i, net] of allowNets.entries()) {
    const { prefix, family } = parseCidr(net)
    if (prefix < (family === 'ipv4' ? 8 : 7)) yield { level: 'warning', code: 'wide-net', resource: self, pointer: `/spec/allowNets/${i}`, says: `${net} lets records of others lead agents into nearly any network, loopback and metadata services too; name the blocks that are needed` }
  }
}

/** The first of many names. */
export function few (names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
}
