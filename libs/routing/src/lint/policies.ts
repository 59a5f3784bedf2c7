/** Policies that contradict each other, that can never match, or that demand what cannot be (gateways.md 5.12 L1 to L6, L12, L13). */
import type { LintFinding, PolicySpec } from '@dialtone/contracts'
import { EXTERNAL_LEG, legOfPolicy, legOfZone } from '../defaults.ts'
import { covers } from '../pattern.ts'
import { legFindings } from './legs.ts'
import { finding, gatewaysOf, insidePatterns, zonesOf, type GatewaySubject, type LintRule, type Named } from './subject.ts'
import { LEAST_STANZA_BYTES } from './zones.ts'

/** Policies that are compared with each other for an undecided crossing: each with each. */
const MOST_COMPARED = 500
const MOST_CROSSINGS = 100
/** Clients give up on an iq after 30 to 60 seconds; what comes back later answers nobody. */
const LONG_WAIT_SECONDS = { message: 600, iq: 60, presence: 600, error: 600 } as const

type Policy = Named<PolicySpec>
const subjectOf = ({ name }: Policy) => `Policy/${name}`

export const policyRules: LintRule = function * (subject, now) {
  const lasting: Policy[] = []
  for (const policy of subject.policies) {
    const { until } = policy.spec
    if (until === undefined || Date.parse(until) > now) lasting.push(policy)
    else yield finding('notice', 'policy-over', subjectOf(policy), '/spec/until', `it ended at ${until} and does nothing any more; delete it`)
  }
  for (const policy of lasting) yield * onePolicy(subject, policy)
  yield * equals(subject, lasting)
  yield * outdone(subject, lasting)
  yield * crossings(lasting)
}

function * onePolicy (subject: GatewaySubject, policy: Policy): Generator<LintFinding> {
  const { spec } = policy
  const self = subjectOf(policy)
  const gateways = gatewaysOf(subject, spec)
  if (subject.complete) for (const [i, name] of (spec.gateways ?? []).entries()) if (!subject.gateways.some(gateway => gateway.name === name)) yield finding('error', 'unknown-reference', self, `/spec/gateways/${i}`, `it names the Gateway '${name}', which does not exist; create it, or change the policy`)

  const inside = gateways.map(({ spec: gateway }) => insidePatterns(gateway)).filter(patterns => patterns.length > 0)
  if (inside.length > 0) {
    if (!inside.some(patterns => patterns.some(({ pattern }) => covers(pattern, spec.ours) || covers(spec.ours, pattern)))) yield finding('warning', 'policy-of-nobody', self, '/spec/ours', `'${spec.ours}' fits no domain of an internal zone, so that the policy never matches; name one of ours`)
    if (inside.every(patterns => patterns.some(({ pattern }) => covers(pattern, spec.peer)))) yield finding('warning', 'policy-peer-is-ours', self, '/spec/peer', `'${spec.peer}' fits domains of ours alone, which are never a peer, so that the policy never matches; ours and peer may be the wrong way round`)
  }

  if (spec.action !== 'deny') {
    const said = new Set<string>()
    const zones = gateways.flatMap(({ spec: gateway }) => zonesOf(gateway).filter(({ side }) => side === 'external'))
    for (const zone of zones.length === 0 ? [EXTERNAL_LEG] : zones.map(legOfZone)) {
      const leg = legOfPolicy(zone, spec)
      for (const { level, code, field, says } of legFindings(leg, new Set(Object.keys(spec)))) if (!said.has(code) && said.add(code)) yield finding(level, code, self, field in spec ? `/spec/${field}` : '/spec', says)
      const clear = leg.tls !== 'required' && (spec.tls !== undefined || spec.profile !== undefined)
      if (clear && spec.reason === undefined && spec.ticket === undefined && !said.has('clear-without-reason') && said.add('clear-without-reason')) yield finding('warning', 'clear-without-reason', self, spec.tls === undefined ? '/spec/profile' : '/spec/tls', 'streams may be in clear text, and nothing says why; give a reason or a ticket, and a time at which it ends if it can')
    }
    if (spec.anchors?.system === false && spec.anchors.given.length === 0 && (spec.certificate ?? 'any') !== 'any') yield finding('error', 'no-anchors', self, '/spec/anchors', 'it demands valid certificates and trusts nobody, so none is; add anchors')
  }
  if (spec.action === 'hold' && spec.until === undefined) yield finding('notice', 'hold-without-end', self, '/spec/action', 'what is held goes back to its sender when it has waited long enough, and nothing says when the hold ends; give it an until')

  const { limits: { stanzaBytes, waitSeconds = {} } = {} } = spec
  if (stanzaBytes !== undefined && stanzaBytes < LEAST_STANZA_BYTES) yield finding('warning', 'stanza-limit-low', self, '/spec/limits/stanzaBytes', `stanzas of ${LEAST_STANZA_BYTES} bytes must be taken (RFC 6120 §13.12), and ${stanzaBytes} are allowed`)
  for (const kind of ['message', 'iq', 'presence', 'error'] as const) {
    const seconds = waitSeconds[kind]
    if (seconds !== undefined && seconds > LONG_WAIT_SECONDS[kind]) yield finding('warning', 'wait-long', self, `/spec/limits/waitSeconds/${kind}`, `${kind} may wait ${seconds} s, and who sent it has given up after ${LONG_WAIT_SECONDS[kind]}; lower it`)
  }
}

