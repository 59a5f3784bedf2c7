import type { Depth, EndpointKind } from '@dialtone/contracts'
import type { ConnectOptions } from '@dialtone/net'
import type { Keys } from '@dialtone/stream'
import type { Listener } from './listener/listener.ts'

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

/** How to speak in somebody's name, beyond looking. */
export type DeepRequest = {
  depth: Exclude<Depth, 'none'>
  /** In whose name: the probe's own domain at depth `probe`, OURS otherwise. Canonical. */
  as: string
  /** Of the secret of that domain; without them a key is made up, which only `knock` does. */
  keys?: Keys
  /** The listener of the probe's domain, at depth `probe`. */
  listener?: Listener
  /** Addresses at which the world reaches the listener, where they are not those that it listens on (NAT). */
  publicAddresses: readonly string[]
  /** Ask the peer's servers about a wrong key. Of a domain of ours that is always done. */
  verifyPeers: boolean
  /** Stop at the early warning. */
  quick: boolean
  timeoutsMs: { /** Early warning. */ warn: number, /** The full verdict: above what servers take before they give up. */ answer: number, ping: number }
}

/** Prosody gives up after 90 s; a person is told after 15. */
export const DEEP_TIMEOUTS: DeepRequest['timeoutsMs'] = { warn: 15_000, answer: 95_000, ping: 15_000 }

/** What to check and from where. Everything that a check depends on, besides the network. */
export type CheckRequest = {
  /** A-label form, lower case. */
  domain: string
  /** OURS: the domain in whose interest the peer is checked; turns the claim question on. */
  as?: string
  /** Sub-domains of OURS that the claim question asks about too. */
  alsoClaimed?: readonly string[]
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
  /** Connects from this address of the host, to peers of its family. */
  sourceAddress?: string
  /** CIDR blocks that may be connected to although they are private, loopback or otherwise refused. */
  allowNets: readonly string[]
  /** PEM. Shown when a peer asks for a certificate. */
  clientCertificate?: { certificate: string, key: string }
  /** Trust anchors: the system's, and PEM certificates beside or instead of them. */
  anchors: { system: boolean, given: readonly string[] }
  /** A second connection to each endpoint: the certificate that peers see which send no SNI, and whether STARTTLS is granted where none is offered. */
  secondLooks: boolean
  /** Authenticate too, or try to; absent: look only. */
  deep?: DeepRequest
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

/** How an endpoint is connected to under this request. */
export function connectionOf ({ allowNets, timeoutsMs, sourceAddress }: CheckRequest, { address, port }: { address: string, port: number }, signal: AbortSignal): ConnectOptions {
  return { address, port, allowNets, timeoutMs: timeoutsMs.tcp, signal, ...(sourceAddress === undefined ? {} : { sourceAddress }) }
}
