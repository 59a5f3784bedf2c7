/**
 * What each fleet must say of each break, derived from the table of causes (docs/checks/causes.md) and from what the real servers do. `shared` holds the dialback secret of our
 * server; `bare` sends keys for domains of its agents, proves only what a stranger can, and must not accuse where it cannot. Which alerts are told follows from what is said.
 */
import type { Cause } from '@dialtone/contracts'
import type { BreakName } from '../breaks/index.ts'
import { EDGE_PEERS } from '../fleet/resources.ts'
import { EDGE, OURS, PEERS, type FleetName } from '../seams.ts'
import { STANDING, type StandingDomain } from '../world/standing.ts'
import { alertsOf } from './alerts.ts'
import type { Saying, SideExpectation } from './compare.ts'

export type Expectation = Record<FleetName, SideExpectation> & {
  /** Where the table of causes does not make it obvious. */
  why?: string
  /** What users notice, where nobody says so, or says otherwise. */
  users?: string
  /** The expectation was written after it was seen what Dialtone says. */
  afterwards?: true
}

type Of = Pick<Saying, 'state' | 'side'>
const DOWN_OURS: Of = { state: 'down', side: 'ours' }
const DOWN_PATH: Of = { state: 'down', side: 'path' }
const DOWN_PEER: Of = { state: 'down', side: 'peer' }
const DEGRADED_OURS: Of = { state: 'degraded', side: 'ours' }
const DEGRADED_PATH: Of = { state: 'degraded', side: 'path' }
const DEGRADED_PEER: Of = { state: 'degraded', side: 'peer' }
const NOT_KNOWN: Of = { state: 'unknown', side: 'observer' }

const ours = (cause: Cause, of: Of): Saying => ({ domain: OURS, cause, ...of })
const edge = (cause: Cause, of: Of): Saying => ({ domain: EDGE, cause, ...of })
const pair = (peer: string, cause: Cause, of: Of, domain = OURS): Saying => ({ domain, peer, cause, ...of })
/** The domain behind the gateway and its pairs. */
const allOfEdge = (cause: Cause, of: Of): Saying[] => [edge(cause, of), ...EDGE_PEERS.map(peer => pair(peer, cause, of, EDGE))]

/** Nothing is to be said at all, and nobody told. */
const NOTHING: SideExpectation = { rows: [], alerts: [] }
/** The same, because nobody speaks in our name; of these peers that must be told. */
const nothingWithout = (...peers: readonly string[]): SideExpectation => ({ ...NOTHING, untested: peers.map(peer => ({ domain: OURS, peer, what: `dialback in the name of ${OURS}` })) })
/** These rows, their alerts, and what else may suffer from the same. */
const says = (rows: readonly Saying[], follows: readonly Saying[] = []): SideExpectation => ({ rows, follows, alerts: alertsOf(rows) })
const both = (side: SideExpectation, more: Pick<Expectation, 'why' | 'users' | 'afterwards'> = {}): Expectation => ({ shared: side, bare: side, ...more })

/** While nothing is broken every row is healthy but these. */
export const KNOWN: readonly Saying[] = [
  // It insists on a certificate, and no agent has that of our server: what comes of showing it is not known. An exception keeps quiet about it.
  pair('webex.test', 'auth.external-refused', { state: 'unknown', side: 'peer' }),
]
/** What both fleets say while nothing is broken. */
export const HEALTHY: readonly Saying[] = [{ domain: OURS }, { domain: EDGE }, ...PEERS.map(peer => ({ domain: OURS, peer })), ...EDGE_PEERS.map(peer => ({ domain: EDGE, peer }))]
  .map((of): Saying => KNOWN.find(({ domain, peer }) => domain === of.domain && 'peer' in of && peer === of.peer) ?? { ...of, cause: 'healthy', state: 'up', side: 'nobody' })

