/**
 * What this gateway knows of each pair of ours and a peer: facts for verdicts, which judge nothing (gateways.md 4, 5.10). Told when something has changed, a pair at most once in five
 * seconds, and every ten minutes; a bounded number of pairs, and of facts at a time.
 */
import type { CallbackAnswer, Failure, PairFacts } from '@dialtone/contracts'
import { quoted, type Clock, type Random } from '@dialtone/kernel'
import type { Sides } from '@dialtone/routing'
import type { PairCount } from '../core/pair-count.ts'
import type { CertificateSeen, DialFailure, OutStream, RelayOptions, WayInside, World } from '../seams.ts'

export type FactsOptions = Pick<RelayOptions, 'gateway' | 'facts' | 'tell'> & {
  clock: Clock
  random: Random
  world: () => World | undefined
  /** What is counted of a pair; undefined when nothing is. */
  countOf: (sides: Sides) => PairCount | undefined
  bounds?: { pairs: number, strangers: number, atOnce: number }
}

export type Facts = {
  authenticated: (fact: { zone: string, sides: Sides, at: number, remote: string, by: string, tls?: string, certificate?: CertificateSeen }) => void
  refused: (fact: { zone: string, sides: Sides, at: number, remote: string, says: string }) => void
  asked: (fact: { zone: string, sides: Sides, at: number, remote: string, answer: CallbackAnswer }) => void
  shown: (fact: { zone: string, sides: Sides, at: number, answer: 'valid' | 'invalid' | 'failed' }) => void
  /** A stream out was wanted since `began`; there is one, or why there is none. Both milliseconds since the epoch. */
  dialed: (zone: string, sides: Sides, began: number, result: { stream: OutStream } | { failed: DialFailure }) => void
  /** A stream to the server of ours was wanted, for what the peer sends: there is one, or none. */
  wantedInside: (sides: Sides, result: WayInside) => void
  /** Tells what has changed. To be called often. */
  tick: () => void
  /** Tells of all pairs how they stand at the end. */
  last: () => void
  readonly size: number
}

const SPACING_MS = 5000
const EVERY_MS = 600_000
/**
 * `strangers`: pairs of which nothing is known but that they were refused, which anybody can bring about. Where there are too many, a pair whose peer no resource names is forgotten
 * first: whoever has a domain has as many below it as he likes, and can prove each.
 */
const BOUNDS = { pairs: 10_000, strangers: 1000, atOnce: 20 }

type Known = {
  sides: Sides
  inbound: PairFacts['inbound']
  outbound: PairFacts['outbound']
  inside?: PairFacts['inside']
  asked: PairFacts['asked']
  shown: PairFacts['shown']
  certificate?: PairFacts['certificate']
  stranger: boolean
  /** A resource names its peer. */
  configured: boolean
  news: boolean
  toldAt: number
  /** When its authoritative side was asked last, milliseconds since the epoch. */
  askedAt: number
}

