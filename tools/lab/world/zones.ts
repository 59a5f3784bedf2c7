// What is published, zone by zone: ours as the seed has it, the peers, the agents' own domains, and the domains that are broken for good.
import { EDGE, OURS } from '../seams.ts'
import { AT, GATEWAY, PUBLIC, WEB } from './places.ts'

const server = (address: string): string[] => ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${address}`]

export const OUR_RECORDS: readonly string[] = ['_xmpp-server._tcp SRV 0 0 5269 cup1', `cup1 A ${PUBLIC.ours}`, `@ A ${WEB}`]

export const PROBES = {
  inside: { domain: 'inside.probe.test', address: PUBLIC.agent }, amsterdam: { domain: 'amsterdam.probe.test', address: AT.amsterdam }, frankfurt: { domain: 'frankfurt.probe.test', address: AT.frankfurt },
} as const

/** By zone, in lines of a zone file. */
export const ZONES: Readonly<Record<string, readonly string[]>> = {
  [OURS]: OUR_RECORDS,
  [EDGE]: server(GATEWAY.outside),
  'gmail.test': ['_xmpp-server._tcp SRV 5 0 5269 xmpp-server', ...[1, 2, 3, 4].map(n => `_xmpp-server._tcp SRV 20 0 5269 alt${n}`), ...AT.gmail.map((address, n) => `${n === 0 ? 'xmpp-server' : `alt${n}`} A ${address}`)],
  'gtls.test': server(AT.gtls),
  'webex.test': server(AT.webex),
  'plain.test': ['_xmpp-server._tcp SRV 0 5 5269 xmpp', ...AT.plain.map(address => `xmpp A ${address}`)],
  // Where an agent answers for itself; the inside one at an address that the firewall leads to it.
  'probe.test': Object.entries(PROBES).flatMap(([name, { address }]) => [`_xmpp-server._tcp.${name} SRV 0 5 5269 ${name}`, `${name} A ${address}`]),
  'expired.test': server(AT.bad),
  'wrongname.test': server(AT.bad),
  'selfsigned.test': server(AT.bad),
  'hostunknown.test': server(AT.bad),
  'refused.test': server(AT.refused),
  'drop.test': server(AT.drop),
  'slow.test': server(AT.slow),
  'halfopen.test': server(AT.halfopen),
  'http.test': server(AT.http),
  'closes.test': server(AT.closes),
  'unfinished.test': server(AT.unfinished),
  'dotsrv.test': ['_xmpp-server._tcp SRV 0 0 0 .'],
  'notarget.test': ['_xmpp-server._tcp SRV 0 5 5269 nowhere'],
  'norecords.test': ['www A 203.0.113.80'],
}
/** The server that it is delegated to does not serve it. Nothing at all is known of nx.test. */
export const LAME = 'servfail.test'

/** Signed, and known by its key to both resolvers. */
export const SIGNED = { 'six.test': ['_xmpp-server._tcp SRV 0 5 5269 xmpp', '_xmpps-server._tcp SRV 0 5 5270 xmpp', `xmpp A ${AT.six}`, `xmpp AAAA ${AT.six6}`] } as const