/** Policies of the same patterns: of those the narrower wins, and of equally narrow ones nobody knows which. */
function * equals (subject: GatewaySubject, policies: readonly Policy[]): Generator<LintFinding> {
  const all = subject.gateways.map(({ name }) => name)
  const named = policies.flatMap(({ spec }) => spec.gateways ?? [])
  // '' stands for gateways that do not exist yet: what is for all of them is for those too.
  const everywhere = subject.complete ? [...new Set([...all, ...named, ''])] : all
  for (const group of Map.groupBy(policies, ({ spec }) => `${spec.ours} ${spec.peer}`).values()) {
    if (group.length > MOST_COMPARED) {
      yield notCompared(group.length)
      continue
    }
    for (const [i, policy] of group.entries()) {
      const other = group.slice(0, i).find(earlier => rank(earlier.spec) === rank(policy.spec) && share(earlier.spec, policy.spec))
      const [ours, peer] = [policy.spec.ours, policy.spec.peer]
      if (other === undefined) continue
      if (ruleOf(other.spec) === ruleOf(policy.spec)) yield finding('warning', 'policy-twice', subjectOf(policy), '/spec', `it and Policy/${other.name} say the same of '${ours}' and '${peer}'; one of them is enough`)
      else yield finding('error', 'policies-contradict', subjectOf(policy), '/spec/action', `it (${policy.spec.action}) and Policy/${other.name} (${other.spec.action}) differ about '${ours}' and '${peer}', and neither is more exact; keep one`)
    }
    if (group.length < 2) continue
    for (const policy of group) {
      const narrower = group.filter(one => one.spec.until === undefined && rank(one.spec) < rank(policy.spec))
      const covered = directionsOf(policy.spec).every(direction => (policy.spec.gateways ?? everywhere).every(gateway =>
        narrower.some(({ spec }) => directionsOf(spec).includes(direction) && (spec.gateways === undefined || spec.gateways.includes(gateway)))))
      if (covered) yield finding('warning', 'policy-never-matches', subjectOf(policy), '/spec', `${narrower.slice(0, 5).map(({ name }) => `Policy/${name}`).join(', ')} ${narrower.length === 1 ? 'is' : 'are'} narrower and cover all that it says, so that it never matches; delete it, or make it more exact`)
    }
  }
}

/**
 * Ours is compared before the peer: a policy about one peer of all of ours says nothing where each of ours has a policy about more peers. One about every peer is what is left
 * over, and meant to be outdone.
 */
