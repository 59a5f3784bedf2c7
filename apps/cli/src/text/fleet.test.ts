import type { DomainView, Incident, LiveEvent, OverviewRow, PairView, Summary } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { terminalOf } from '../terminal.ts'
import { domainText, pairText } from './describe.ts'
import { incidentTable, overviewTable, summaryLine } from './fleet.ts'
import { liveLine, type Known } from './live.ts'

const terminal = { ...terminalOf({}, { LANG: 'C.UTF-8' }), columns: 100 }
const NOW = '2026-11-23T10:20:00.000Z'
const SINCE = '2026-11-23T08:14:00.000Z'
const ROW: OverviewRow = { domain: 'ours.example', peer: 'peer.example', state: 'down', cause: 'path.inbound-blocked', side: 'path', sentence: 'the firewall drops inbound TCP 5269', since: SINCE, confidence: 'proved' }
const UP: OverviewRow = { domain: 'ours.example', state: 'up', cause: 'healthy', side: 'nobody', sentence: 'every stage succeeded', since: SINCE, confidence: 'proved' }
const VERDICT: DomainView['verdict'] = {
  state: 'down', cause: 'path.inbound-blocked', side: 'path', hop: 'firewall', actor: 'firewall-admin', confidence: 'proved', sentence: 'the firewall drops inbound TCP 5269',
  evidence: [{ text: 'never answers', endpoint: '203.0.113.10:5269', vantage: 'outside' }], remedy: ['Allow TCP 5269.', 'Check again.'], untested: [{ what: 'dialback', needs: 'a secret' }],
  agreement: { inside: 1, insideAgree: 1, outside: 2, outsideAgree: 2 }, ruledOut: [{ cause: 'service.down', because: 'it answers inside' }], wouldDecide: [], setAside: [],
}
const INCIDENT: Incident = { id: 'i-4711', state: 'confirmed', cause: 'path.inbound-blocked', side: 'path', worst: 'down', sentence: 'the firewall drops', domain: 'ours.example', subjects: [{ domain: 'ours.example' }, { domain: 'ours.example', peer: 'peer.example' }], openedAt: SINCE, flaps: 2, causes: [] }

it('lists domains and pairs, in columns', () => {
  expect(overviewTable([ROW, UP], NOW, terminal).join('\n')).toMatchInlineSnapshot(`
    "state   domain or pair                 cause                 since
    ✖ down  ours.example <-> peer.example  path.inbound-blocked  2 h 6 m
              path: the firewall drops inbound TCP 5269
    ● up    ours.example                   healthy               2 h 6 m
              every stage succeeded"
  `)
})

it('sums the fleet up in a line', () => {
  const summary: Summary = { asOf: NOW, seq: 1, states: { up: 206, degraded: 5, down: 3, unknown: 0 }, causes: {}, incidents: { open: 1, confirmed: 0, recovering: 0 }, agents: { healthy: 2, all: 3 }, behind: 7 }
  expect(summaryLine(summary, { ...terminal, columns: 120 })).toBe('✖ 3 down  ▲ 5 degraded  ◇ 0 unknown  ● 206 up  · 1 incident · 2 of 3 agents well · 7 observations not judged yet')
  const vacant = ['far', 'near', 'north', 'south', 'west']
  expect(summaryLine({ ...summary, agents: { healthy: 1, all: 1, vacant } }, { ...terminal, columns: 160 })).toContain('1 of 1 agents well, none at far, near, north and 2 more')
  for (const line of summaryLine(summary, { ...terminal, columns: 60 }).split('\n')) expect(line.length, line).toBeLessThanOrEqual(60)
})

it('says an incident once, however many subjects it has', () => {
  expect(incidentTable([INCIDENT], NOW, terminal)[1]).toMatch(/^i-4711 {4}✖ down {2}confirmed {2}path\.inbound-blocked {2}2 h 6 m {2}path: the firewall drops \(ours\.example,\s+2 subjects\)/)
})