export function createFacts ({ gateway, facts: publish, tell, clock, random, world, countOf, bounds = BOUNDS }: FactsOptions): Facts {
  const startedAt = stamp(clock.now())
  const known = new Map<string, Known>()
  /** Those of `known` that are not configured, in the same order. */
  const others = new Set<string>()
  let strangers = 0

  const isConfigured = ({ peer }: Sides) => Object.hasOwn(world()?.assignment.peers ?? {}, peer)
  /** The one of which nothing was heard for longest; of those whose peers are configured only where there are no others. */
  const forgetOne = () => {
    const oldest = (others.size > 0 ? others : known).keys().next().value ?? ''
    if (known.get(oldest)?.stranger === true) strangers--
    known.delete(oldest)
    others.delete(oldest)
  }
  /** As the last of its kind to be forgotten. */
  const keep = (key: string, one: Known) => {
    known.delete(key)
    others.delete(key)
    known.set(key, one)
    if (!one.configured) others.add(key)
  }

  const isExternal = (zone: string) => world()?.zones.get(zone)?.side === 'external'
  const about = (sides: Sides, stranger = false): Known | undefined => {
    const key = `${sides.ours} ${sides.peer}`
    const had = known.get(key)
    if (had !== undefined) {
      if (had.stranger && !stranger) {
        had.stranger = false
        strangers--
      }
      return had
    }
    if (stranger && strangers >= bounds.strangers) return undefined
    const configured = isConfigured(sides)
    if (known.size >= bounds.pairs) {
      if (!configured && others.size === 0) return undefined
      forgetOne()
    }
    if (stranger) strangers++
    const made: Known = { sides, inbound: {}, outbound: {}, asked: { valid: 0, invalid: 0, refused: 0 }, shown: { valid: 0, invalid: 0, failed: 0 }, stranger, configured, news: true, toldAt: -Infinity, askedAt: 0 }
    keep(key, made)
    return made
  }

  const of = ({ sides, inbound, outbound, inside, asked, shown, certificate }: Known): PairFacts => {
    const count = countOf(sides)
    const decision = world()?.decide(sides, 'outbound')
    return {
      v: 1, id: Buffer.from(random.bytes(15)).toString('base64url'), gateway, at: stamp(clock.now()), startedAt, ours: sides.ours, peer: sides.peer,
      inbound: { ...inbound, ...(count === undefined || count.lastIn === 0 ? {} : { lastStanzaAt: stamp(clock.now() - (clock.elapsed() - count.lastIn)) }) },
      outbound: { ...outbound }, ...(inside === undefined ? {} : { inside: { ...inside } }), asked: { ...asked }, shown: { ...shown }, ...(certificate === undefined ? {} : { certificate: { ...certificate } }),
      stanzas: { in: count?.in ?? 0, out: count?.out ?? 0, outcomes: count === undefined ? { ...NONE } : { ...count.outcomes } },
      bounces: Object.fromEntries(count?.bounces ?? []),
      policy: { ...(decision?.policy === undefined ? {} : { name: decision.policy }), action: actionOf(decision), shadowed: count?.shadowed ?? 0, refused: count?.refused ?? 0 },
    }
  }

  /** The leaf that the peer showed, whoever of the two has connected. */
  const saw = (one: Known, { key, issuer, notAfter, pinned, matches }: CertificateSeen, at: number, where: { zone: string, remote?: string }) => {
    const { sides: { ours, peer }, certificate: before } = one
    const changed = before !== undefined && before.key !== key
    const changedAt = changed ? stamp(at) : before?.changedAt
    one.certificate = { key, issuer: quoted(issuer, 290), notAfter: stamp(notAfter), pinned, matches, ...(changedAt === undefined ? {} : { changedAt }) }
    if (changed) tell({ on: 'pin-changed', ...where, from: peer, to: ours, says: `${peer} has another key in its certificate than before${pinned ? `, and ${matches ? 'it is one of its pins' : 'none of its pins'}` : ''}.` })
  }

  return {
    authenticated: ({ zone, sides, at, remote, by, tls, certificate }) => {
      if (!isExternal(zone)) return
      const one = about(sides)
      if (one === undefined) return
      one.news = true
      one.inbound = { ...one.inbound, authenticatedAt: stamp(at), by: by.slice(0, 20), from: remote.slice(0, 60) }
      if (tls === undefined) delete one.inbound.tls
      else one.inbound.tls = tls.slice(0, 40)
      if (certificate !== undefined) saw(one, certificate, at, { zone, remote: remote.slice(0, 100) })
    },
    refused: ({ zone, sides, at, remote, says }) => {
      if (!isExternal(zone)) return
      const one = about(sides, true)
      if (one === undefined) return
      one.news = true
      one.inbound = { ...one.inbound, refusedAt: stamp(at), refusal: quoted(says, 380), from: remote.slice(0, 60) }
    },
    asked: ({ zone, sides, at, remote, answer }) => {
      if (!isExternal(zone)) return
      const one = about(sides, true)
      if (one === undefined) return
      one.news = true
      one.askedAt = at
      one.asked[answer === 'valid' || answer === 'invalid' ? answer : 'refused']++
      Object.assign(one.asked, { lastAt: stamp(at), last: answer, from: remote.slice(0, 60) })
    },
    shown: ({ zone, sides, answer }) => {
      if (!isExternal(zone)) return
      const one = about(sides, true)
      if (one === undefined) return
      one.news = true
      one.shown[answer]++
    },
    dialed: (zone, sides, began, result) => {
      const one = isExternal(zone) ? about(sides) : undefined
      if (one === undefined) return
      one.news = true
      const { certificate } = 'stream' in result ? result.stream : result.failed
      if (certificate !== undefined) saw(one, certificate, clock.now(), { zone })
      if ('stream' in result) {
        const { by } = result.stream
        const { tls } = result.stream.view()
        one.outbound = { triedAt: stamp(began), readyAt: stamp(clock.now()), by, ...(tls === undefined ? {} : { tls: tls.slice(0, 40) }) }
        return
      }
      const { failed } = result
      const { readyAt, by, tls } = one.outbound
      const refusedName = failed.answer !== undefined || failed.reason === 'dialback-invalid' || failed.reason === 'dialback-error'
      const condition = failed.condition ?? conditionOf(failed.failure)
      one.outbound = {
        ...(readyAt === undefined ? {} : { readyAt }), ...(by === undefined ? {} : { by }), ...(tls === undefined ? {} : { tls }),
        triedAt: stamp(began), failedAt: stamp(clock.now()), reason: failed.reason,
        ...(condition === undefined ? {} : { condition: quoted(condition, 50) }), ...(failed.text === undefined ? {} : { text: quoted(failed.text, 280) }),
        ...(refusedName ? { refusedUnasked: one.askedAt < began } : {}),
      }
    },
    wantedInside: (sides, result) => {
      const one = 'failed' in result && OF_ONE_PEER.includes(result.failed.condition ?? '') ? undefined : about(sides)
      if (one === undefined) return
      one.news = true
      const now = stamp(clock.now())
      one.inside = 'stream' in result ? { readyAt: now } : { ...(one.inside?.readyAt === undefined ? {} : { readyAt: one.inside.readyAt }), failedAt: now, reason: result.failed.reason }
    },
    tick: () => {
      const now = clock.elapsed()
      let told = 0
      for (const [key, one] of known) {
        if (told >= bounds.atOnce) return
        const count = countOf(one.sides)
        const news = one.news || count?.news === true
        if (now - one.toldAt < (news ? SPACING_MS : EVERY_MS)) continue
        one.news = false
        if (count !== undefined) count.news = false
        one.toldAt = now
        told++
        // Behind all others, so that each has its turn and the one of which nothing was heard for longest is the first to be forgotten.
        one.configured = isConfigured(one.sides)
        keep(key, one)
        publish(of(one))
      }
    },
    last: () => { for (const one of known.values()) publish(of(one)) },
    get size () { return known.size },
  }
}

/** The server ends a stream with these because of whom it is from, or because it has another. */
const OF_ONE_PEER: readonly string[] = ['policy-violation', 'conflict', 'invalid-from', 'improper-addressing']

const NONE: PairFacts['stanzas']['outcomes'] = { acknowledged: 0, written: 0, 'unknown-fate': 0, bounced: 0, expired: 0, 'dropped-by-rule': 0 }

function actionOf (decision: ReturnType<World['decide']> | undefined): string {
  if (decision === undefined) return 'unknown'
  if (decision.wanted !== 'enabled') return decision.wanted
  return decision.shadow ? 'shadow-deny' : decision.action
}

function conditionOf (failure: Failure | undefined): string | undefined {
  return failure !== undefined && 'condition' in failure ? failure.condition : undefined
}

function stamp (at: number): string {
  return new Date(at).toISOString()
}
