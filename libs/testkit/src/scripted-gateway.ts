/** A gateway on the bus that says what a test wants: it tells of itself, and serves its commands. To `slow.example` stanzas wait, to `*.bad.example` they are refused. */
import type { Bus, GatewayPresence, GatewaySpec, QueueView, RouteExplanation, StreamView } from '@dialtone/contracts'
import { ExplainRoute, GatewayAct, GatewayPresenceDocument, GatewayQueues, GatewayStreams } from '@dialtone/contracts/schemas'

type Asked = { act: string, after?: number, zone?: string, peer?: string, ours?: string, stream?: string, seconds?: number }
export type ScriptedGateway = {
  acts: Asked[]
  /** Tells of itself. */
  be: (how?: Partial<GatewayPresence>) => Promise<void>
  gone: () => Promise<void>
  serve: (how?: { act?: (asked: Asked) => Promise<{ affected: number, says: string, lines?: string[], next?: number }> }) => Promise<{ stop: () => Promise<void> }>
}

const THEN = '2026-03-01T12:00:00.000Z'
export const GATEWAY_SPEC: GatewaySpec = { desired: 'running', zones: [{ name: 'outside', side: 'external', listen: [] }, { name: 'lan', side: 'internal', domains: ['ours.example'], listen: [] }], secret: 'file:/etc/dialtone/secret' }
const STREAM: StreamView = { id: 's1', zone: 'outside', direction: 'outbound', state: 'ready', remote: '192.0.2.1:5269', pairs: [{ from: 'ours.example', to: 'peer.example', by: 'dialback' }], since: THEN, tls: 'TLSv1.3', bidi: false, stanzas: { in: 0, out: 3 }, bytes: { in: 0, out: 900 }, paused: false }
const QUEUE: QueueView = {
  zone: 'outside', from: 'ours.example', to: 'slow.example', state: 'waiting', stanzas: 4, bytes: 1200, oldestSeconds: 11, nextAttemptSeconds: 20,
  failure: { reason: 'unreachable', says: 'no target of slow.example answers', at: THEN, steps: [{ at: THEN, ms: 0, step: 'policy', outcome: 'ok', says: 'allowed by default' }, { at: THEN, ms: 12, step: 'dns', outcome: 'ok', says: '1 target' }, { at: THEN, ms: 3012, step: 'tcp', target: '192.0.2.9:5269', outcome: 'failed', says: 'timed out after 3000 ms' }] },
}
const DELIVERED: RouteExplanation = {
  gateway: 'edge', revision: 1, from: 'ours.example', to: 'peer.example', outcome: 'deliver', says: 'it is written at once to a stream that is ready', zones: { from: 'lan', to: 'outside' },
  policy: { name: 'partners', matched: "ours '*', peer 'peer.example'", action: 'allow', expects: ['TLS', 'dialback or EXTERNAL'] },
  way: { by: 'records', targets: [{ target: 'xmpp.peer.example:5269 192.0.2.1', kind: 'starttls', says: 'carries the stream', failed: false }, { target: 'old.peer.example:5269 192.0.2.2', kind: 'starttls', says: 'refused the connection 20 s ago', failed: true }] }, streams: [STREAM],
}

/** To where nothing answers. */
const WAITING: RouteExplanation = {
  ...DELIVERED, outcome: 'queue', says: 'it waits until a target answers, at most 120 s', policy: { matched: 'no policy fits; unmatched pairs are allowed', action: 'allow', expects: [] },
  way: { by: 'records', targets: [{ target: 'xmpp.slow.example:5269 192.0.2.9', kind: 'starttls', says: 'did not answer 4 s ago', failed: true }] }, streams: [], queue: QUEUE,
}
const REFUSED: RouteExplanation = {
  ...DELIVERED, outcome: 'refuse', says: 'the policy denies it', refusal: { reason: 'policy-deny', condition: 'not-acceptable', type: 'cancel' }, policy: { name: 'blocked', matched: "peer '*.bad.example'", action: 'deny', until: '2026-12-24T00:00:00.000Z', expects: [] },
  way: { by: 'none', targets: [] }, streams: [],
}

/** `create`: makes the bucket in which gateways tell of themselves, which one that is on NATS may not. */
export function scriptedGateway (bus: Bus, name = 'edge', { create = true }: { create?: boolean } = {}): ScriptedGateway {
  const acts: Asked[] = []
  const documents = bus.documents(GatewayPresenceDocument, { create })
  return {
    acts,
    be: async (how = {}) => {
      const at = new Date().toISOString()
      await (await documents).put(name, {
        v: 1, gateway: name, version: '0.1.0', startedAt: THEN, at, state: 'running', healthy: true, findings: [], revision: 1, listeners: [{ zone: 'outside', address: '127.0.0.1', port: 5269, kind: 'starttls', open: true }],
        streams: { inbound: 1, outbound: 1, negotiating: 0 }, stanzas: { accepted: 10, outcomes: { 'acknowledged': 1, 'written': 3, 'unknown-fate': 0, 'bounced': 1, 'expired': 0, 'dropped-by-rule': 0 }, queued: 4, onStream: 1, retried: 0 },
        queued: { stanzas: 4, bytes: 1200, oldestSeconds: 11 }, drains: [], secrets: {}, certificates: {}, ...how,
      })
    },
    gone: async () => (await documents).remove(name),
    serve: async ({ act = async ({ act: what }: Asked) => ({ affected: 2, says: `${what}: 2 routes`, ...(what === 'trace' ? { lines: ['one line'], next: 7 } : {}) }) } = {}) => {
      const serving = [
        await bus.serve(GatewayAct, [name], async asked => {
          acts.push(asked)
          return act(asked)
        }),
        await bus.serve(GatewayStreams, [name], async ({ peer }) => ({ streams: [STREAM], all: peer === undefined ? 2 : 1 })),
        await bus.serve(GatewayQueues, [name], async () => ({ queues: [QUEUE], all: 1 })),
        await bus.serve(ExplainRoute, [name], async ({ from, to }) => ({ ...(to.endsWith('slow.example') ? WAITING : to.endsWith('bad.example') ? REFUSED : DELIVERED), gateway: name, from, to })),
      ]
      return { stop: async () => { await Promise.all(serving.map(each => each.stop())) } }
    },
  }
}
