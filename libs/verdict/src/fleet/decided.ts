// Those of one side together, as `judge` decides it, and who of them saw it.
import type { Untested } from '@dialtone/contracts'
import { decide } from '../judge.ts'
import type { Fault } from '../faults.ts'
import type { Hearing, Testimony } from './testimony.ts'
import { testifying } from './testimony.ts'
import type { Ruling } from './ruling.ts'

/** The cause by the order of judging, with `unknown` where nobody could tell. */
export function decided (primary: readonly Testimony[]): Ruling {
  const { cause, proof } = agreed(primary)
  const own = proof.filter(fault => fault.cause === cause)
  // A dead endpoint beside a good one is told by what it died of.
  const seenBy = new Set((own.length > 0 ? own : proof).map(({ vantage }) => vantage))
  const relevant = testifying(primary).filter(each => couldSee(each, cause))
  const all = cause === 'healthy' || cause === 'peer.partition'
  return {
    cause, proof, relevant, primary, agree: all ? relevant : primary.filter(({ standpoint, proofs }) => seenBy.has(standpoint.vantage) && shows(proofs, cause)),
    ...(cause === 'peer.partition' ? { says: `vantages disagree: it works from ${listed(relevant.filter(({ view }) => view === 'works'))}, and not from ${listed(relevant.filter(({ view }) => view !== 'works'))}` } : {}),
    ...(cause === 'unknown' ? { wouldDecide: [...new Set(proof.flatMap(({ remedy }) => remedy ?? []))].toSorted() } : {}),
  }
}

/** Of one side, some through and some not is a partition, be it in what their resolvers say; who could not ask has no say. */
function agreed (primary: readonly Testimony[]): ReturnType<typeof decide> {
  const { cause, proof } = decide(primary.map(({ proofs }) => proofs))
  const said = testifying(primary)
  const dissent = said.filter(({ view }) => view !== 'works')
  if (cause === 'dialback.domain-claimed' || dissent.length === 0 || dissent.length === said.length) return { cause, proof }
  return { cause: 'peer.partition', proof: dissent.flatMap(({ proofs }) => proofs.faults) }
}

/** Who was told where to connect has seen no records. */
function couldSee ({ observation: { dns } }: Testimony, cause: string): boolean {
  return dns.length > 0 || !(cause.startsWith('dns.') || cause === 'degraded.records')
}

/** Vantages that a sentence names. */
const NAMED = 3

function listed (some: readonly Testimony[]): string {
  const names = [...new Set(some.map(({ standpoint }) => standpoint.vantage))].toSorted()
  return names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '')
}

/** What somebody saw is the cause, or a part of it. */
export function shows ({ faults, soft, deep }: Testimony['proofs'], cause: string): boolean {
  return cause === 'degraded.endpoint-dead' ? faults.length > 0 || soft.length > 0 || (deep?.faults.length ?? 0) > 0 : [...faults, ...soft, ...deep?.faults ?? []].some(fault => fault.cause === cause)
}

/** Nobody is left to ask: because agents were set aside, or because nobody looked. Undefined where somebody is heard. */
export function nobody ({ heard, setAside }: Hearing, asked: string): Ruling | undefined {
  if (heard.length > 0) return undefined
  const proof: Fault[] = setAside.map(({ vantage, why }) => ({ cause: 'vantage.unhealthy', text: why, vantage }))
  const common = { agree: [], relevant: [], primary: [], wouldDecide: [asked] }
  if (proof.length === 0) return { cause: 'unknown', proof, says: 'nobody has looked yet', ...common }
  return { cause: 'vantage.unhealthy', proof, says: 'only agents that are unwell themselves have looked', ...common }
}

/** What is wanted of us stops it, whatever else is seen. */
export function stoppedByUs (why: string | undefined, primary: readonly Testimony[]): Ruling | undefined {
  if (why === undefined) return undefined
  return { cause: 'policy.refused-by-us', proof: [], says: `stopped on purpose: ${why}`, agree: [], relevant: [], primary, confidence: 'proved' }
}

/** What a fleet can ask and nobody did. */
export function openOf (heard: readonly Testimony[], which: { inside: Untested | undefined, outside: Untested | undefined }): Untested[] {
  const families = new Set(heard.flatMap(({ observation: { asked } }) => asked.families))
  const shown = heard.some(({ observation: { asked } }) => asked.clientCertificate)
  const deep = heard.some(({ proofs }) => proofs.deep !== undefined)
  return [
    ...[which.inside, which.outside].filter(each => each !== undefined),
    ...(deep ? [] : [{ what: 'dialback', needs: 'a deep check' }]),
    ...(shown ? [] : [{ what: 'EXTERNAL', needs: 'an agent with a certificate' }]),
    ...([4, 6] as const).filter(family => heard.length > 0 && !families.has(family)).map(family => ({ what: `IPv${family}`, needs: `a vantage with IPv${family}` })),
  ]
}
