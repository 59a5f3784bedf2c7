// Small deep observations for tests: what a case is about is named, all else is usual.
import { DEEP_LADDERS, type Callback, type Deep, type DeepConnection, type DeepRole, type DeepStage, type Failure, type FeaturesSeen, type ListenerSeen, type Observation } from '@dialtone/contracts'
import { endpoint, observation } from './observation.ts'

export const TLS_SEEN = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true }
const HEADER = { id: 'i', from: 'partner.example', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }

type Given = Partial<Omit<Observation, 'asked' | 'deep'>> & { asked?: Partial<Observation['asked']> }

/** `partner.example`, whose one endpoint goes through every light stage, asked by `probe.example` with a listener that its records lead to. */
export function probed (given: Partial<Deep> = {}, seen: Given = {}): Observation {
  return observation({
    endpoints: [works('192.0.2.1')], ...seen,
    asked: { depth: 'probe', families: [4, 6], clientCertificate: true, ...seen.asked },
    deep: { depth: 'probe', as: 'probe.example', quick: false, listener: listener(), connections: [], callbacks: [], callbacksLeftOut: 0, ...given },
  })
}

/** The same in the name of `ours.example`, with its secret; its real server is called back. */
export function shared (connections: readonly DeepConnection[], given: Partial<Omit<Deep, 'listener'>> = {}, seen: Given = {}): Observation {
  const { deep, ...rest } = probed({}, { ...seen, asked: { as: 'ours.example', depth: 'shared', ...seen.asked } })
  const { listener: _, ...some } = deep ?? {} as Deep
  return { ...rest, deep: { ...some, depth: 'shared', as: 'ours.example', connections: connections.map(inOurName), ...given } }
}

export function inOurName (connection: DeepConnection): DeepConnection {
  return { ...connection, pair: { from: 'ours.example', to: 'partner.example' } }
}

/** An endpoint over TLS, of which every light stage went well. */
export function works (address: string): Observation['endpoints'][number] {
  return endpoint(address, undefined, undefined, { tls: TLS_SEEN })
}

export function listener (given: Partial<ListenerSeen> = {}): ListenerSeen {
  return { domain: 'probe.example', places: ['192.0.2.9:5269'], published: 'leads-here', leadsTo: ['192.0.2.9:5269'], dns: [], ...given }
}

/** A connection over TLS of which every stage went well, or stopped at the given one. */
export function connection (role: DeepRole, given: Partial<DeepConnection> = {}, stop?: { at: DeepStage, failure: Failure }): DeepConnection {
  const ladder: readonly DeepStage[] = DEEP_LADDERS[given.kind ?? 'starttls'][role]
  const end = stop === undefined ? ladder.length : ladder.indexOf(stop.at)
  return {
    role, endpoint: '192.0.2.1', of: 'peer', kind: 'starttls', pair: { from: 'probe.example', to: 'partner.example' }, startedAtMs: 0, certificate: role === 'external', transcript: [],
    header: HEADER, headerAgain: HEADER, features: features(), featuresAgain: features(), tls: TLS_SEEN,
    steps: ladder.map((stage, index) => ({ stage, outcome: index < end ? 'ok' : index === end ? 'failed' : 'not-asked', atMs: 0, ms: 1, ...(index === end && stop !== undefined ? { failure: stop.failure } : {}) })),
    ...given,
  }
}

export function features (given: Partial<FeaturesSeen> = {}): FeaturesSeen {
  return { starttls: 'optional', mechanisms: [], dialback: true, dialbackErrors: true, bidi: false, streamManagement: false, other: [], ...given }
}

export type Dialback = NonNullable<DeepConnection['dialback']>

/** A key that was sent at 100 ms, and what came of it. */
export function keyed (dialback: Partial<Dialback> = {}, stop?: Failure, given: Partial<DeepConnection> = {}): DeepConnection {
  return connection('dialback', { dialback: { key: 'true', streamId: 's1', secured: true, sentAtMs: 100, waitedMs: 200, ...dialback }, ...given }, stop === undefined ? undefined : { at: 'dialback', failure: stop })
}

/** One of our own endpoints, asked about a right key. */
export function own (answer: Dialback['answer'] | Failure, id = 'starttls/xmpp.ours.example:5269/192.0.2.50'): DeepConnection {
  const asked = { endpoint: id, of: 'ours' as const }
  if (answer !== undefined && 'at' in answer) return connection('verify', asked, { at: 'tcp', failure: answer })
  return connection('verify', { ...asked, question: { right: 'valid', ms: 10, ...(answer === undefined ? {} : { answer }) } })
}

/** A connection to the listener, 50 ms after the key. */
export function callback (given: Partial<Callback> = {}): Callback {
  return { source: '192.0.2.1:40000', listener: '192.0.2.9:5269', atMs: 150, kind: 'starttls', ...given }
}

/** db:verify that was answered. */
export function asking (answered: NonNullable<Callback['asked']>['answered']): Callback {
  return callback({ tls: 'TLSv1.3', asked: { atMs: 200, answered } })
}
