// Small deep observations for tests: what a case is about is named, all else is usual. Pure, like what it tests.
import { DEEP_LADDERS, type Callback, type Deep, type DeepConnection, type DeepRole, type DeepStage, type Failure, type FeaturesSeen, type ListenerSeen, type Observation } from '@dialtone/contracts'
import { observation } from './observation.ts'

export const TLS_SEEN = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true }
const HEADER = { id: 'i', from: 'partner.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }

/** `partner.example`, asked by `probe.example` with a listener that its records lead to. */
export function deeply (given: Partial<Deep> = {}, seen: Parameters<typeof observation>[0] = {}): Observation {
  return observation({ ...seen, deep: { depth: 'probe', as: 'probe.example', quick: false, listener: listener(), connections: [], callbacks: [], callbacksLeftOut: 0, ...given } })
}

/** Without a listener: what depth `shared` sees. */
export function unheard (given: Partial<Deep> = {}): Observation {
  const { deep, ...rest } = deeply({ depth: 'shared', as: 'ours.example', ...given })
  const { listener: _, ...some } = deep ?? {} as Deep
  return { ...rest, deep: some }
}

export function listener (given: Partial<ListenerSeen> = {}): ListenerSeen {
  return { domain: 'probe.example', places: ['192.0.2.9:5269'], published: 'leads-here', leadsTo: ['192.0.2.9:5269'], dns: [], ...given }
}

/** A connection over TLS of which every stage went well, or stopped at the given one. */
export function connection (role: DeepRole, given: Partial<DeepConnection> = {}, stop?: { at: DeepStage, failure: Failure }): DeepConnection {
  const ladder: readonly DeepStage[] = DEEP_LADDERS[given.kind ?? 'starttls'][role]
  const end = stop === undefined ? ladder.length : ladder.indexOf(stop.at)
  return {
    role, endpoint: 'e', of: 'peer', kind: 'starttls', pair: { from: 'probe.example', to: 'partner.example' }, startedAtMs: 0, certificate: role === 'external', transcript: [],
    header: HEADER, headerAgain: HEADER, features: features(), featuresAgain: features(), tls: TLS_SEEN,
    steps: ladder.map((stage, index) => ({ stage, outcome: index < end ? 'ok' : index === end ? 'failed' : 'not-asked', atMs: 0, ms: 1, ...(index === end && stop !== undefined ? { failure: stop.failure } : {}) })),
    ...given,
  }
}

export function features (given: Partial<FeaturesSeen> = {}): FeaturesSeen {
  return { starttls: 'optional', mechanisms: [], dialback: true, dialbackErrors: true, bidi: false, streamManagement: false, other: [], ...given }
}

type Dialback = NonNullable<DeepConnection['dialback']>

/** A key that was sent at 100 ms, and what came of it. */
export function keyed (given: Partial<Dialback> = {}, stop?: Failure): DeepConnection {
  return connection('dialback', { dialback: { key: 'true', streamId: 's1', secured: true, sentAtMs: 100, waitedMs: 200, ...given } }, stop === undefined ? undefined : { at: 'dialback', failure: stop })
}

/** A connection to the listener, 50 ms after the key. */
export function callback (given: Partial<Callback> = {}): Callback {
  return { source: '192.0.2.1:40000', listener: '192.0.2.9:5269', atMs: 150, kind: 'starttls', ...given }
}
