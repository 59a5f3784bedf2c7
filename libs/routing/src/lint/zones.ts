/** What a gateway's own resource says of itself that can never work: zones, sockets, domains, secrets, limits. */
import type { GatewaySpec, LintFinding, ZoneSpec } from '@dialtone/contracts'
import { legOfZone } from '../defaults.ts'
import { covers } from '../pattern.ts'
import { legFindings } from './legs.ts'
import { leadsTo, overlap, socketsOf } from './sockets.ts'
import { finding, insidePatterns, zonesOf, type LintRule } from './subject.ts'

/** RFC 6120 §13.12. */
export const LEAST_STANZA_BYTES = 10_000

export const zoneRules: LintRule = function * ({ gateways }) {
  for (const { name, spec } of gateways) {
    const self = `Gateway/${name}`
    yield * sides(self, spec)
    yield * sockets(self, spec)
    yield * domains(self, spec)
    yield * secrets(self, spec)
    yield * limits(self, spec)
    for (const [at, zone] of zonesOf(spec).entries()) yield * oneZone(self, `/spec/zones/${at}`, zone)
  }
}

function * sides (self: string, spec: GatewaySpec): Generator<LintFinding> {
  const zones = zonesOf(spec)
  const of = (side: ZoneSpec['side']) => zones.flatMap((zone, at) => zone.side === side ? [at] : [])
  const [external, internal] = [of('external'), of('internal')]
  if (zones.length === 0) yield finding('warning', 'gateway-without-zones', self, '/spec', 'it has no zones, so nothing goes through it; give it an external and an internal one')
  else if (external.length === 0) yield finding('error', 'no-external-zone', self, '/spec/zones', 'there is no external zone, and stanzas go between the outside and the inside alone; add one')
  else if (internal.length === 0) yield finding('error', 'no-internal-zone', self, '/spec/zones', 'there is no internal zone, so no domain is ours here; add one with the domains that it has')
  for (const at of external.slice(1)) yield finding('error', 'two-external-zones', self, `/spec/zones/${at}/side`, `'${zones[external[0] ?? 0]?.name}' and '${zones[at]?.name}' are both external, and nothing says which of them leads to a peer; keep one, or make another Gateway for the other network`)
  const seen = new Set<string>()
  for (const [at, { name }] of zones.entries()) {
    if (seen.has(name)) yield finding('error', 'zone-twice', self, `/spec/zones/${at}/name`, `two zones are called '${name}'; rename one`)
    seen.add(name)
  }
}

function * sockets (self: string, spec: GatewaySpec): Generator<LintFinding> {
  const all = socketsOf(spec)
  const byPort = Map.groupBy(all, ({ port }) => port)
  for (const same of byPort.values()) {
    for (const [i, one] of same.entries()) {
      const other = same.slice(0, i).find(earlier => overlap(earlier, one))
      if (other !== undefined) yield finding('error', 'socket-twice', self, one.pointer, `${one.named} and ${other.named} both want ${one.address} port ${one.port}${one.address === other.address ? '' : ` (${other.address} takes it too)`}; only one can have it: change a port or an address`)
    }
  }
  const dns = all.filter(({ what }) => what === 'dns')
  for (const [at, { name, resolver, responder }] of zonesOf(spec).entries()) {
    const own = (address: string, port = 53) => dns.some(socket => leadsTo(address, port, socket))
    if (resolver !== undefined && own(resolver.address, resolver.port)) yield finding('error', 'resolver-loop', self, `/spec/zones/${at}/resolver`, `zone '${name}' asks the gateway's own responder, to which every peer is the gateway itself; name a resolver that knows the outside`)
    for (const [i, { address, port }] of (responder?.forwardTo ?? []).entries()) if (own(address, port)) yield finding('error', 'responder-loop', self, `/spec/zones/${at}/responder/forwardTo/${i}`, 'the responder would ask itself for what it does not know; name another resolver')
  }
  for (const [at, { components }] of zonesOf(spec).entries()) {
    for (const [i, { to }] of (components?.connect ?? []).entries()) if (all.some(socket => leadsTo(to.host, to.port, socket))) yield finding('error', 'component-loop', self, `/spec/zones/${at}/components/connect/${i}/to`, `${to.host} port ${to.port} is the gateway itself; name the server that takes components`)
  }
}

