/** Readings over plain data, for tests of what is above them. */
import type { AuditEntry, ChangeView, FleetVerdict, Incident, LiveEvent, ObservationRecorded, ObservationRow, OverviewRow, Readings } from '@dialtone/contracts'

export const THEN = '2026-03-01T12:00:00.000Z'

const state = { state: 'down', cause: 'service.down', side: 'peer', sentence: 'nothing listens on port 5269', since: THEN } as const
export const VERDICT: FleetVerdict = {
  state: 'down', cause: 'service.down', side: 'peer', hop: 'peer-server', actor: 'peer-admin', confidence: 'proved', sentence: state.sentence, evidence: [{ text: 'connection refused', vantage: 'inside' }], remedy: ['Start it.'], untested: [],
  agreement: { inside: 1, insideAgree: 1, outside: 1, outsideAgree: 1 }, ruledOut: [], wouldDecide: [], setAside: [],
}
export const INCIDENT: Incident = { id: 'i-1', state: 'confirmed', cause: 'service.down', side: 'peer', worst: 'down', sentence: state.sentence, domain: 'example.org', subjects: [{ domain: 'example.org' }], openedAt: THEN, confirmedAt: THEN, flaps: 0, causes: [{ cause: 'service.down', since: THEN }] }
export const CHANGE: ChangeView = { id: 'c-1', at: THEN, domain: 'example.org', vantage: 'inside', kind: 'records', what: 'SRV records', before: ['a'], after: ['b'] }
const AUDITED: AuditEntry = { v: 1, id: 'a-1', at: THEN, actor: 'admin', role: 'admin', action: 'check', subject: 'example.org', outcome: 'done' }
export const OBSERVED: ObservationRecorded = {
  v: 1, id: 'obs-00000001', agent: 'a1', vantage: 'inside', target: 'own-published:example.org', job: 'own-published', observation: {
    v: 1, domain: 'example.org', vantage: 'inside', startedAt: THEN, ms: 12, asked: { from: 'probe.example', resolver: '127.0.0.1:53', resolverTrusted: false, controlName: 'example.net', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
    dns: [{ name: '_xmpp-server._tcp.example.org', type: 'SRV', purpose: 'xmpp-server', resolver: '127.0.0.1:53', outcome: 'answer', transport: 'udp', atMs: 0, ms: 1, authenticated: false, records: [{ type: 'SRV', ttl: 60, priority: 1, weight: 1, port: 5269, target: 'xmpp.example.org' }], aliases: [], extended: [] }],
    endpoints: [{ id: 'starttls/xmpp.example.org:5269/192.0.2.1', kind: 'starttls', source: 'srv', target: 'xmpp.example.org', port: 5269, address: '192.0.2.1', family: 4, steps: [{ stage: 'tcp', outcome: 'failed', atMs: 2, ms: 3, failure: { at: 'tcp', why: 'refused', detail: 'a\u001B[2Jb' } }], received: 0, transcript: [{ atMs: 2, direction: 'received', text: 'one\ntwo\u202E' }] }],
    claim: [], certificates: {}, messages: {}, leftOut: 0,
  },
}

export function row (domain: string, peer?: string): OverviewRow {
  return { domain, ...(peer === undefined ? {} : { peer }), ...state, confidence: 'proved', checkedAt: THEN }
}

export type FakeReadings = Readings & {
  say: (event: LiveEvent) => void
  /** What POST /v1/checks will find. */
  recorded: ObservationRow[]
  setSeq: (seq: number) => void
}

/** Domains and pairs of `rows`, all of them down. */
export function fakeReadings (rows: OverviewRow[] = [row('example.org'), row('example.org', 'peer.example')]): FakeReadings {
  const hearers = new Set<(event: LiveEvent, seq: number) => void>()
  const recorded: ObservationRow[] = [{ id: OBSERVED.id, at: THEN, domain: 'example.org', vantage: 'inside', agent: 'a1', job: 'own-published', full: true, same: 0 }]
  let seq = 1
  const page = () => ({ asOf: THEN, seq })
  const find = (domain: string, peer?: string) => rows.find(each => each.domain === domain && each.peer === peer)
  return {
    get seq () { return seq },
    setSeq: to => { seq = to },
    recorded,
    say: event => {
      seq++
      for (const hear of hearers) hear(event, seq)
    },
    summary: () => ({ ...page(), states: { up: 0, degraded: 0, down: rows.length, unknown: 0 }, causes: { 'service.down': rows.length }, incidents: { open: 1, confirmed: 1, recovering: 0 }, agents: { healthy: 1, all: 1 }, behind: 0 }),
    overview: ({ q, domain, peer, only, causes }, { limit, cursor }) => {
      const found = rows.filter(each => (q === undefined || each.domain.includes(q)) && (domain === undefined || each.domain === domain) && (peer === undefined || each.peer === peer) && (only === undefined || (only === 'pairs') === (each.peer !== undefined)) && (causes === undefined || causes.includes(each.cause)))
      const from = Number(cursor ?? 0)
      return { ...page(), domains: found.slice(from, from + limit), ...(from + limit < found.length ? { next: String(from + limit) } : {}) }
    },
    domain: domain => find(domain) === undefined ? undefined : { ...page(), domain, since: THEN, verdict: VERDICT, incident: INCIDENT, vantages: [], pairs: rows.filter(each => each.domain === domain && each.peer !== undefined) },
    pair: (domain, peer) => find(domain, peer) === undefined ? undefined : { ...page(), domain, peer, out: { since: THEN, verdict: VERDICT }, in: { since: THEN, verdict: VERDICT }, vantages: [] },
    timeline: (domain, peer) => find(domain, peer) === undefined ? undefined : { ...page(), domain, ...(peer === undefined ? {} : { peer }), spans: [state], changes: [CHANGE], truncated: false },
    incidents: () => ({ ...page(), incidents: [INCIDENT] }),
    incident: id => id === INCIDENT.id ? INCIDENT : undefined,
    changes: () => ({ ...page(), changes: [CHANGE] }),
    observations: ({ check }) => ({ ...page(), observations: recorded.filter(each => check === undefined || each.check === check) }),
    observation: id => id === OBSERVED.id ? OBSERVED : undefined,
    audit: () => ({ ...page(), entries: [AUDITED] }),
    expiries: before => '2026-03-20T00:00:00.000Z' < before ? [{ domain: 'example.org', endsAt: '2026-03-20T00:00:00.000Z' }] : [],
    verdicts: () => [],
    onEvent: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
  }
}
