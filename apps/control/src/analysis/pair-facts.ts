/**
 * What gateways tell of the pairs that they carry: kept, the last of each, and put on record where it changes what an operator should know. Facts of pairs that nobody
 * configured are kept too, in bounds, and are no changes: strangers make as many as they like.
 */
import { hash } from 'node:crypto'
import { domainTokens, type ChangeView, type Delivery, type PairFacts } from '@dialtone/contracts'
import { defineCounter, quoted, type Meter } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import type { Analysis } from './analysis.ts'
import { iso } from './board.ts'
import { takeInsideWay } from './inside-ways.ts'

/** One thing of one pair at one gateway is put on record so often at most; what it is then is put on record with what comes after. */
const SAME_CHANGE_MS = 60_000
/** Somebody uses a name again and again: once in this time. */
const MISUSE_MS = 3_600_000

/** Whole batches, in one transaction with the place in the stream. */
export function takePairFacts (batch: readonly Delivery<PairFacts>[], { store, analysis, meter }: { store: Store, analysis: Pick<Analysis, 'carried' | 'expectations' | 'noticed'>, meter: Meter }): void {
  const changes: ChangeView[] = []
  const bearing: PairFacts[] = []
  const reached = new Set<string>()
  store.transaction(() => {
    for (const { body, key, seq, at } of batch) {
      store.setPosition('facts', seq)
      // The key is what the bus lets its sender send.
      if (key.join('.') !== [body.gateway, ...domainTokens(body.peer)].join('.')) {
        meter.add(pairFactsTaken, { result: 'refused' })
        continue
      }
      const taken = Date.parse(at)
      const before = store.pairFacts.put(body, taken)
      meter.add(pairFactsTaken, { result: 'taken' })
      if (analysis.expectations.domain(body.ours) !== undefined && takeInsideWay(store.journal, body, taken, analysis.expectations.gatewaysOf(body.ours))) reached.add(body.ours)
      if (!analysis.expectations.has({ domain: body.ours, peer: body.peer })) continue
      if (before === undefined || bearingOf(before) !== bearingOf(body)) bearing.push(body)
      for (const change of changesOf(before, body, taken, store.journal)) {
        store.journal.change(change)
        changes.push(change)
      }
    }
  })
  for (const domain of reached) analysis.carried({ domain })
  for (const { ours, peer } of bearing) analysis.carried({ domain: ours, peer })
  if (batch.length > 0) analysis.noticed(changes.map(change => ({ on: 'change', change })))
}

/** What of it bears on a verdict, but for the times, which the hour sees to. */
function bearingOf ({ inbound, outbound, asked }: PairFacts): string {
  return JSON.stringify([outbound.refusedUnasked, outbound.reason, (outbound.failedAt ?? '') > (outbound.readyAt ?? ''), inbound.authenticatedAt === undefined, asked.lastAt === undefined])
}

type Aspect = { name: string, value: string, what: string, every?: number }

function changesOf (before: PairFacts | undefined, facts: PairFacts, at: number, journal: Store['journal']): ChangeView[] {
  return aspectsOf(before, facts, at).flatMap(({ name, value, what, every = SAME_CHANGE_MS }) => {
    const key = `${facts.peer} gateway ${facts.gateway} ${facts.ours} ${name}`
    const known = read(journal.fact(key))
    if (known?.value === value || (known !== undefined && known.at > 0 && at - known.at < every)) return []
    // What is known for the first time is no change, unless it is one by itself.
    const first = known === undefined && every === SAME_CHANGE_MS
    journal.setFact(key, JSON.stringify({ value, at: first ? 0 : at }))
    if (first) return []
    return [{
      id: hash('sha256', `${key} ${facts.id}`).slice(0, 24), at: iso(at), domain: facts.peer, kind: 'gateway' as const, what: `${facts.gateway}: ${what}`, before: known?.value ?? null, after: value, actor: facts.gateway,
    }]
  })
}

/** What is known of a pair, each as one word or two that are equal while nothing changed. */
function aspectsOf (before: PairFacts | undefined, { ours, peer, inbound, outbound, certificate, policy, asked, shown, startedAt }: PairFacts, at: number): Aspect[] {
  const aspects: Aspect[] = []
  const [ready, failed] = [Date.parse(outbound.readyAt ?? ''), Date.parse(outbound.failedAt ?? '')]
  if (failed > (Number.isNaN(ready) ? 0 : ready)) {
    const why = outbound.reason ?? 'for a reason that is not told'
    aspects.push({ name: 'out', value: `fails: ${why}`, what: `${ours} does not get a stream to ${peer}: ${why}${outbound.text === undefined ? '' : ` (${quoted(outbound.text, 200)})`}` })
  } else if (!Number.isNaN(ready)) aspects.push({ name: 'out', value: 'ready', what: `${ours} has a stream to ${peer}, ${authenticationOf(outbound)}` })
  const [entered, refused] = [Date.parse(inbound.authenticatedAt ?? ''), Date.parse(inbound.refusedAt ?? '')]
  if (refused > (Number.isNaN(entered) ? 0 : entered)) aspects.push({ name: 'in', value: 'refused', what: `${peer} was refused at the way to ${ours}${inbound.refusal === undefined ? '' : `: ${quoted(inbound.refusal, 300)}`}` })
  else if (!Number.isNaN(entered)) aspects.push({ name: 'in', value: 'authenticated', what: `${peer} proved itself to ${ours}, ${authenticationOf(inbound)}` })
  if (certificate !== undefined) {
    aspects.push({ name: 'key', value: certificate.key, what: `${peer} shows another public key${certificate.pinned ? certificate.matches ? ', which is pinned' : ', which is not the one that is pinned' : ''}` })
  }
  aspects.push({ name: 'policy', value: `${policy.name ?? ''} ${policy.action}`, what: `${ours} and ${peer} are under ${policy.name === undefined ? 'no policy' : `the policy ${policy.name}`}: ${quoted(policy.action, 40)}` })
  // Counts begin anew with the gateway.
  const since = before?.startedAt === startedAt ? before : undefined
  if (asked.invalid > (since?.asked.invalid ?? 0)) aspects.push({ name: 'misuse', value: iso(at), every: MISUSE_MS, what: `${peer} asked about a key that ${ours} did not make: somebody uses our domain there${asked.from === undefined ? '' : ` (asked from ${quoted(asked.from, 60)})`}` })
  if (shown.invalid > (since?.shown.invalid ?? 0)) aspects.push({ name: 'forged', value: iso(at), every: MISUSE_MS, what: `somebody who is not ${peer} used its name to us: its own server calls the key invalid` })
  return aspects
}

function authenticationOf ({ by, tls }: { by?: string, tls?: string }): string {
  return `by ${by === undefined ? 'means that are not told' : quoted(by, 20)}, ${tls === undefined ? 'without TLS' : quoted(tls, 40)}`
}

function read (text: string | undefined): { value: string, at: number } | undefined {
  return text === undefined ? undefined : JSON.parse(text) as { value: string, at: number }
}

export const pairFactsTaken = defineCounter('dialtone_pair_facts_total', 'What gateways told of pairs: taken, or refused as it was told under the name of another.', ['result'])
