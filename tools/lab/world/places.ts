// Who stands where: the hosts of the lab, their addresses and which resolver they ask. Addresses are of the ranges for documentation and private use.
import type { HostOptions } from '@dialtone/testkit'

/** The inside resolver forwards nothing but asks the public servers itself, through the firewall. */
export const RESOLVERS = { inside: '10.10.0.53', outside: '192.0.2.54' } as const
/** Where the public zones are served; the signed ones by a server of their own, because it comes and goes with its keys. */
export const PUBLISHED = { zones: '192.0.2.53', signed: '192.0.2.55' } as const
/** Of the firewall: of ours, of a second node of ours (published by no record), and of the agent inside, for its own domain. */
export const PUBLIC = { ours: '203.0.113.10', second: '203.0.113.11', agent: '203.0.113.12' } as const
export const GATEWAY = { inside: '10.20.0.1', outside: '203.0.113.20', outside6: '2001:db8:20::20' } as const
export const INSIDE_NETS = ['10.10.0.0/16', '10.20.0.0/16'] as const
/** Of no host, and in networks whose routers say so. */
export const NOBODY = { inside: '10.10.0.99', outside: '203.0.113.99' } as const
/** The tunnel between firewall and office: how the fleet's own traffic gets in and out, as in most companies. */
export const TUNNEL = { firewall: '10.99.0.1', office: '10.99.0.2' } as const
/** The web site of ours, where its name without a service leads. */
export const WEB = '203.0.113.80'

const inner = (name: string, address: string, resolver: string = RESOLVERS.inside): HostOptions => ({ name, addresses: [address], resolver, behind: 'firewall' })
const outer = (name: string, ...addresses: [string, ...string[]]): HostOptions => ({ name, addresses, resolver: RESOLVERS.outside })

export const HOSTS = [
  { name: 'firewall', addresses: [PUBLIC.ours, PUBLIC.second, PUBLIC.agent, '2001:db8:20::1'], forwardsAt: '10.10.0.1' },
  inner('ours', '10.10.0.10'), inner('second', '10.10.0.11'), inner('inside', '10.10.0.20'), inner('resolver', RESOLVERS.inside),
  inner('edge', '10.20.0.10', GATEWAY.inside),
  { name: 'gateway', addresses: [GATEWAY.outside, GATEWAY.inside, GATEWAY.outside6], resolver: RESOLVERS.outside, behind: 'firewall' },
  outer('gmail', '198.51.100.11', '198.51.100.12', '198.51.100.13', '198.51.100.14', '198.51.100.15'), outer('gtls', '198.51.100.40'),
  outer('webex', '192.0.2.130'), outer('plain', '198.51.100.30', '198.51.100.31'), outer('six', '192.0.2.160', '2001:db8:60::60'),
  outer('bad', '198.51.100.90'), outer('odd', '198.51.100.81', '198.51.100.82', '198.51.100.83', '198.51.100.84', '198.51.100.85', '198.51.100.86', '198.51.100.87'),
  outer('web', WEB), outer('dns', PUBLISHED.zones, PUBLISHED.signed, RESOLVERS.outside),
  outer('amsterdam', '198.51.100.200', '2001:db8:a::200'), outer('frankfurt', '192.0.2.200', '2001:db8:f::200'), outer('office', '192.0.2.10'),
] as const satisfies readonly HostOptions[]

/** Those of `LabHost`, and more. */
export type WorldHost =
  | 'firewall' | 'ours' | 'second' | 'inside' | 'resolver' | 'edge' | 'gateway'
  | 'gmail' | 'gtls' | 'webex' | 'plain' | 'six' | 'bad' | 'odd' | 'web' | 'dns' | 'amsterdam' | 'frankfurt' | 'office'

/** For people. */
export const WHAT: Readonly<Record<WorldHost, string>> = {
  firewall: 'nftables: translates port 5269 to ours, hides the inside behind its address, drops the rest', ours: 'Prosody of cupdomain.test', second: 'where a second node of ours runs while something is broken',
  inside: 'agent, sees what ours sees', resolver: 'Unbound, the resolver of the inside', edge: 'Prosody of edgedomain.test, reached through the gateway alone', gateway: 'Dialtone gateway, an address on both sides',
  gmail: 'ejabberd of gmail.test: five addresses, no TLS, dialback', gtls: 'ejabberd of gtls.test, TLS and certificates', webex: 'Prosody of webex.test, demands certificates', plain: 'Prosody of plain.test, no TLS', six: 'Prosody of six.test, IPv6 and direct TLS; its zone is signed',
  bad: 'Prosody with certificates that are no good', odd: 'listeners that say the wrong thing, or nothing', web: 'the web site of cupdomain.test', dns: 'Knot with the public zones, Unbound as the public resolver',
  amsterdam: 'agent', frankfurt: 'agent', office: 'bus, control; joined with the inside by a tunnel',
}

export const AT = {
  ours: '10.10.0.10', second: '10.10.0.11', inside: '10.10.0.20', edge: '10.20.0.10', office: '192.0.2.10',
  gmail: ['198.51.100.11', '198.51.100.12', '198.51.100.13', '198.51.100.14', '198.51.100.15'], gtls: '198.51.100.40',
  webex: '192.0.2.130', plain: ['198.51.100.30', '198.51.100.31'], six: '192.0.2.160', six6: '2001:db8:60::60',
  bad: '198.51.100.90', http: '198.51.100.81', closes: '198.51.100.82', slow: '198.51.100.83', halfopen: '198.51.100.84', drop: '198.51.100.85', refused: '198.51.100.86', unfinished: '198.51.100.87',
  amsterdam: '198.51.100.200', amsterdam6: '2001:db8:a::200', frankfurt: '192.0.2.200', frankfurt6: '2001:db8:f::200',
} as const
