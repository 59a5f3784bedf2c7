// Who speaks to whom: what is authenticated on an S2S stream is a pair of domains in one direction, never a connection (RFC 6120 §8.1.2.2).
import { canonicalDomain, domainOf } from '../domain.ts'

/** Two domains in their canonical form (`canonicalDomain`). */
export type Pair = { from: string, to: string }

export function samePair (a: Pair, b: Pair): boolean {
  return a.from === b.from && a.to === b.to
}

/** The other direction: what an answer carries. */
export function reversed ({ from, to }: Pair): Pair {
  return { from: to, to: from }
}

/** The pair that two attributes name, or undefined when one of them is no domain. */
export function pairOfDomains (from: string, to: string): Pair | undefined {
  return pairOf(canonicalDomain(from), canonicalDomain(to))
}

/** The pair of a stanza's addresses. */
export function pairOfAddresses (from: string | undefined, to: string | undefined): Pair | undefined {
  return pairOf(domainOf(from ?? ''), domainOf(to ?? ''))
}

function pairOf (from: string | undefined, to: string | undefined): Pair | undefined {
  return from === undefined || to === undefined ? undefined : { from, to }
}
