import type { EndpointKind } from '@dialtone/contracts'

/** Milliseconds for each stage. */
export type ScenarioTimeouts = { dns: number, tcp: number, stream: number, tls: number, close: number }

/**
 * What a scenario wants to be asked: field by field the request of `@dialtone/ladder`, which an engine may not import. Whoever runs a
 * scenario hands it on, and the compiler compares the two there.
 */
export type ScenarioRequest = {
  domain: string
  as?: string
  vantage: string
  resolver: { address: string, port: number, trusted: boolean }
  controlName: string
  overrides: readonly { host: string, port: number, kind: EndpointKind }[]
  fallbackPort: number
  families: readonly (4 | 6)[]
  allowNets: readonly string[]
  clientCertificate?: { certificate: string, key: string }
  anchors: { system: boolean, given: readonly string[] }
  secondLooks: boolean
  parallel: number
  timeoutsMs: ScenarioTimeouts
}

/** Milliseconds: to the early warning, to the end of waiting for an answer, and for a ping. */
export type DeepTimeouts = { warn: number, answer: number, ping: number }

/** What a scenario wants to be spoken in somebody's name. Whoever runs it starts the listener, at the place that the records lead to. */
export type ScenarioDeep = {
  depth: 'probe' | 'shared' | 'knock'
  as: string
  /** That keys are made with; absent: they are made up. */
  secret?: string
  listener?: { place: { address: string, port: number }, secret: string, certificate?: { certificate: string, key: string } }
  verifyPeers: boolean
  quick: boolean
  timeoutsMs: DeepTimeouts
}

/** Long enough for a machine that is busy with every other scenario; one that waits for a time-out says a shorter one. */
export const PATIENT: ScenarioTimeouts = { dns: 3000, tcp: 6000, stream: 8000, tls: 8000, close: 2000 }
