/** Routes that overlap, and ways that lead back to the gateway itself (gateways.md 5.12 L11). */
import type { Endpoint, GatewaySpec, LintFinding, RouteSpec } from '@dialtone/contracts'
import { leadsTo, socketsOf, type Socket } from './sockets.ts'
import { finding, zonesOf, type LintRule, type Named } from './subject.ts'

export const routeRules: LintRule = function * (subject) {
  for (const group of Map.groupBy(subject.routes, ({ spec }) => spec.to).values()) {
    for (const [i, { name, spec }] of group.entries()) {
      const other = group.slice(0, i).find(earlier => overlapping(earlier.spec, spec))
      if (other !== undefined) yield finding('error', 'route-twice', `Route/${name}`, '/spec/to', `it and Route/${other.name} both say where '${spec.to}' goes; put all next hops into one of them`)
    }
  }
  const all = subject.gateways.map(gateway => ({ ...gateway, sockets: socketsOf(gateway.spec).filter(({ what }) => what !== 'dns') }))
  for (const { name, spec } of subject.routes) {
    const self = `Route/${name}`
    if (subject.complete) for (const [i, gateway] of (spec.gateways ?? []).entries()) if (!subject.gateways.some(one => one.name === gateway)) yield finding('error', 'unknown-reference', self, `/spec/gateways/${i}`, `it names the Gateway '${gateway}', which does not exist; create it, or change the route`)
    yield * loops(self, '/spec/nextHops', spec.nextHops, all.filter(gateway => spec.gateways?.includes(gateway.name) !== false))
  }
  for (const { name, spec } of subject.domains) yield * loops(`Domain/${name}`, '/spec/internal', spec.internal ?? [], all)
  for (const { name, spec } of subject.peers) yield * loops(`Peer/${name}`, '/spec/endpoints', spec.endpoints ?? [], all)
}

/** The same width: routes for gateways that are named go before those for all. */
function overlapping (a: RouteSpec, b: RouteSpec): boolean {
  return a.gateways === undefined || b.gateways === undefined ? a.gateways === b.gateways : a.gateways.some(name => b.gateways?.includes(name) === true)
}

function * loops (self: string, pointer: string, hops: readonly Endpoint[], gateways: readonly (Named<GatewaySpec> & { sockets: readonly Socket[] })[]): Generator<LintFinding> {
  for (const [i, { host, port }] of hops.entries()) {
    for (const { name, spec, sockets } of gateways) {
      const socket = sockets.find(one => leadsTo(host, port, one) || isNamed(host, port, spec, one))
      if (socket === undefined) continue
      yield finding('error', 'route-loop', self, `${pointer}/${i}`, `${host} port ${port} is ${socket.named} of Gateway/${name} itself, so that stanzas would come back to where they are; name the next server`)
      break
    }
  }
}

/** By a name of the gateway: its own, or the one that its responder tells inside servers, there with the addresses that stand beside it. */
function isNamed (host: string, port: number, spec: GatewaySpec, socket: Socket): boolean {
  if (socket.port !== port) return false
  return spec.host === host || zonesOf(spec).some(({ responder }) => responder !== undefined && (responder.gateway.name === host || responder.gateway.addresses.some(address => leadsTo(host, port, { address, port }))))
}
