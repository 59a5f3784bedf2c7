/**
 * What the parts of the lab agree on. `world/` is the network with its servers, `breaks/` what is done to it, `fleet/` Dialtone inside it with Prometheus
 * and Alertmanager, `matrix/` breaks one thing after another and compares what is named with what is expected.
 */
import type { OverviewRow } from '@dialtone/contracts'
import type { AlertName } from '@dialtone/deploy'
import type { FleetProcess, NetworkHost, Prometheus, XmppServer } from '@dialtone/testkit'
import type { Controls } from './world/controls.ts'

/**
 * The hosts that the other parts go by; the world has more. Inside, behind the firewall: `ours` (the server of OURS), `edge` (the server of EDGE, which federates through
 * the gateway), `inside` (the agent). Between: `gateway`, with an address on both sides. Outside, on networks of their own: `amsterdam`, `frankfurt` (agents),
 * `office` (bus, control; Prometheus and Alertmanager are outside of the network, on the loopback of the machine).
 */
export type LabHost = 'ours' | 'edge' | 'inside' | 'gateway' | 'amsterdam' | 'frankfurt' | 'office'

/** The seed's names. */
export const OURS = 'cupdomain.test'
/** Of the gateway and the server behind it. */
export const EDGE = 'edgedomain.test'
/**
 * Peers that are well. gmail: ejabberd, no TLS, dialback, five addresses. webex: Prosody, demands a certificate. plain: Prosody without TLS.
 * gtls: ejabberd, TLS and EXTERNAL. six: Prosody, IPv4 and IPv6, direct TLS beside STARTTLS.
 */
export const PEERS = ['gmail.test', 'webex.test', 'plain.test', 'gtls.test', 'six.test'] as const

export type World = {
  host: (name: LabHost) => NetworkHost
  /** The resolver that hosts of a side use, at port 53. */
  resolver: { inside: string, outside: string }
  /** What is configured as expected of ours: where the firewall publishes it. */
  publicAddresses: readonly string[]
  /** The inside addresses and their prefixes, which agents inside may connect to. */
  inside: { ours: string, edge: string, nets: readonly string[] }
  gateway: { inside: string, outside: string }
  /** The root that good certificates lead to, PEM; and the certificate of a domain, signed by it. */
  root: string
  certificate: (domain: string) => Promise<{ certificate: string, key: string }>
  /** The domains that agents answer dialback for, and the public address that each is published at. */
  probes: Readonly<Record<'inside' | 'amsterdam' | 'frankfurt', { domain: string, address: string }>>
  /** The dialback secret of the server of OURS. */
  secret: string
  server: (domain: string) => XmppServer
  /** Domains that are broken for good, with what a fleet is to say of each. */
  standing: readonly { domain: string, says: string }[]
  /** For breaks: what can be done to it. */
  controls: Controls
  /** Ends every server and removes the network. Safe to call twice. */
  stop: () => Promise<void>
}

/**
 * Dialtone in the world, twice: `shared` holds the secret of our server, `bare` does not: its agents send keys for domains of their own. The gateway belongs to `shared` alone.
 */
export type FleetName = 'shared' | 'bare'
export type Fleets = {
  /** A request to the control of a fleet, as an admin. Throws with the problem where it is refused. */
  ask: <T>(fleet: FleetName, path: string, options?: { method?: string, body?: unknown }) => Promise<T>
  rows: (fleet: FleetName) => Promise<readonly OverviewRow[]>
  /** Alerts that Alertmanager of a fleet would notify of at this moment: firing, neither inhibited nor silenced. */
  notified: (fleet: FleetName) => Promise<readonly { alert: AlertName, labels: Readonly<Record<string, string>> }[]>
  /** What Alertmanager of a fleet has sent out so far: what an operator was told. */
  told: (fleet: FleetName) => readonly Told[]
  /** The Prometheus of a fleet. */
  prometheus: (fleet: FleetName) => Prometheus
  /** The gateway of EDGE, an agent, control: what a break may end and start again. */
  process: (fleet: FleetName, name: 'control' | 'inside' | 'amsterdam' | 'frankfurt' | 'gateway') => FleetProcess
  /** Processes that have ended by themselves. */
  died: () => readonly string[]
  /** Whether the domains that are broken for good are peers of OURS. */
  standing: (are: boolean) => Promise<void>
  /** What people can open on this machine, by what it is: 'control of shared', and 'token of shared', the file that holds it. */
  urls?: Readonly<Record<string, string>>
  stop: () => Promise<void>
}

/** One alert of one message of Alertmanager. `to`: the receiver; `at`: milliseconds. */
export type Told = { at: number, to: string, status: 'firing' | 'resolved', alert: AlertName, labels: Readonly<Record<string, string>> }

export type Lab = { world: World, fleets?: Fleets }

export type Break = {
  /** 'pat', 'srvport': as `lab break` takes it. */
  name: string
  /** What is done, as one would tell a colleague: 'the translation of port 5269 is gone'. */
  says: string
  /** Does it, and gives what undoes it. If it throws, nothing is left broken, but for a LeftBroken, whose `undo` tries again. */
  breaks: (lab: Lab) => Promise<() => Promise<void>>
}
