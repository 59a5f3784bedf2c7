// What a fleet says, held against what it should say and against what it said while all was well. Pure.
import type { OverviewRow } from '@dialtone/contracts'
import type { ToldAlert } from './alerts.ts'

export type Row = Pick<OverviewRow, 'domain' | 'peer' | 'state' | 'cause' | 'side' | 'sentence'>
/** What a row must say: all of it is compared. */
export type Saying = Omit<Row, 'sentence'>
/** Rows by domain, or domain and peer. */
export type Rows = ReadonlyMap<string, Row>

/** What one fleet should do while something is broken. */
export type SideExpectation = {
  /** Empty: nothing is to be said at all. One of a domain explains the pairs of that domain that say the same. */
  rows: readonly Saying[]
  /** What may be said, too, because it suffers from the same thing. */
  follows?: readonly Saying[]
  /** What an operator is told. Alerts of rows that are explained may be told as well, and no other. */
  alerts: readonly ToldAlert[]
  /** What the way out to a peer must be told as not asked, where nothing may be named because of that. */
  untested?: readonly { domain: string, peer: string, what: string }[]
}

export type Comparison = {
  /** What should be said and is not, with what is said instead. */
  missing: { expected: Saying, said: Row | undefined }[]
  /** What became wrong beside it, and why that is in order. */
  explained: Row[]
  /** What became wrong and should not have. */
  unexplained: Row[]
}

/** 'ours.example' of a domain, 'ours.example partner.example' of a pair. */
export function keyOf ({ domain, peer }: { domain: string, peer?: string | undefined }): string {
  return peer === undefined ? domain : `${domain} ${peer}`
}

/** By their keys. */
export function rowsOf (rows: readonly Row[]): Rows {
  return new Map(rows.map(row => [keyOf(row), row]))
}

/** `before`: what was said while all was well. What is not said any more is unexplained, too. */
export function compare (expectation: SideExpectation, before: Rows, now: Rows): Comparison {
  const missing = expectation.rows.flatMap(expected => {
    const said = now.get(keyOf(expected))
    return same(expected, said) ? [] : [{ expected, said }]
  })
  const asked = new Set(expectation.rows.map(keyOf))
  const others = changed(before, now).filter(row => !asked.has(keyOf(row)))
  const explained = others.filter(row => explains(expectation, row))
  return { missing, explained, unexplained: others.filter(row => !explained.includes(row)) }
}

/** Rows that are not as before, and those that are gone. */
export function changed (before: Rows, now: Rows): Row[] {
  const gone = [...before].filter(([key]) => !now.has(key)).map(([, row]): Row => ({ ...row, state: 'unknown', cause: 'unknown', side: 'observer', sentence: `${keyOf(row)}: nothing is said of it any more.` }))
  return [...[...now].filter(([key, row]) => !same(row, before.get(key))).map(([, row]) => row), ...gone]
}

/** Whether an expected row, or one that may follow, says that of it. */
export function explains ({ rows, follows = [] }: SideExpectation, row: Saying): boolean {
  return rows.some(each => each.peer === undefined && each.domain === row.domain && same(each, row)) || follows.some(each => keyOf(each) === keyOf(row) && same(each, row))
}

/** Whether both say the same, of whatever. */
export function same (one: Saying, other: Saying | undefined): boolean {
  return one.cause === other?.cause && one.state === other.state && one.side === other.side
}

/** 'cupdomain.test with gmail.test: dialback.domain-claimed (down, peer)' */
export function told ({ domain, peer, cause, state, side }: Saying): string {
  return `${domain}${peer === undefined ? '' : ` with ${peer}`}: ${cause} (${state}, ${side})`
}