it('describes a domain in sections', () => {
  const view: DomainView = {
    asOf: NOW, seq: 1, domain: 'ours.example', since: SINCE, lastUp: '2026-11-23T08:13:58.000Z', checkedAt: '2026-11-23T10:19:46.000Z', verdict: VERDICT, incident: INCIDENT, pairs: [{ ...ROW, out: { ...UP, state: 'up' }, in: ROW }],
    vantages: [{
      vantage: 'outside', side: 'outside', network: 'internet', agent: 'a', job: 'own-published', observation: 'obs-00000001', at: NOW, same: 3, findings: [],
      endpoints: [{ id: 'x', kind: 'starttls', target: 'xmpp.ours.example', port: 5269, address: '203.0.113.10', steps: [{ stage: 'tcp', outcome: 'failed', ms: 900, failure: 'tcp timeout' }] }],
    }],
  }
  expect(domainText(view, { asOf: NOW, seq: 1, domain: 'ours.example', truncated: false, spans: [], changes: [{ id: '1', at: '2026-11-23T08:12:00.000Z', domain: 'ours.example', kind: 'addresses', what: 'another address', before: null, after: null }] }, terminal)).toMatchInlineSnapshot(`
    "Domain:       ours.example
    State:        ✖ down as of 2026-11-23T10:20:00.000Z, checked 14 s ago
    Verdict:      path.inbound-blocked (path: firewall), proved
                  the firewall drops inbound TCP 5269
    Since:        2026-11-23T08:14:00.000Z (2 h 6 m), last up 2026-11-23T08:13:58.000Z
    Agreement:    inside 1 of 1, outside 2 of 2 networks saw what the cause says
    Ruled out:    service.down: it answers inside
    Incident:     i-4711, confirmed since 2026-11-23T08:14:00.000Z
    Endpoints:    xmpp.ours.example:5269 203.0.113.10  outside (own-published)  ✖ tcp timeout
    Changes:      2026-11-23T08:12:00.000Z  addresses: another address, 2 h 8 m ago
    Pairs:        peer.example  out ● up healthy  in ✖ down path.inbound-blocked
    Do:           1. Allow TCP 5269.
                  2. Check again.
    Because:      outside: 203.0.113.10:5269: never answers
    Decide by:    nothing more needed
    Not asked:    dialback (a secret)
    Evidence:     obs-00000001 outside own-published, the same 3 times before
    "
  `)
})

it('tells an endpoint once for each vantage, as it was last, and what only a deep check sees', () => {
  const endpoint = { id: 'x', kind: 'starttls', target: 'xmpp.peer.example', port: 5269, address: '203.0.113.10' }
  const ok = (stage: string) => ({ stage, outcome: 'ok', ms: 10 })
  const seen = { vantage: 'outside', side: 'outside', network: 'internet', agent: 'a', job: 'peer', observation: 'o', same: 0 } as const
  const half = { since: SINCE, verdict: VERDICT }
  const lines = (deep: PairView['vantages'][number]['endpoints'][number]['steps']) => pairText({
    asOf: NOW, seq: 1, domain: 'ours.example', peer: 'peer.example', out: half, in: half,
    vantages: [{ ...seen, findings: [], at: SINCE, endpoints: [{ ...endpoint, steps: [ok('tcp'), ok('stream'), ...deep] }] }, { ...seen, findings: [], at: NOW, endpoints: [{ ...endpoint, steps: [ok('tcp'), ok('stream')] }] }],
  }, undefined, terminal).split('\n').filter(line => line.includes('xmpp.peer.example'))
  expect(lines([ok('dialback')])).toHaveLength(1)
  const both = lines([{ stage: 'dialback', outcome: 'failed', ms: 1, failure: 'dialback refused' }])
  expect(both).toHaveLength(2)
  expect(both[0]).toContain('(peer)')
  expect(both[1]).toMatch(/\(peer, deep\) {2}. dialback refused/)
})

it('describes both halves of a pair', () => {
  const half = { since: SINCE, verdict: VERDICT }
  const view: PairView = { asOf: NOW, seq: 1, domain: 'ours.example', peer: 'peer.example', backoffUntil: NOW, out: half, in: half, vantages: [] }
  const text = pairText(view, undefined, terminal)
  expect(text).toMatch(/^Link: {9}ours\.example <-> peer\.example\nOut: {10}ours\.example to peer\.example\n/)
  expect(text).toMatch(/\nIn: {11}peer\.example to ours\.example\n/)
  for (const columns of [60, 80]) {
    for (const line of pairText({ ...view, domain: `${'x'.repeat(60)}.example` }, undefined, { ...terminal, columns }).split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns)
  }
  expect(text).toMatch(/\nBack-off: {5}peer\.example may refuse until 2026/)
})

it('tells a change of cause once, and how long the one before lasted', () => {
  const known: Known = new Map([['ours.example <-> peer.example', ROW]])
  const event: LiveEvent = { on: 'verdict.changed', row: { ...UP, peer: 'peer.example', since: NOW } }
  expect(liveLine(event, NOW, known, terminal)).toBe('10:20:00  ● up        ours.example <-> peer.example  healthy after 2 h 6 m of path.inbound-blocked:\n          every stage succeeded\n')
  expect(liveLine(event, NOW, known, terminal)).toBeUndefined()
  expect(liveLine({ on: 'incident.resolved', incident: { ...INCIDENT, resolvedAt: NOW } }, NOW, known, terminal)).toMatch(/incident +i-4711 resolved: path\.inbound-blocked, ours\.example and 1 more after 2 h 6 m/)
  expect(liveLine({ on: 'agent.gone', vantage: 'inside', agent: 'a' }, NOW, known, terminal)).toMatch(/^10:20:00 {2}agent +a of inside is gone\n$/)
})
