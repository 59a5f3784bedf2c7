/**
 * What the inside servers are told (gateways.md §6.1, §6.5): the XMPP service of every foreign domain is the gateway. Each name that is answered is a zone of its own, so that a
 * resolver in between has a place to remember that something is not there (RFC 2308). Everything else, and all that concerns domains of ours, is not answered here.
 */
import { isIPv6 } from 'node:net'
import { canonicalDomain } from '@dialtone/stream'
import type { ResponderSpec } from '@dialtone/contracts'
import { CLASS_IN, RCODE, TYPE, nameBytes, type Query, type Record } from './wire.ts'

/** So short that a domain that becomes one of ours is found within a minute. */
export const TTL = 60

export type Told = { rcode: number, answers?: readonly Record[], authorities?: readonly Record[], additionals?: readonly Record[], what: 'srv' | 'address' | 'nodata' | 'nxdomain' | 'refused' | 'any' }

/** `_jabber` is what servers from before RFC 3920 asked for, and some still ask. */
const SERVICES: Readonly<{ [label: string]: 'starttls' | 'direct' }> = { '_xmpp-server': 'starttls', '_jabber': 'starttls', '_xmpps-server': 'direct' }

/** What is told, or undefined where it has to be forwarded. `ours`: whether a domain has its server inside. */
export function tell ({ gateway }: Pick<ResponderSpec, 'gateway'>, ours: (domain: string) => boolean, query: Query): Told | undefined {
  // Transfers and what is asked for of other classes is nobody's business; TKEY, TSIG, IXFR, AXFR and the mail types are no data.
  if (query.class !== CLASS_IN || (query.type >= TYPE.TKEY && query.type !== TYPE.ANY) || query.type === 0) return { rcode: RCODE.refused, what: 'refused' }
  const { name, type } = query
  if (name === gateway.name) return addresses(gateway, type)
  const service = name === undefined ? undefined : serviceIn(name)
  if (service !== undefined && !ours(service.domain)) {
    if (service.below) return { rcode: RCODE.nxdomain, authorities: [soa(service.zone, gateway.name)], what: 'nxdomain' }
    if (type === TYPE.SRV || type === TYPE.ANY) return srv(gateway, service.kind)
    if (type === TYPE.SOA) return { rcode: RCODE.none, answers: [soa('', gateway.name)], what: 'any' }
    return { rcode: RCODE.none, authorities: [soa('', gateway.name)], what: 'nodata' }
  }
  // RFC 8482 §4.2: whoever asks for everything gets little.
  return type === TYPE.ANY ? { rcode: RCODE.none, answers: [{ owner: '', type: TYPE.HINFO, ttl: 3600, data: Buffer.from('\x07RFC8482\0', 'latin1') }], what: 'any' } : undefined
}

/** `_xmpp-server._tcp.DOMAIN`, or a name below it. */
function serviceIn (name: string): { kind: 'starttls' | 'direct', domain: string, zone: string, below: boolean } | undefined {
  const labels = name.split('.')
  const at = labels.findIndex((label, index) => Object.hasOwn(SERVICES, label) && labels[index + 1] === '_tcp')
  const kind = SERVICES[labels[at] ?? '']
  const domain = at === -1 ? undefined : canonicalDomain(labels.slice(at + 2).join('.'))
  return kind === undefined || domain === undefined || domain === '' ? undefined : { kind, domain, zone: labels.slice(at).join('.'), below: at > 0 }
}

function srv (gateway: ResponderSpec['gateway'], kind: 'starttls' | 'direct'): Told {
  const port = kind === 'starttls' ? gateway.port ?? 5269 : gateway.directPort
  const data = Buffer.alloc(6)
  // `.`: this service is decidedly not there (RFC 2782), so that nobody falls back to an address of the domain.
  if (port === undefined) return { rcode: RCODE.none, answers: [{ owner: '', type: TYPE.SRV, ttl: TTL, data: Buffer.concat([data, nameBytes('')]) }], what: 'srv' }
  data.writeUInt16BE(port, 4)
  return {
    rcode: RCODE.none,
    answers: [{ owner: '', type: TYPE.SRV, ttl: TTL, data: Buffer.concat([data, nameBytes(gateway.name)]) }],
    additionals: gateway.addresses.map(address => addressRecord(gateway.name, address)),
    what: 'srv',
  }
}

function addresses (gateway: ResponderSpec['gateway'], type: number): Told {
  const all = gateway.addresses.map(address => addressRecord('', address))
  // One set of records answers ANY (RFC 8482 §4.1).
  const wanted = type === TYPE.ANY ? all[0]?.type : type
  const answers = all.filter(record => record.type === wanted)
  if (answers.length > 0) return { rcode: RCODE.none, answers, what: 'address' }
  return type === TYPE.SOA ? { rcode: RCODE.none, answers: [soa('', gateway.name)], what: 'any' } : { rcode: RCODE.none, authorities: [soa('', gateway.name)], what: 'nodata' }
}

function addressRecord (owner: string, address: string): Record {
  return isIPv6(address) ? { owner, type: TYPE.AAAA, ttl: TTL, data: sixteen(address) } : { owner, type: TYPE.A, ttl: TTL, data: Buffer.from(address.split('.').map(Number)) }
}

function sixteen (address: string): Buffer {
  // The URL parser writes IPv4 inside IPv6 in groups and shortens what is left (WHATWG URL §3.5).
  const [left = '', right] = new URL(`http://[${address.split('%')[0]}]/`).hostname.slice(1, -1).split('::')
  const groups = (text: string | undefined) => text === undefined || text === '' ? [] : text.split(':')
  const [head, tail] = [groups(left), groups(right)]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of head.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index)
  for (const [index, group] of tail.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * (8 - tail.length + index))
  return bytes
}

function soa (owner: string, gateway: string): Record {
  const times = Buffer.alloc(20)
  for (const [index, value] of [1, 3600, 600, 86_400, TTL].entries()) times.writeUInt32BE(value, 4 * index)
  return { owner, type: TYPE.SOA, ttl: TTL, data: Buffer.concat([nameBytes(gateway), nameBytes('hostmaster'), times]) }
}
