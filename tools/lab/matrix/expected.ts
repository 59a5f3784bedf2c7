/**
 * What each fleet must say of each break, derived from the table of causes (docs/checks/causes.md) and from what the real servers do, before anybody looked at what Dialtone
 * says. `shared` holds the dialback secret of our server; `bare` sends keys for domains of its agents, proves only what a stranger can, and must not accuse where it cannot.
 * Which alert is told follows from the cause.
 */
import type { Cause, OverviewRow } from '@dialtone/contracts'
import { CAUSE_ALERTS, type AlertName } from '@dialtone/deploy'
import type { BreakName } from '../breaks/index.ts'
import { EDGE, OURS, type Expected, type FleetName } from '../seams.ts'
import { STANDING, type StandingDomain } from '../world/standing.ts'
import type { Follows, SideExpectation } from './compare.ts'

export type Expectation = Record<FleetName, SideExpectation> & {
  /** Where the table of causes does not make it obvious. */
  why?: string
}

type Of = Partial<Pick<OverviewRow, 'state' | 'side'>>
const DOWN_OURS: Of = { state: 'down', side: 'ours' }
const DOWN_PATH: Of = { state: 'down', side: 'path' }
const DOWN_PEER: Of = { state: 'down', side: 'peer' }
const DEGRADED_PEER: Of = { state: 'degraded', side: 'peer' }

const ours = (cause: Cause, of: Of): Expected => ({ domain: OURS, cause, ...of })
const edge = (cause: Cause, of: Of): Expected => ({ domain: EDGE, cause, ...of })
const pair = (peer: string, cause: Cause, of: Of, domain = OURS): Expected => ({ domain, peer, cause, ...of })

/** Nothing is to be said at all, and nobody told. */
const NOTHING: SideExpectation = { rows: [], alerts: [] }
/** These rows, the alerts of their causes, and what else may suffer from the same. */
const says = (rows: readonly Expected[], ...follows: readonly Follows[]): SideExpectation => ({ rows, follows, alerts: [...new Set(rows.flatMap(({ cause }) => alertOf(cause) ?? []))] })
const both = (side: SideExpectation, why?: string): Expectation => ({ shared: side, bare: side, ...(why === undefined ? {} : { why }) })

/** While nothing is broken every row is healthy but these. */
export const HEALTHY: Record<FleetName, readonly Expected[]> = {
  // It insists on a certificate, and no agent has that of our server: what comes of showing it is not known. An exception keeps quiet about it.
  shared: [pair('webex.test', 'auth.external-refused', { state: 'unknown' })],
  bare: [pair('webex.test', 'auth.external-refused', { state: 'unknown' })],
}

