/**
 * Whether a resolver that fails is a fault of ours, or only of the one who asked. It is ours where the vantage asks the resolver of our server, or where every
 * vantage's fails; else nobody knows.
 */
import { type Testimony, networksOf, networkOf } from './testimony.ts'
import type { Fault } from '../faults.ts'
import type { Ruling } from './ruling.ts'

const CAUSE = 'dns.resolver-unavailable'

/** About one of our domains, from everybody who asked a resolver in its interest. Undefined where no resolver of ours is at fault. */
export function resolverOfOurs (heard: readonly Testimony[], domain: string): Ruling | undefined {
  const current = latestQuestions(heard)
  const shares = current.filter(({ standpoint }) => standpoint.sharesResolverWith.includes(domain))
  const failing = shares.filter(fails)
  if (failing.length > 0 && failing.length === shares.length) {
    return {
      cause: CAUSE, state: 'down', side: 'ours', proof: faultsOf(failing), agree: failing, relevant: shares, primary: failing,
      says: 'the resolver that our server asks gives no usable answer, so that it can call nobody and call nobody back',
      doubted: doubts(current.filter(each => !fails(each)).length > 0, 'vantage.unhealthy', 'a resolver that fails is a fact about its network, and our server asks the same one'),
    }
  }
  const blind = current.filter(fails)
  if (blind.length === current.length && networksOf(blind).size > 1) {
    return { cause: CAUSE, state: 'down', side: 'ours', proof: faultsOf(blind), agree: blind, relevant: current, primary: blind, says: 'no vantage gets an answer from its resolver' }
  }
  return undefined
}

/** Nobody of those who count could ask, and it is not known whether our own server can. */
export function resolverUnknown (some: readonly Testimony[]): Ruling | undefined {
  const blind = some.filter(({ view }) => view === 'blind')
  if (blind.length === 0 || blind.length < some.length) return undefined
  const proof = faultsOf(blind)
  if (proof.length === 0) return undefined
  return { cause: CAUSE, proof, agree: blind, relevant: blind, primary: blind, wouldDecide: ['a vantage on another network, with a resolver of its own', "naming the domains whose server asks this resolver: sharesResolverWith of the vantage"] }
}

/** Of each vantage what it asked last: one and the same resolver answers for all its jobs. Who asked nothing has no say. */
function latestQuestions (heard: readonly Testimony[]): Testimony[] {
  const asking = heard.filter(({ observation }) => observation.dns.length > 0)
  return [...Map.groupBy(asking, each => `${networkOf(each)} ${each.standpoint.vantage}`).values()].flatMap(group => {
    const last = Math.max(...group.map(({ proofs }) => proofs.startedAt))
    return group.filter(({ proofs }) => proofs.startedAt === last)
  })
}

function fails ({ proofs: { faults, works } }: Testimony): boolean {
  return !works && faults.some(({ cause }) => cause === CAUSE)
}

function faultsOf (some: readonly Testimony[]): Fault[] {
  return some.flatMap(({ proofs }) => proofs.faults.filter(({ cause }) => cause === CAUSE))
}

function doubts (is: boolean, cause: 'vantage.unhealthy', because: string): NonNullable<Ruling['doubted']> {
  return is ? [{ cause, because }] : []
}
