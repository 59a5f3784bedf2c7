/** Who names whom: every name must lead somewhere, and nothing may be two things at once. A delete that would leave a name dangling is told by who names it. */
import type { Kind, LintFinding } from '@dialtone/contracts'
import { isOver } from './times.ts'
import type { Rule } from './rule.ts'

export const references: Rule = function * (resources, { now }) {
  const missing = (kind: Kind, name: string | undefined) => name !== undefined && resources.get(kind, name) === undefined
  const dangling = (resource: string, pointer: string, kind: Kind, name: string): LintFinding => ({
    level: 'error', code: 'unknown-reference', resource, pointer, says: `${resource} names the ${kind} '${name}', which does not exist; create it, or change ${resource}`,
  })
  // Everybody has a schedule 'default', written or not.
  const noSchedule = (name: string | undefined) => name !== 'default' && missing('Schedule', name)

  for (const { name, spec } of resources.all('Domain')) {
    const self = `Domain/${name}`
    if (noSchedule(spec.schedule)) yield dangling(self, '/spec/schedule', 'Schedule', spec.schedule ?? '')
    if (spec.hostedBy?.includes(name) === true) yield { level: 'error', code: 'hosted-by-itself', resource: self, pointer: `/spec/hostedBy/${spec.hostedBy.indexOf(name)}`, says: `${self} names itself in hostedBy; hostedBy names peers whose provider may answer for it` }
    for (const [i, host] of (spec.hostedBy ?? []).entries()) if (host !== name && missing('Peer', host)) yield { level: 'notice', code: 'hosted-by-no-peer', resource: self, pointer: `/spec/hostedBy/${i}`, says: `${self} may be answered for by '${host}', which is no Peer: nobody asks there, so it changes nothing` }
    for (const [i, sub] of (spec.alsoClaimed ?? []).entries()) if (!sub.endsWith(`.${name}`)) yield { level: 'warning', code: 'not-a-sub-domain', resource: self, pointer: `/spec/alsoClaimed/${i}`, says: `'${sub}' is no sub-domain of ${name}; a domain of its own is a Domain` }
  }
  for (const { name, spec } of resources.all('Peer')) {
    const self = `Peer/${name}`
    if (!missing('Domain', name)) yield { level: 'error', code: 'ours-and-peer', resource: self, pointer: '/name', says: `'${name}' is a Domain and a Peer: it cannot be ours and somebody else's; delete one of them` }
    if (noSchedule(spec.schedule)) yield dangling(self, '/spec/schedule', 'Schedule', spec.schedule ?? '')
    for (const [i, ours] of (spec.ours ?? []).entries()) if (missing('Domain', ours)) yield dangling(self, `/spec/ours/${i}`, 'Domain', ours)
  }
  const probes = new Map<string, string>()
  for (const { name, spec } of resources.all('Vantage')) {
    const self = `Vantage/${name}`
    for (const [i, domain] of (spec.sharesResolverWith ?? []).entries()) if (missing('Domain', domain)) yield dangling(self, `/spec/sharesResolverWith/${i}`, 'Domain', domain)
    const probe = spec.probeDomain?.domain
    if (probe === undefined) continue
    for (const kind of ['Domain', 'Peer'] as const) if (!missing(kind, probe)) yield { level: 'error', code: 'probe-domain-is-real', resource: self, pointer: '/spec/probeDomain/domain', says: `'${probe}' is a ${kind}: a probe domain is the agent's own, with records of its own; take a name that nobody else serves` }
    const other = probes.get(probe)
    if (other !== undefined) yield { level: 'error', code: 'probe-domain-twice', resource: self, pointer: '/spec/probeDomain/domain', says: `'${probe}' is the probe domain of ${other} too, and callbacks could reach either; give each vantage its own` }
    probes.set(probe, self)
  }
  for (const { name, spec } of resources.all('ManagedServer')) {
    const self = `ManagedServer/${name}`
    if (missing('Vantage', spec.vantage)) yield dangling(self, '/spec/vantage', 'Vantage', spec.vantage)
    else if (resources.get('Vantage', spec.vantage)?.spec.side === 'outside') yield { level: 'warning', code: 'managed-from-outside', resource: self, pointer: '/spec/vantage', says: `${self} is managed at Vantage/${spec.vantage}, which is outside; hooks run on the server's own host, which is inside` }
    for (const [i, domain] of spec.domains.entries()) if (missing('Domain', domain)) yield dangling(self, `/spec/domains/${i}`, 'Domain', domain)
  }
  for (const { name, spec } of resources.all('Exception')) {
    if (isOver(spec, now)) continue // What is over binds nobody.
    const self = `Exception/${name}`
    for (const [field, kind] of [['domain', 'Domain'], ['peer', 'Peer'], ['vantage', 'Vantage']] as const) {
      const named = spec[field]
      if (named !== undefined && missing(kind, named)) yield dangling(self, `/spec/${field}`, kind, named)
    }
  }
  for (const { name, spec } of resources.all('Gateway')) {
    for (const peer of Object.keys(spec.peers ?? {})) if (missing('Peer', peer)) yield { level: 'notice', code: 'gateway-unknown-peer', resource: `Gateway/${name}`, pointer: `/spec/peers/${peer}`, says: `Gateway/${name} has a word about '${peer}', which is no Peer` }
  }
}