export const EXPECTED: Record<BreakName, Expectation> = {
  // The way in.
  'pat': both(says([ours('path.inbound-blocked', DOWN_PATH)])),
  'pat-wrongip': both(says([ours('path.inbound-refused', DOWN_PATH)]), 'A router says of an address that nobody has that it is unreachable.'),
  'pat-closed': both(says([ours('path.inbound-refused', DOWN_PATH)])),
  'pat-wronghost': both(says([ours('service.wrong-box', { state: 'down' })]), 'A server answers, and says that it does not serve our domain, at an address that is configured as ours. With a refusal or nobody there it would be path.inbound-refused.'),
  'secrets': {
    shared: says([ours('dialback.denied', DOWN_OURS)]), bare: NOTHING,
    why: 'Who has the secret sends true keys, and peers call them invalid although they do not serve our domain: a server of ours denied them. Without the secret nobody can send a key for our domain.',
  },
  'outbound': both(says([ours('path.outbound-blocked', DOWN_PATH)], { domain: EDGE, causes: ['path.outbound-blocked'] }), 'The agent inside speaks for the domain behind the gateway as well, and stands in the network that is closed.'),
  'outbound-reject': both(says([ours('path.outbound-blocked', DOWN_PATH)], { domain: EDGE, causes: ['path.outbound-blocked'] })),
  'hairpin': both(NOTHING, 'That the inside does not reach our public address is usual, and no fault.'),

  // Names.
  'srv': both(says([ours('dns.no-records', DOWN_OURS)]), 'Without an SRV record servers try the address of the domain itself, where the web site refuses them.'),
  'srvport': both(says([ours('dns.port-unexpected', DOWN_OURS)])),
  'arecord': both(says([ours('dns.address-unexpected', DOWN_OURS)])),
  'arecord-live': both(says([ours('dns.address-unexpected', DOWN_OURS)]), 'The stranger says host-unknown, but which addresses are ours is configured, and records are judged before servers.'),
  'noarecord': both(says([ours('dns.target-unresolvable', DOWN_OURS)])),
  'dns': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], { domain: EDGE, causes: ['dns.resolver-unavailable'] })),
  'dns-drop': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], { domain: EDGE, causes: ['dns.resolver-unavailable'] })),
  'dns-inside': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], { domain: EDGE, causes: ['dns.resolver-unavailable'] }), 'Our server asks the same resolver. Of the domain behind the gateway it is not known what its server asks: state unknown, and no page.'),
  'split-view': both(says([ours('dns.split-view', { state: 'degraded', side: 'ours' })])),
  'dnssec': both(says([pair('six.test', 'dns.servfail', DOWN_PEER)], { domain: EDGE, peer: 'six.test', causes: ['dns.servfail'] })),

  // Our servers.
  'service': both(says([ours('service.down', DOWN_OURS)])),
  'cert': both(says([ours('certificate.expired', { state: 'degraded', side: 'ours' })]), 'Degraded, for dialback over TLS carries whoever does not insist on certificates.'),
  'cert-xmppaddr': {
    shared: { ...NOTHING, untested: [{ domain: OURS, peer: 'gtls.test', what: 'EXTERNAL' }] }, bare: { ...NOTHING, untested: [{ domain: OURS, peer: 'gtls.test', what: `dialback in the name of ${OURS}` }] },
    why: 'Users of ours reach nobody at gtls.test. But the certificate is good, and ejabberd trips over it only where our server shows it: it takes a key of ours that comes without one, and calls back as ever. No agent has the certificate of our server, so that nothing proves a fault: EXTERNAL is told as not asked; without the secret, where agents show certificates of their own, that nobody spoke in our name.',
  },
  'cert-srvname': both(NOTHING, 'A good certificate is a good certificate.'),
  'edge-down': both(says([edge('service.down', DOWN_OURS)]), 'The gateway answers in its place, and has nobody to hand anything to.'),
  'gateway-drained': {
    shared: { rows: [edge('policy.refused-by-us', DOWN_OURS)], alerts: [] }, bare: says([edge('path.inbound-refused', DOWN_PATH)]),
    why: 'Who knows the gateway knows that it is on purpose, and pages nobody. The other fleet is told of no gateway: it sees a service that answers inside and a public port that is closed.',
  },

  // Peers.
  'conflict': both(says([pair('gmail.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'conflict-internal': both(says([pair('gmail.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'conflict-webex': both(says([pair('webex.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'policy': {
    shared: says([pair('gmail.test', 'policy.refused-by-peer', DOWN_PEER)]), bare: NOTHING,
    why: 'ejabberd applies its rule when it is sent a key for us, and never before. gtls.test is a host of the same server.',
  },
  'gmail-primary': both(says([pair('gmail.test', 'degraded.endpoint-dead', DEGRADED_PEER)])),
  'gmail-all': both(says([pair('gmail.test', 'peer.unreachable', DOWN_PEER)])),
  'address-dead': both(says([pair('plain.test', 'degraded.endpoint-dead', DEGRADED_PEER)])),
  'ipv6': both(says([pair('six.test', 'degraded.endpoint-dead', DEGRADED_PEER)], { domain: EDGE, peer: 'six.test', causes: ['degraded.endpoint-dead'] }), 'The inside has no IPv6 and cannot try it; vantages outside have.'),
  'peer-silent': {
    shared: says([pair('plain.test', 'unknown', { state: 'unknown' })]), bare: NOTHING,
    why: 'Prosody never says why it does not conclude. Whether its callback reached our server is in the log of our server alone; keys of the agents themselves are proved as ever.',
  },

  // On the way.
  'starttls-stripped': both(says([pair('gtls.test', 'path.interfered', { side: 'path' })], { domain: EDGE, peer: 'gtls.test', causes: ['path.interfered'] })),
  'tls-intercepted': both(says([pair('webex.test', 'path.interfered', { side: 'path' })])),
  'slow': both(says([pair('six.test', 'degraded.slow', { state: 'degraded' })], { domain: EDGE, peer: 'six.test', causes: ['degraded.slow'] })),
  'uplink': both({ rows: [], alerts: ['DialtoneAgentTrouble'] }, 'What an agent sees whose own way out is dead is set aside: nothing is said of any domain, and of the agent it is.'),
}

/** Beside the cause: dialback over TLS carries those whose certificate is no good, so that they are degraded. */
const STANDING_STATES: Record<StandingDomain, OverviewRow['state']> = {
  'expired.test': 'degraded', 'wrongname.test': 'degraded', 'selfsigned.test': 'degraded', 'hostunknown.test': 'down', 'dotsrv.test': 'down', 'notarget.test': 'down', 'norecords.test': 'down', 'nx.test': 'down',
  'servfail.test': 'down', 'refused.test': 'down', 'drop.test': 'down', 'slow.test': 'down', 'halfopen.test': 'down', 'http.test': 'down', 'closes.test': 'down', 'unfinished.test': 'unknown',
}

/** It never concludes a dialback that it has asked about. Our real server alone sees that, and a key for a domain of the agents says nothing about ours: what is left is that it offers no TLS. */
const UNFINISHED: Expectation = {
  shared: says([pair('unfinished.test', 'unknown', { state: 'unknown' })]), bare: says([pair('unfinished.test', 'degraded.weak-authentication', DEGRADED_PEER)]),
  why: 'With the secret of our server it is that server which is called back: whether it was, is in its log alone. A key for a domain of the agents proves nothing about ours, and stays a finding.',
}

export const STANDING_EXPECTED: readonly { domain: StandingDomain, expectation: Expectation }[] = STANDING.map(({ domain, says: cause }) => ({
  domain, expectation: domain === 'unfinished.test' ? UNFINISHED : both(says([pair(domain, cause, { state: STANDING_STATES[domain], side: 'peer' })])),
}))

/** The alert that stands for a cause; none of those that are as we wanted it. */
function alertOf (cause: Cause): AlertName | undefined {
  return (Object.keys(CAUSE_ALERTS) as (keyof typeof CAUSE_ALERTS)[]).find(name => CAUSE_ALERTS[name].some(each => each === cause))
}
