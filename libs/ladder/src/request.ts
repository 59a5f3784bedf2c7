import type { EndpointKind } from '@dialtone/contracts'

/** How long each stage may take, in milliseconds. A stage that runs out of time fails with its own time-out, not with the check's. */
export type StageTimeouts = {
  /** One try of one DNS question. */
  dns: number
  tcp: number
  /** Header, features and `<proceed/>`, each. */
  stream: number
  tls: number
  /** Waiting for the peer to close after our `</stream:stream>`. */
  close: number
}

/** Names one server to speak to instead of what the records say. */
export type Override = { host: string, port: number, kind: EndpointKind }

/** What to check and from where. Everything that a check depends on, besides the network. */
export type CheckRequest = {
  /** A-label form, lower case. */
  domain: string
  /** OURS: the domain in whose interest the peer is checked; turns the claim question on. */
  as?: string
  /** The name of this vantage, as it appears in observations. */
  vantage: string
  /** `trusted`: the path to this resolver is ours, so that its AD bit means something. */
  resolver: { address: string, port: number, trusted: boolean }
  /** A name that resolves whatever happens: what tells a broken resolver from a broken domain. */
  controlName: string
  overrides: readonly Override[]
  /** 5269, except in tests. */
  fallbackPort: number
  /** The address families that this vantage can use. */
  families: readonly (4 | 6)[]
  /** CIDR blocks that may be connected to although they are private, loopback or otherwise refused. */
  allowNets: readonly string[]
  /** PEM. Shown when a peer asks for a certificate. */
  clientCertificate?: { certificate: string, key: string }
  /** Trust anchors: the system's, and PEM certificates beside or instead of them. */
  anchors: { system: boolean, given: readonly string[] }
  /** A second connection to each endpoint: the certificate that peers see which send no SNI, and whether STARTTLS is granted where none is offered. */
  secondLooks: boolean
  /** Ask DNS and connect to nothing else. */
  recordsOnly: boolean
  /** Endpoints of one domain in flight at once. */
  parallel: number
  timeoutsMs: StageTimeouts
}

/** Time-outs that outlast a slow but working server, and stay below what servers themselves grant (monitors: 10 to 30 s). */
export const DEFAULT_TIMEOUTS: StageTimeouts = { dns: 2500, tcp: 8000, stream: 10_000, tls: 10_000, close: 2000 }

/** A request with everything but the domain, the resolver and the vantage filled in. */
export function requestFor (given: Pick<CheckRequest, 'domain' | 'resolver' | 'vantage'> & Partial<CheckRequest>): CheckRequest {
  return {
    controlName: '.',
    overrides: [],
    fallbackPort: 5269,
    families: [4, 6],
    allowNets: [],
    anchors: { system: true, given: [] },
    secondLooks: true,
    recordsOnly: false,
    parallel: 16,
    timeoutsMs: DEFAULT_TIMEOUTS,
    ...given,
  }
}
