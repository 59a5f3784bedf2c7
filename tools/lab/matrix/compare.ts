// What a fleet says, held against what it should say and against what it said while all was well. Pure.
import type { Cause, OverviewRow } from '@dialtone/contracts'
import type { AlertName } from '@dialtone/deploy'
import type { Expected } from '../seams.ts'

export type Row = Pick<OverviewRow, 'domain' | 'peer' | 'state' | 'cause' | 'side' | 'sentence'>
/** Rows by domain, or domain and peer. */
export type Rows = ReadonlyMap<string, Row>

/** Rows that may change, too, because they suffer from the same thing: of this domain, or peer of it, with one of these causes. */
export type Follows = { domain?: string, peer?: string, causes: readonly Cause[] }

/** What one fleet should do while something is broken. */
export type SideExpectation = {
  /** Empty: nothing is to be said at all, and nobody told. */
  rows: readonly Expected[]
  follows?: readonly Follows[]
  /** The names of the alerts that an operator is told of, and no other. */
  alerts: readonly AlertName[]
  /** What the way out to a peer must be told as not asked, where nothing may be named because of that. */
  untested?: readonly { domain: string, peer: string, what: string }[]
}

export type Comparison = {
  /** What should be said and is not, with what is said instead. */
  missing: { expected: Expected, said: Row | undefined }[]
  /** What became wrong beside it, and why that is in order. */
  explained: Row[]
  /** What became wrong and should not have. */
  unexplained: Row[]
}

export function keyOf ({ domain, peer }: { domain: string, peer?: string | undefined }): string {
  return peer === undefined ? domain : `${domain} ${peer}`
}

export function rowsOf (rows: readonly Row[]): Rows {
  return new Map(rows.map(row => [keyOf(row), row]))
}

/** `before`: what was said while all was well. A row with the cause of an expected one of the same domain is the same fault. */
export function compare ({ rows: expected, follows = [] }: SideExpectation, before: Rows, now: Rows): Comparison {
  const missing = expected.flatMap(each => {
    const said = now.get(keyOf(each))
    return said !== undefined && fits(said, each) ? [] : [{ expected: each, said }]
  })
  const asked = new Set(expected.map(keyOf))
  const others = [...now].filter(([key, row]) => !asked.has(key) && !same(row, before.get(key))).map(([, row]) => row)
  const gone = [...before].filter(([key]) => !now.has(key)).map(([, row]): Row => ({ ...row, state: 'unknown', cause: 'unknown', sentence: `${keyOf(row)}: nothing is said of it any more.` }))
  const explained = others.filter(row => row.cause === 'healthy' || expected.some(({ domain, cause }) => domain === row.domain && cause === row.cause) || follows.some(each => follow(row, each)))
  return { missing, explained, unexplained: [...others.filter(row => !explained.includes(row)), ...gone] }
}

export function fits (row: Row, { cause, state, side }: Expected): boolean {
  return row.cause === cause && (state === undefined || row.state === state) && (side === undefined || row.side === side)
}

/** As it was, as far as an operator sees it. */
export function same (one: Row, other: Row | undefined): boolean {
  return one.cause === other?.cause && one.state === other.state
}

/** 'cupdomain.test, gmail.test: dialback.domain-claimed (down, peer)' */
export function told ({ domain, peer, cause, state, side }: Expected): string {
  const more = [state, side].filter(each => each !== undefined).join(', ')
  return `${domain}${peer === undefined ? '' : ` with ${peer}`}: ${cause}${more === '' ? '' : ` (${more})`}`
}

function follow (row: Row, { domain, peer, causes }: Follows): boolean {
  return (domain === undefined || domain === row.domain) && (peer === undefined || peer === row.peer) && causes.includes(row.cause)
}
