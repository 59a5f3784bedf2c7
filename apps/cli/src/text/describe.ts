// Everything about one domain or pair, in sections whose names do not change, so that one can search in it.
import type { DomainView, FleetVerdict, OverviewRow, PairFacts, PairView, Timeline, VantageView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { wrap, type Terminal } from '../terminal.ts'
import { milliseconds } from './endpoints.ts'
import { sinceOf, subjectOf } from './fleet.ts'
import { stateWord } from './states.ts'
import { broken } from './table.ts'

/** Where values begin. */
const COLUMN = 14
const MOST_CHANGES = 8
const MOST_ENDPOINTS = 24

export type Section = readonly [name: string, lines: readonly string[]]

export function domainText (view: DomainView, timeline: Timeline | undefined, terminal: Terminal): string {
  return sectionsText([
    ['Domain', [view.domain]],
    ...verdictSections(view.verdict, view, terminal),
    ...shared(view, timeline, terminal),
    ['Pairs', view.pairs.map(row => pairLine(row, terminal))],
    ...closing(view.verdict, view.vantages),
  ], terminal)
}

export function pairText (view: PairView, timeline: Timeline | undefined, terminal: Terminal): string {
  const worse = RANK[view.out.verdict.state] >= RANK[view.in.verdict.state] ? view.out : view.in
  return sectionsText([
    ['Link', [subjectOf(view)]],
    ...(['out', 'in'] as const).flatMap((direction): Section[] => [
      [direction === 'out' ? 'Out' : 'In', [direction === 'out' ? `${view.domain} to ${view.peer}` : `${view.peer} to ${view.domain}`]],
      ...verdictSections(view[direction].verdict, { ...view, ...view[direction] }, terminal),
    ]),
    ...shared(view, timeline, terminal),
    ['Gateways', (view.gateways ?? []).map(facts => factsLine(facts, view.asOf))],
    ['Back-off', view.backoffUntil === undefined ? [] : [`${view.peer} may refuse until ${view.backoffUntil}: it was asked and refused`]],
    ...closing(worse.verdict, view.vantages),
  ], terminal)
}

/** What a gateway that carries it told last. */
function factsLine ({ gateway, at, outbound, inbound, asked, shown, policy, stanzas }: PairFacts, asOf: string): string {
  const failing = outbound.failedAt !== undefined && outbound.failedAt > (outbound.readyAt ?? '')
  const refused = inbound.refusedAt !== undefined && inbound.refusedAt > (inbound.authenticatedAt ?? '')
  const out = failing ? `fails (${outbound.reason ?? 'nobody knows why'}${outbound.text === undefined ? '' : `: ${quoted(outbound.text, 200)}`})` : outbound.readyAt === undefined ? 'never tried' : `ready by ${quoted(outbound.by ?? 'unknown means', 20)}, ${quoted(outbound.tls ?? 'no TLS', 40)}`
  const inwards = refused ? `refused${inbound.refusal === undefined ? '' : ` (${quoted(inbound.refusal, 200)})`}` : inbound.authenticatedAt === undefined ? 'never seen' : `proved by ${quoted(inbound.by ?? 'unknown means', 20)}, ${quoted(inbound.tls ?? 'no TLS', 40)}`
  const misuse = [...(asked.invalid > 0 ? [`asked about ${asked.invalid} keys that we did not make`] : []), ...(shown.invalid > 0 ? [`${shown.invalid} keys in the peer's name were not its own`] : [])]
  return `${gateway}, ${sinceOf(at, asOf)} ago: out ${out}; in ${inwards}; ${stanzas.out} stanzas out, ${stanzas.in} in; ${policy.name === undefined ? 'no policy' : `policy ${policy.name}`}: ${quoted(policy.action, 40)}${misuse.map(one => `; ${one}`).join('')}`
}

const RANK = { up: 0, degraded: 1, unknown: 2, down: 3 } as const

type Dated = { asOf: string, since: string, lastUp?: string, checkedAt?: string, staleAfter?: string }

function verdictSections ({ state, cause, side, hop, confidence, sentence, agreement, ruledOut, setAside }: FleetVerdict, { asOf, since, lastUp, checkedAt, staleAfter }: Dated, terminal: Terminal): Section[] {
  const stale = staleAfter !== undefined && staleAfter < asOf ? ', which is too long ago' : ''
  return [
    ['State', [`${stateWord(state, terminal)} as of ${asOf}${checkedAt === undefined ? ', not checked yet' : `, checked ${sinceOf(checkedAt, asOf)} ago${stale}`}`]],
    ['Verdict', [`${cause}${side === 'nobody' ? '' : ` (${side}${hop === 'none' ? '' : `: ${hop}`})`}, ${confidence}`, quoted(sentence, 600)]],
    ['Since', [`${Date.parse(since) > 0 ? `${since} (${sinceOf(since, asOf)})` : 'never judged'}${lastUp === undefined ? '' : `, last up ${lastUp}`}`]],
    ['Agreement', [`inside ${agreement.insideAgree} of ${agreement.inside}, outside ${agreement.outsideAgree} of ${agreement.outside} networks saw what the cause says`]],
    ['Set aside', setAside.map(({ vantage, why }) => `${vantage}: ${quoted(why, 200)}`)],
    ['Ruled out', ruledOut.map(({ cause: other, because }) => `${other}: ${quoted(because, 300)}`)],
  ]
}

function shared (view: DomainView | PairView, timeline: Timeline | undefined, terminal: Terminal): Section[] {
  const { incident, vantages, asOf } = view
  const changes = (timeline?.changes ?? []).slice(-MOST_CHANGES)
  return [
    ['Incident', incident === undefined ? [] : [`${incident.id}, ${incident.state} since ${incident.openedAt}${incident.quietBecause === undefined ? '' : `, quiet because of ${quoted(incident.quietBecause, 60)}`}`]],
    ['Endpoints', endpointLines(vantages, terminal)],
    ['Changes', changes.map(({ at, what, kind, vantage }) => `${at}  ${kind}: ${quoted(what, 300)}${vantage === undefined ? '' : ` (seen from ${vantage})`}, ${sinceOf(at, asOf)} ago`)],
    ['Timeline', (timeline?.spans ?? []).filter(({ since }) => Date.parse(since) > 0).slice(-MOST_CHANGES).map(span => `${span.since}  ${span.direction === undefined ? '' : `${span.direction} `}${stateWord(span.state, terminal)} ${span.cause}${span.until === undefined ? '' : ` for ${sinceOf(span.since, span.until)}`}`)],
  ]
}

function endpointLines (vantages: readonly VantageView[], { paint, shapes }: Terminal): string[] {
  const seen = vantages.flatMap(({ vantage, job, aside, at, endpoints }) => endpoints.map(endpoint => ({ ...endpoint, vantage, job, aside, seenAt: at })))
  const lines = [...Map.groupBy(seen, ({ vantage, kind, target, port, address }) => `${vantage} ${kind} ${target} ${port} ${address}`).values()].flatMap(newestAndDeepest).map(({ target, port, address, steps, ended, vantage, job, aside, deep }) => {
    const failed = steps.find(({ outcome }) => outcome === 'failed')
    const reached = steps.findLast(({ outcome }) => outcome === 'ok')
    const what = failed === undefined ? paint('green', `${shapes.ok} ${reached?.stage ?? 'nothing'} ${milliseconds(steps.reduce((sum, { ms }) => sum + ms, 0))} ms`) : paint('red', `${shapes.failed} ${failed.failure === undefined ? failed.stage : failureOf(failed.stage, quoted(failed.failure, 80))}`)
    return `${quoted(target, 100)}:${port} ${address}  ${vantage} (${job}${deep ? ', deep' : ''})  ${what}${ended === undefined || failed !== undefined ? '' : `, ${quoted(ended, 80)}`}${aside === undefined ? '' : `, set aside: ${aside}`}`
  })
  return lines.length > MOST_ENDPOINTS ? [...lines.slice(0, MOST_ENDPOINTS), `and ${lines.length - MOST_ENDPOINTS} more (--json has all)`] : lines
}

type Seen = VantageView['endpoints'][number] & Pick<VantageView, 'vantage' | 'job'> & { aside: string | undefined, seenAt: string }

/** Of one endpoint from one vantage: how it was last, and what a deep check, which goes further, made of it where that was another thing. */
function newestAndDeepest (seen: readonly Seen[]): (Seen & { deep: boolean })[] {
  const [newest] = seen.toSorted((a, b) => b.seenAt.localeCompare(a.seenAt))
  const [deepest] = seen.toSorted((a, b) => b.steps.length - a.steps.length)
  if (newest === undefined || deepest === undefined) return []
  const failureIn = ({ steps }: Seen) => JSON.stringify(steps.find(({ outcome }) => outcome === 'failed')?.failure ?? null)
  const also = deepest.steps.length > newest.steps.length && failureIn(deepest) !== failureIn(newest)
  return [{ ...newest, deep: false }, ...also ? [{ ...deepest, deep: true }] : []]
}

/** Some failures begin with the stage. */
function failureOf (stage: string, failure: string): string {
  return failure.startsWith(stage) ? failure : `${stage}: ${failure}`
}

function closing ({ cause, runbook, remedy, evidence, wouldDecide, untested }: FleetVerdict, vantages: readonly VantageView[]): Section[] {
  return [
    ['Do', remedy.map((step, at) => `${at + 1}. ${quoted(step, 600)}`)],
    ['Runbook', runbook === undefined ? [] : [`${quoted(runbook, 200)} of the control API, or: dialtone explain ${cause} --runbook`]],
    ['Because', evidence.map(({ text: said, endpoint, vantage }) => [...(vantage === undefined ? [] : [vantage]), ...(endpoint === undefined ? [] : [endpoint]), quoted(said, 400)].join(': '))],
    ['Decide by', wouldDecide.length === 0 ? ['nothing more needed'] : wouldDecide.map(one => quoted(one, 300))],
    ['Not asked', untested.map(({ what, needs }) => `${quoted(what, 200)} (${quoted(needs, 200)})`)],
    ['Evidence', vantages.map(({ observation, vantage, job, same }) => `${observation} ${vantage} ${job}${same > 0 ? `, the same ${same} times before` : ''}`)],
  ]
}

function pairLine (row: OverviewRow, terminal: Terminal): string {
  const half = (direction: 'out' | 'in') => row[direction] === undefined ? '' : `  ${direction} ${stateWord(row[direction].state, terminal)} ${row[direction].cause}`
  return `${row.peer ?? ''}${half('out')}${half('in')}`
}

/** Sections that have lines, each name in front of its own. */
export function sectionsText (sections: readonly Section[], { columns, paint }: Terminal): string {
  const indent = ' '.repeat(COLUMN)
  return sections.filter(([, lines]) => lines.length > 0).map(([name, lines]) => paint('bold', `${name}:`.padEnd(COLUMN)) + lines.map(line => wrapped(line, columns - COLUMN - 2).join(`\n${indent}  `)).join(`\n${indent}`)).join('\n') + '\n'
}

/** Long words too, but for what is painted, which no cut may divide. */
function wrapped (line: string, width: number): string[] {
  return wrap(line, width).split('\n').flatMap(part => part.includes('\u001B') ? [part] : broken(part, width))
}
