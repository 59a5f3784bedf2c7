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
  const seenBy = new Set(proof.filter(fault => fault.cause === cause).map(({ vantage }) => vantage))
  const relevant = testifying(primary)
  const all = cause === 'healthy' || cause === 'peer.partition'
  return {
    cause, proof, relevant, primary, agree: all ? relevant : primary.filter(({ standpoint, proofs }) => seenBy.has(standpoint.vantage) && shows(proofs, cause)),
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

function shows ({ faults, soft, deep }: Testimony['proofs'], cause: string): boolean {
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
  const { families, shown, deep } = { families: new Set(heard.flatMap(({ observation: { asked } }) => asked.families)), shown: heard.some(({ observation: { asked } }) => asked.clientCertificate), deep: heard.some(({ proofs }) => proofs.deep !== undefined) }
  return [
    ...[which.inside, which.outside].filter(each => each !== undefined),
    ...(deep ? [] : [{ what: 'dialback', needs: 'a deep check' }]),
    ...(shown ? [] : [{ what: 'EXTERNAL', needs: 'an agent with a certificate' }]),
    ...([4, 6] as const).filter(family => heard.length > 0 && !families.has(family)).map(family => ({ what: `IPv${family}`, needs: `a vantage with IPv${family}` })),
  ]
}