function * domains (self: string, spec: GatewaySpec): Generator<LintFinding> {
  const patterns = insidePatterns(spec)
  const byPattern = new Map<string, string>()
  for (const { pattern, zone, pointer } of patterns) {
    if (pattern === '*') yield finding('error', 'everything-inside', self, pointer, `'*' makes every domain one of ours, and no peer is left; name the domains whose servers are in zone '${zone}'`)
    const other = byPattern.get(pattern)
    if (other !== undefined && other !== zone) yield finding('error', 'domain-of-two-zones', self, pointer, `'${pattern}' is in zone '${other}' and in zone '${zone}', and neither is more exact; keep one`)
    else byPattern.set(pattern, zone)
  }
  for (const [at, zone] of zonesOf(spec).entries()) {
    const pointer = `/spec/zones/${at}`
    if (zone.side === 'external') {
      if ((zone.domains ?? []).length > 0) yield finding('warning', 'domains-outside', self, `${pointer}/domains`, `domains of zone '${zone.name}' are not read, since it is external: what is in no internal zone is foreign; take them out`)
      if (zone.responder !== undefined) yield finding('error', 'responder-outside', self, `${pointer}/responder`, 'a responder tells that all foreign domains are here, which only inside servers may be told; put it into an internal zone')
      if (zone.mint !== undefined) yield finding('error', 'mint-outside', self, `${pointer}/mint`, 'outside nobody trusts a private authority, and it would speak for domains of others; put it into an internal zone')
      if (zone.components !== undefined) yield finding('error', 'components-outside', self, `${pointer}/components`, 'components are inside servers or stand for peers towards them; put them into an internal zone')
      continue
    }
    if (!patterns.some(({ zone: name }) => name === zone.name)) yield finding('warning', 'zone-without-domains', self, `${pointer}/domains`, `zone '${zone.name}' has no domains, so nothing comes from it and nothing goes to it; name the domains whose servers are in it`)
    const foreign = new Set<string>()
    for (const [i, { domain }] of (zone.components?.connect ?? []).entries()) {
      const at = `${pointer}/components/connect/${i}/domain`
      if (patterns.some(({ pattern }) => covers(pattern, domain))) yield finding('error', 'component-of-ours', self, at, `'${domain}' is one of ours; the gateway attaches as the component of a foreign domain alone`)
      if (foreign.has(domain)) yield finding('error', 'component-twice', self, at, `'${domain}' is attached twice; a server takes a component once`)
      foreign.add(domain)
    }
  }
  for (const peer of Object.keys(spec.peers ?? {})) if (patterns.some(({ pattern }) => covers(pattern, peer))) yield finding('warning', 'peer-is-ours', self, `/spec/peers/${peer}`, `'${peer}' is one of ours, so it is never a peer and this changes nothing`)
  for (const pair of Object.keys(spec.pairs ?? {})) {
    const [ours = '', peer = ''] = pair.split(' ')
    if (!patterns.some(({ pattern }) => covers(pattern, ours)) || patterns.some(({ pattern }) => covers(pattern, peer))) yield finding('warning', 'no-such-pair', self, `/spec/pairs/${pair}`, `'${pair}' is no pair of one of ours and a foreign domain (in this order), so this changes nothing`)
  }
}

function * secrets (self: string, spec: GatewaySpec): Generator<LintFinding> {
  const byReference = new Map<string, string>()
  for (const [at, { name, secret }] of zonesOf(spec).entries()) {
    if (secret === undefined) continue
    const other = byReference.get(secret)
    if (other !== undefined) yield finding('error', 'secret-twice', self, `/spec/zones/${at}/secret`, `zones '${other}' and '${name}' have the same secret, so that keys of one are good in the other; give each its own, or the gateway one of which both are derived`)
    else if (secret === spec.secret) yield finding('error', 'secret-is-masters', self, `/spec/zones/${at}/secret`, `zone '${name}' has the gateway's own secret, of which those of other zones are derived; leave it out, and this zone's is derived too`)
    byReference.set(secret, name)
  }
  const without = zonesOf(spec).filter(({ secret }) => secret === undefined)
  if (spec.secret === undefined && without.length > 0) yield finding('notice', 'secret-made', self, '/spec/secret', `no secret for ${without.map(({ name }) => `'${name}'`).join(', ')}: one is made at each start, and another gateway cannot answer callbacks for this one`)
}