export const EXPECTED: Record<BreakName, Expectation> = {
  // The way in.
  'pat': both(says([ours('path.inbound-blocked', DOWN_PATH)])),
  'pat-wrongip': both(says([ours('path.inbound-refused', DOWN_PATH)]), { why: 'A router says of an address that nobody has that it is unreachable.' }),
  'pat-closed': both(says([ours('path.inbound-refused', DOWN_PATH)])),
  'pat-wronghost': both(says([ours('service.wrong-box', DOWN_OURS)]), { why: 'A server answers, and says that it does not serve our domain, at an address that is configured as ours. With a refusal or nobody there it would be path.inbound-refused.' }),
  'secrets': {
    shared: says([ours('dialback.denied', DOWN_OURS)]),
    // webex.test, which insists on a certificate, takes a key from nobody.
    bare: nothingWithout(...PEERS.filter(peer => peer !== 'webex.test')),
    why: 'Who has the secret sends true keys, and peers call them invalid although they do not serve our domain: a server of ours denied them. Without the secret nobody can send a key for our domain.',
    users: 'Our users reach no peer that asks for a key, and without the secret nobody says so.',
  },
  'outbound': both(says([ours('path.outbound-blocked', DOWN_PATH)], allOfEdge('path.outbound-blocked', DOWN_PATH)), {
    why: 'The agent inside speaks for the domain behind the gateway as well, and stands in the network that is closed: of that domain it may be said, too.', users: 'Users behind the gateway, which has a way out of its own, notice nothing.',
  }),
  'outbound-reject': both(says([ours('path.outbound-blocked', DOWN_PATH)], allOfEdge('path.outbound-blocked', DOWN_PATH)), { users: 'Users behind the gateway notice nothing.' }),
  'hairpin': both(NOTHING, { why: 'That the inside does not reach our public address is usual, and no fault.' }),

  // Names.
  'srv': both(says([ours('dns.no-records', DOWN_OURS)]), { why: 'Without an SRV record servers try the address of the domain itself, where the web site refuses them.' }),
  'srvport': both(says([ours('dns.port-unexpected', DOWN_OURS)])),
  'arecord': both(says([ours('dns.address-unexpected', DOWN_OURS)])),
  'arecord-live': both(says([ours('dns.address-unexpected', DOWN_OURS)]), { why: 'The stranger says host-unknown, but which addresses are ours is configured, and records are judged before servers.' }),
  'noarecord': both(says([ours('dns.target-unresolvable', DOWN_OURS)])),
  'dns': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], allOfEdge('dns.resolver-unavailable', DOWN_OURS))),
  'dns-drop': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], allOfEdge('dns.resolver-unavailable', DOWN_OURS))),
  'dns-inside': both(says([ours('dns.resolver-unavailable', DOWN_OURS)], allOfEdge('dns.resolver-unavailable', NOT_KNOWN)), { why: 'Our server asks the same resolver. Of the domain behind the gateway it is not known what its server asks: state unknown, and no page.' }),
  'split-view': both(says([ours('dns.split-view', DEGRADED_OURS)])),
  'dnssec': both(says([pair('six.test', 'dns.servfail', DOWN_PEER)], [pair('six.test', 'dns.servfail', DOWN_PEER, EDGE)])),

  // Our servers.
  'service': both(says([ours('service.down', DOWN_OURS)])),
  'cert': both(says([ours('certificate.expired', DEGRADED_OURS), pair('webex.test', 'certificate.expired', DEGRADED_OURS)]), {
    why: 'Degraded, for dialback over TLS carries whoever does not insist on certificates. No agent has the certificate of our server: what webex.test, which insists, makes of it cannot be asked.',
    users: 'Nobody reaches webex.test or is reached from there: its pair is named with the cause, and as degraded.',
  }),
  'cert-xmppaddr': {
    shared: { ...NOTHING, untested: [{ domain: OURS, peer: 'gtls.test', what: 'EXTERNAL' }] }, bare: nothingWithout('gtls.test'), afterwards: true,
    why: 'The certificate is good, and ejabberd trips over it only where our server shows it: it takes a key of ours that comes without one, and calls back as ever. No agent has the certificate of our server, so that nothing proves a fault: EXTERNAL is told as not asked; without the secret, where agents show certificates of their own, that nobody spoke in our name.',
    users: 'Users of ours reach nobody at gtls.test, and nobody says so.',
  },
  'cert-srvname': both(NOTHING, { why: 'A good certificate is a good certificate.' }),
  'edge-down': both(says([edge('service.down', DOWN_OURS)]), { why: 'The gateway answers in its place, and has nobody to hand anything to.' }),
  'gateway-cut': {
    shared: says([edge('service.down', DOWN_OURS)]), bare: NOTHING,
    why: 'Everybody gets through every stage, to the gateway; it alone knows that it has nobody to hand anything to. The other fleet is told of no gateway.', users: 'Nobody reaches users behind the gateway, and who is told of no gateway says nothing.',
  },
  'gateway-drained': {
    shared: { rows: [edge('policy.refused-by-us', DOWN_OURS)], alerts: [] }, bare: says([edge('path.inbound-refused', DOWN_PATH)]),
    why: 'Who knows the gateway knows that it is on purpose, and pages nobody. The other fleet is told of no gateway: it sees a service that answers inside and a public port that is closed.',
  },

  // Peers.
  'conflict': both(says([pair('gmail.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'conflict-internal': both(says([pair('gmail.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'conflict-webex': both(says([pair('webex.test', 'dialback.domain-claimed', DOWN_PEER)])),
  'policy': {
    shared: says([pair('gmail.test', 'policy.refused-by-peer', DOWN_PEER)]), bare: nothingWithout('gmail.test'),
    why: 'ejabberd applies its rule when it is sent a key for us, and never before.', users: 'Nobody reaches gmail.test or is reached from there, and without the secret nobody says so.',
  },
  'gmail-primary': both(says([pair('gmail.test', 'degraded.endpoint-dead', DEGRADED_PEER)])),
  'gmail-all': both(says([pair('gmail.test', 'peer.unreachable', DOWN_PEER)])),
  'address-dead': both(says([pair('plain.test', 'degraded.endpoint-dead', DEGRADED_PEER)])),
  'ipv6': both(says([pair('six.test', 'degraded.endpoint-dead', DEGRADED_PEER)], [pair('six.test', 'degraded.endpoint-dead', DEGRADED_PEER, EDGE)]), { why: 'The inside has no IPv6 and cannot try it; vantages outside have.' }),
  'peer-silent': {
    shared: says([pair('plain.test', 'unknown', NOT_KNOWN)]), bare: nothingWithout('plain.test'),
    why: 'Prosody never says why it does not conclude. Whether its callback reached our server is in the log of our server alone; keys of the agents themselves are proved as ever.',
    users: 'Our users do not reach plain.test. With the secret it is not known why; without it nobody says so.',
  },

  // On the way.
  'starttls-stripped': both(says([pair('gtls.test', 'path.interfered', DEGRADED_PATH)], [pair('gtls.test', 'path.interfered', DEGRADED_PATH, EDGE)]), { why: 'Neither side insists on TLS: it works all the same, without.' }),
  'tls-intercepted': both(says([pair('webex.test', 'path.interfered', DOWN_PATH)])),
  'slow': both(says([pair('six.test', 'degraded.slow', DEGRADED_PEER)], [pair('six.test', 'degraded.slow', DEGRADED_PEER, EDGE)])),
  'uplink': both({ rows: [], alerts: [{ alert: 'DialtoneAgentTrouble', labels: { vantage: 'amsterdam', agent: 'amsterdam-1', what: 'uplink', severity: 'ticket' } }] }, { why: 'What an agent sees whose own way out is dead is set aside: nothing is said of any domain, and of the agent it is.' }),
}

/** Beside the cause: dialback over TLS carries those whose certificate is no good, so that they are degraded. */
const STANDING_STATES: Record<Exclude<StandingDomain, 'unfinished.test'>, Saying['state']> = {
  'expired.test': 'degraded', 'wrongname.test': 'degraded', 'selfsigned.test': 'degraded', 'hostunknown.test': 'down', 'dotsrv.test': 'down', 'notarget.test': 'down', 'norecords.test': 'down', 'nx.test': 'down',
  'servfail.test': 'down', 'refused.test': 'down', 'drop.test': 'down', 'slow.test': 'down', 'halfopen.test': 'down', 'http.test': 'down', 'closes.test': 'down',
}

/** It never concludes a dialback that it has asked about. Our real server alone sees that, and a key for a domain of the agents says nothing about ours: what is left is that it offers no TLS. */
const UNFINISHED: Expectation = {
  shared: says([pair('unfinished.test', 'unknown', NOT_KNOWN)]), bare: says([pair('unfinished.test', 'degraded.weak-authentication', DEGRADED_PEER)]), afterwards: true,
  why: 'With the secret of our server it is that server which is called back: whether it was, is in its log alone. A key for a domain of the agents proves nothing about ours, and stays a finding.',
  users: 'Our users do not reach it. With the secret it is not known why; without it, what is named is another weakness.',
}

export const STANDING_EXPECTED: readonly { domain: StandingDomain, expectation: Expectation }[] = STANDING.map(({ domain, says: cause }) => ({
  domain, expectation: domain === 'unfinished.test' ? UNFINISHED : both(says([pair(domain, cause, { state: STANDING_STATES[domain], side: 'peer' })])),
}))

/** Beside them: whoever is no peer that is broken for good is as ever. */
export const EVERYBODY_ELSE: Expectation = both(NOTHING)
