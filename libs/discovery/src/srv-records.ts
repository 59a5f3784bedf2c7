/**
 * The SRV records of both services as one list (RFC 2782, XEP-0368 §3), and the target `.`, which says that a service is not offered. Facts about
 * the records; what to connect to is decided by plan.ts.
 */
import type { DnsAnswer, DnsPurpose, DnsRecord, EndpointKind } from '@dialtone/contracts'
import { canBeAsked } from './host-name.ts'

export type SrvRecord = Extract<DnsRecord, { type: 'SRV' }>
export type Service = 'xmpp-server' | 'xmpps-server'
/** An SRV record with how it is spoken to: `_xmpps-server` means TLS from the first byte. */
export type Target = SrvRecord & { kind: EndpointKind }

/** At most so many targets are looked up and connected to. */
export const MOST_TARGETS = 10

/** SRV records of one service, `.` left out, in the order of the plan: priority, then descending weight, then name and port. */
export function srvRecords (answers: readonly DnsAnswer[], purpose: Service | 'legacy-jabber'): SrvRecord[] {
  return allSrv(answers, purpose).filter(({ target }) => target !== '.').sort((a, b) => byMerit(a, b) || a.port - b.port)
}

/** The service is declared as not offered (RFC 2782: target `.`), whatever else stands beside it. */
export function saysNo (answers: readonly DnsAnswer[], purpose: Service): boolean {
  return allSrv(answers, purpose).some(({ target }) => target === '.')
}

/** The answers about the two services: at most one of each. */
export function serviceAnswers (answers: readonly DnsAnswer[]): DnsAnswer[] {
  return answers.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server')
}

/**
 * Distinct targets of both services, in the order of the plan (between equals STARTTLS goes first); one that is named twice keeps its better place.
 * Left out: what is no host name, and port 0, to which nobody can connect. `all` is before the bound, for counting what it leaves out.
 */
export function targetsOf (answers: readonly DnsAnswer[]): { all: number, targets: Target[] } {
  const usable = [
    ...srvRecords(answers, 'xmpp-server').map(record => ({ ...record, kind: 'starttls' as const })),
    ...srvRecords(answers, 'xmpps-server').map(record => ({ ...record, kind: 'direct' as const })),
  ].filter(({ target, port }) => port > 0 && canBeAsked(target)).sort((a, b) => byMerit(a, b) || (a.kind === b.kind ? a.port - b.port : a.kind === 'starttls' ? -1 : 1))
  const distinct = firstOfEach(usable, ({ kind, target, port }) => `${kind} ${target} ${port}`)
  return { all: distinct.length, targets: distinct.slice(0, MOST_TARGETS) }
}

/** The first item of each key, in order. */
export function firstOfEach<Item> (items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const seen = new Set<string>()
  return items.filter(item => !seen.has(keyOf(item)) && seen.add(keyOf(item)))
}

function allSrv (answers: readonly DnsAnswer[], purpose: DnsPurpose): SrvRecord[] {
  return answers.filter(answer => answer.purpose === purpose).flatMap(({ records }) => records.flatMap(record => record.type === 'SRV' ? [record] : []))
}

function byMerit (a: SrvRecord, b: SrvRecord): number {
  return a.priority - b.priority || b.weight - a.weight || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0)
}