function * outdone (subject: GatewaySubject, policies: readonly Policy[]): Generator<LintFinding> {
  const byOurs = Map.groupBy(policies.filter(({ spec }) => spec.until === undefined), ({ spec }) => spec.ours)
  if (policies.length > MOST_COMPARED) return
  for (const policy of policies) {
    const { ours, peer } = policy.spec
    const places = gatewaysOf(subject, policy.spec).flatMap(({ name, spec }) => insidePatterns(spec).flatMap(({ pattern }) =>
      covers(ours, pattern) ? [{ gateway: name, pattern }] : covers(pattern, ours) ? [{ gateway: name, pattern: ours }] : []))
    if (peer === '*' || places.length === 0 || places.length > MOST_CROSSINGS) continue
    const winners = new Set<string>()
    const all = places.every(({ gateway, pattern }) => directionsOf(policy.spec).every(direction => {
      const winner = enclosing(pattern, ours).flatMap(narrower => byOurs.get(narrower) ?? [])
        .find(({ spec }) => covers(spec.peer, peer) && directionsOf(spec).includes(direction) && (spec.gateways === undefined || spec.gateways.includes(gateway)))
      if (winner !== undefined) winners.add(`Policy/${winner.name}`)
      return winner !== undefined
    }))
    if (all) yield finding('warning', 'policy-never-matches', subjectOf(policy), '/spec', `${[...winners].slice(0, 5).join(', ')} ${winners.size === 1 ? 'is' : 'are'} more exact about ours, which is compared first, and about '${peer}' too, so that it never matches; write it for each of ours that it is meant for`)
  }
}

/** The patterns that fit all that `pattern` fits, and are more exact than `wide`. */
function enclosing (pattern: string, wide: string): string[] {
  const found = [pattern]
  const name = pattern.replace(/^\*\./, '')
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) found.push(`*${name.slice(dot)}`)
  return found.filter(one => one !== wide && covers(wide, one))
}

/** The order of `policy-table`, where patterns are the same: smaller wins. */
function rank ({ direction = 'both', gateways, until }: PolicySpec): string {
  return `${direction === 'both' ? 1 : 0}${gateways === undefined ? 1 : 0}${until === undefined ? '9' : new Date(until).toISOString()}`
}

function share (a: PolicySpec, b: PolicySpec): boolean {
  return directionsOf(a).some(direction => directionsOf(b).includes(direction)) && (a.gateways === undefined || b.gateways === undefined || a.gateways.some(name => b.gateways?.includes(name) === true))
}

function directionsOf ({ direction = 'both' }: PolicySpec): readonly string[] {
  return direction === 'both' ? ['inbound', 'outbound'] : [direction]
}

/** All that a policy does; not where it is for, nor what people wrote beside it. */
function ruleOf ({ ours: _ours, peer: _peer, gateways: _gateways, direction: _direction, until: _until, reason: _reason, ticket: _ticket, note: _note, ...rule }: PolicySpec): string {
  return JSON.stringify(Object.entries(rule).toSorted(([a], [b]) => a < b ? -1 : 1))
}

function * crossings (all: readonly Policy[]): Generator<LintFinding> {
  if (all.length > MOST_COMPARED) {
    yield notCompared(all.length)
    return
  }
  let found = 0
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      if (!crosses(a.spec, b.spec) || !share(a.spec, b.spec) || ruleOf(a.spec) === ruleOf(b.spec)) continue
      if (++found > MOST_CROSSINGS) return
      const winner = covers(a.spec.ours, b.spec.ours) ? b : a
      yield finding('warning', 'policies-cross', subjectOf(b), '/spec', `it ('${b.spec.ours}', '${b.spec.peer}': ${b.spec.action}) and Policy/${a.name} ('${a.spec.ours}', '${a.spec.peer}': ${a.spec.action}) both fit some pairs, each more exact on one side; Policy/${winner.name} wins by 'ours': write a policy for where they meet`)
    }
  }
}

function notCompared (count: number): LintFinding {
  return { level: 'notice', code: 'policies-not-compared', says: `${count} policies are too many to compare each with each; ${MOST_COMPARED} is the most` }
}

/** Both fit some pair, and each is the more exact one on one side. */
function crosses (a: PolicySpec, b: PolicySpec): boolean {
  const [ours, peer] = [within(a.ours, b.ours), within(a.peer, b.peer)]
  return (ours === 'narrower' && peer === 'wider') || (ours === 'wider' && peer === 'narrower')
}

function within (a: string, b: string): 'equal' | 'narrower' | 'wider' | 'apart' {
  return a === b ? 'equal' : covers(b, a) ? 'narrower' : covers(a, b) ? 'wider' : 'apart'
}