function * limits (self: string, { limits: given = {}, zones = [] }: GatewaySpec): Generator<LintFinding> {
  if (given.stanzaBytes !== undefined && given.stanzaBytes < LEAST_STANZA_BYTES) yield finding('warning', 'stanza-limit-low', self, '/spec/limits/stanzaBytes', `stanzas of ${LEAST_STANZA_BYTES} bytes must be taken (RFC 6120 §13.12), and ${given.stanzaBytes} are allowed`)
  if (given.queueBytes !== undefined && given.queueBytes > (given.queuedBytes ?? 64 * 1024 * 1024)) yield finding('warning', 'queue-above-all', self, '/spec/limits/queueBytes', 'one route may queue more than all routes together, so it never will; raise queuedBytes or lower it')
  if (given.negotiationSeconds !== undefined && given.negotiationSeconds < (given.helloSeconds ?? 10)) yield finding('warning', 'negotiation-below-hello', self, '/spec/limits/negotiationSeconds', 'a stream has less time until a pair is authorised than until its header, which comes before; raise it')
  if (zones.length > 0 && given.connectionsPerAddress !== undefined && given.connectionsPerAddress > (given.connections ?? 1000)) yield finding('warning', 'address-above-all', self, '/spec/limits/connectionsPerAddress', 'one address may have more connections than all together; lower it')
}

function * oneZone (self: string, pointer: string, zone: ZoneSpec): Generator<LintFinding> {
  const leg = legOfZone(zone)
  for (const { level, code, field, says } of legFindings(leg, new Set(Object.keys(zone)))) yield finding(level, code, self, `${pointer}/${field}`, `zone '${zone.name}': ${says}`)
  const bare = (zone.certificates ?? []).length === 0 && (zone.side === 'external' || zone.mint === undefined)
  if (bare && leg.tls === 'required' && zone.listen.length > 0) yield finding('error', 'tls-without-certificate', self, `${pointer}/certificates`, `zone '${zone.name}' requires TLS and has no certificate, so that nobody can connect to it; add certificates${zone.side === 'external' ? ' with the names of our domains' : ''}, or set tls to optional`)
  const proxied = zone.listen.some(({ proxyProtocol }) => proxyProtocol === true)
  for (const [i, { kind, proxyProtocol }] of zone.listen.entries()) {
    const at = `${pointer}/listen/${i}`
    if (kind === 'direct' && leg.tls === 'none') yield finding('error', 'direct-without-tls', self, `${at}/kind`, `zone '${zone.name}' has no TLS, and this listener speaks nothing else; make it starttls, or set tls to optional`)
    else if (kind === 'direct' && bare && leg.tls === 'optional') yield finding('error', 'tls-without-certificate', self, `${at}/kind`, `this listener speaks TLS from the first byte and zone '${zone.name}' has no certificate; add one, or make it starttls`)
    if (proxyProtocol === true && (zone.proxies ?? []).length === 0) yield finding('error', 'proxy-without-proxies', self, `${at}/proxyProtocol`, 'every connection has to begin with a PROXY header and nobody may send one; name the proxies of the zone')
  }
  if (!proxied && (zone.proxies ?? []).length > 0) yield finding('warning', 'proxies-unused', self, `${pointer}/proxies`, `no listener of zone '${zone.name}' takes PROXY headers, so the proxies change nothing; set proxyProtocol of one, or take them out`)
  if (zone.certificate === 'valid' && zone.anchors?.system === false && zone.anchors.given.length === 0) yield finding('error', 'no-anchors', self, `${pointer}/anchors`, `zone '${zone.name}' demands valid certificates and trusts nobody, so none is; add anchors`)
  if (zone.side === 'external') {
    if (zone.listen.length === 0) yield finding('warning', 'nobody-can-call', self, `${pointer}/listen`, 'the external zone listens nowhere: peers can neither reach us nor call back to verify a key; add a listener')
    if (leg.tls !== 'required') yield finding('warning', 'clear-outside', self, `${pointer}/tls`, `TLS is ${leg.tls === 'none' ? 'not used' : 'optional'} towards every peer that no policy speaks of; require it, and make a Policy with a reason for each peer that cannot`)
    return
  }
  if (leg.dialback === 'never' && zone.mint === undefined) yield finding('error', 'inside-needs-dialback', self, `${pointer}/dialback`, `inside servers see the gateway as every foreign domain, for which it has no certificates, so that without dialback they accept nobody; set dialback of zone '${zone.name}' to always or over-tls, or give it an authority that makes them ('mint')`)
  for (const [port, wanted, field] of [[zone.responder?.gateway.port ?? 5269, 'starttls', 'gateway'], [zone.responder?.gateway.directPort, 'direct', 'gateway/directPort']] as const) {
    if (zone.responder === undefined || port === undefined || zone.listen.some(({ port: own, kind = 'starttls' }) => kind === wanted && own === port)) continue
    yield finding('warning', 'responder-elsewhere', self, `${pointer}/responder/${field}`, `the responder sends inside servers to port ${port}, and no listener of zone '${zone.name}' has it for ${wanted === 'direct' ? 'direct TLS' : 'STARTTLS'}; add one, name the right port, or make sure that something in between leads there`)
  }
}
