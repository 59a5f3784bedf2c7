/**
 * What a scenario is: one failure (or none), acted out by an embedded resolver and scripted peers on loopback, and the verdict that it must lead
 * to. All data; `start-scenario.ts` gives it addresses and ports.
 */
import type { Cause, EndpointKind, JudgeConfig, State } from '@dialtone/contracts'
import type { CertificateSpec } from './certificates/certificates.ts'
import type { Rule, ZoneRecord } from './dns/zone.ts'
import type { Script } from './peer/steps.ts'
import type { DeepTimeouts, ScenarioTimeouts } from './request.ts'

/** Ports have numbers only at run time. `usual` is 5269 elsewhere: it is the request's `fallbackPort`. */
export type PortName = 'usual' | 'direct' | 'other'

/** One address: what listens on its ports. A port without a script refuses. A `blackhole` neither accepts nor refuses. */
export type HostAddress = { family?: 4 | 6, usual?: Script, direct?: Script, other?: Script } | 'blackhole'

/** A name with its addresses, which the zone publishes. */
export type Host = { name: string, addresses: readonly HostAddress[] }

/** A record whose port or content is known only at run time, or one that is written out. */
export type ScenarioRecord =
  /** `addressOf`: the first address of that host, written where a name belongs. */
  | { type: 'SRV', service: 'xmpp-server' | 'xmpps-server' | 'jabber', target: string | { addressOf: string }, port?: PortName, priority?: number, weight?: number }
  /** `3 1 1` for the host's port, matching the certificate. */
  | { type: 'TLSA', host: string, port: PortName, certificate: CertificateSpec }
  | Extract<ZoneRecord, { type: 'A' | 'AAAA' | 'CNAME' }>

/** A real server that can be made to show the same, and how; `inNamespaces`: where its address must be another than ours. Or why none can. */
export type Counterpart = { inNamespaces: string } | { servers: readonly ('prosody' | 'ejabberd' | 'jabberd2')[], how: string } | { none: string }

export type Scenario = {
  /** Unique; lower case with hyphens. */
  name: string
  /** What is wrong, as a sentence without a full stop. */
  title: string
  expects: { cause: Cause, state: State }
  /** Default `partner.example`. */
  domain?: string
  records: readonly ScenarioRecord[]
  hosts: readonly Host[]
  resolver?: { rules?: readonly Rule[], authenticated?: true }
  request?: {
    as?: string
    clientCertificate?: CertificateSpec
    overrides?: readonly { host: string, port: PortName, kind: EndpointKind }[]
    timeoutsMs?: Partial<ScenarioTimeouts>
  }
  /** Speaks in somebody's name too: `as` of the request. */
  deep?: {
    depth: 'probe' | 'shared' | 'knock'
    /** Our listener; without TLS unless told. Only at depth `probe`. Default: a listener in clear. */
    listener?: 'clear' | 'tls' | 'none'
    /** Where the records of `as` lead. Default: to the listener. */
    published?: 'listener' | 'elsewhere' | 'nowhere'
    /** The listener has another secret than the one that keys are made with. */
    secretsDiffer?: true
    verifyPeers?: true
    quick?: true
    timeoutsMs?: Partial<DeepTimeouts>
  }
  /** `published`: every address of the hosts is expected. */
  judge?: Partial<Omit<JudgeConfig, 'expectedAddresses'>> & { expectedAddresses?: 'published' | readonly string[] }
  /** It is checked twice, the first time so many seconds earlier by the clock; both observations are judged. */
  again?: { afterSeconds: number }
  counterpart: Counterpart
}

export const DOMAIN = 'partner.example'
/** The host that most scenarios publish. */
export const HOST = 'xmpp.partner.example'
/** The domain in whose interest a scenario asks. */
export const OURS = 'ours.example'
