// What would happen to a stanza, as an answer: the outcome in one sentence, then why.
import type { RouteExplanation, RouteStep } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { wrap, type Colour, type Terminal } from '../terminal.ts'
import { sectionsText, type Section } from './describe.ts'
import { sinceOf } from './fleet.ts'
import { spanOf } from './watching.ts'

const WOULD: Readonly<Record<RouteExplanation['outcome'], string>> = { deliver: 'would be delivered', queue: 'would wait', refuse: 'would be refused', drop: 'would be dropped' }
const COLOUR: Readonly<Record<RouteExplanation['outcome'], Colour>> = { deliver: 'green', queue: 'yellow', refuse: 'red', drop: 'red' }
const WAY: Readonly<Record<RouteExplanation['way']['by'], string>> = {
  records: 'by the records of the domain', route: 'by the Route', internal: 'to where the Domain says its servers are', component: 'to the component', peer: 'to the endpoints of the Peer', none: 'there is none',
}

/** `now`: the server's clock. */
export function explanationText ({ gateway, revision, from, to, outcome, says, refusal, zones, policy, way, streams, queue }: RouteExplanation, now: string, terminal: Terminal): string {
  const { columns, paint, shapes } = terminal
  const sections: Section[] = [
    ['Gateway', [`${gateway}, by revision ${revision} of the configuration`]],
    ['Answer', refusal === undefined ? [] : [`the sender gets <${quoted(refusal.condition, 60)}/> (${quoted(refusal.type, 20)}), for the reason '${refusal.reason}'`]],
    ['Zones', [`${zones.from ?? 'no zone'} ${shapes.line}${shapes.to} ${zones.to ?? 'no zone'}`]],
    ['Policy', policy.action === 'none' ? [quoted(policy.matched, 600)] : [`${policy.name === undefined ? 'none' : `Policy ${policy.name}`}: ${quoted(policy.action, 40)}${policy.until === undefined ? '' : `, until ${policy.until}`}`, quoted(policy.matched, 600)]],
    ['Expects', policy.expects.map(one => quoted(one, 300))],
    ['Way', [`${WAY[way.by]}${way.name === undefined ? '' : ` ${quoted(way.name, 300)}`}`, ...way.targets.map(({ target, kind, says: said, failed }) => `${markOf(failed, terminal)} ${quoted(target, 300)} ${quoted(kind, 20)}  ${quoted(said, 300)}`)]],
    ['Streams', streams.length === 0 ? ['none carries it now'] : streams.map(({ id, direction, remote, state, tls, pairs, since, stanzas }) => `${quoted(id, 64)} ${direction === 'inbound' ? 'in' : 'out'} ${quoted(remote, 100)} ${quoted(state, 40)}, ${tls === undefined ? 'no TLS' : quoted(tls, 40)}, ${[...new Set(pairs.map(({ by }) => by))].join(' and ') || 'nobody proved yet'}, open for ${sinceOf(since, now)}, ${stanzas.in} in ${stanzas.out} out`)],
    ['Waiting', queue === undefined ? [] : [`${queue.state}: ${queue.stanzas} stanzas of ${queue.bytes} bytes${queue.stanzas === 0 ? '' : `, the oldest for ${spanOf(queue.oldestSeconds * 1000)}`}${queue.nextAttemptSeconds === undefined ? '' : `; again in ${spanOf(queue.nextAttemptSeconds * 1000)}`}`]],
    ['Last failure', queue?.failure === undefined ? [] : [`${queue.failure.reason}, ${sinceOf(queue.failure.at, now)} ago: ${quoted(queue.failure.says, 400)}`, ...queue.failure.steps.map(step => stepLine(step, terminal))]],
  ]
  return `${paint(COLOUR[outcome], wrap(headline(from, to, outcome, says), columns))}\n\n${sectionsText(sections, terminal)}`
}

/** What the gateway says goes on where it begins with the outcome, so that nothing is said twice. */
function headline (from: string, to: string, outcome: RouteExplanation['outcome'], says: string): string {
  const [, rest] = OPENING[outcome]?.exec(says) ?? []
  return `A stanza from ${from} to ${to} ${WOULD[outcome]}${rest === undefined ? `: ${quoted(says, 600)}` : quoted(rest, 600)}`
}
const OPENING: Partial<Record<RouteExplanation['outcome'], RegExp>> = { refuse: /^It (?:is refused|would be returned)([:, ].*)$/s, queue: /^It waits( .*)$/s }

function stepLine ({ ms, step, target, outcome, says }: RouteStep, { shapes, paint }: Terminal): string {
  const mark = outcome === 'ok' ? paint('green', shapes.ok) : outcome === 'failed' ? paint('red', shapes.failed) : paint('dim', shapes.skipped)
  return `${mark} ${`${Math.round(ms)} ms`.padStart(9)}  ${step}${target === undefined ? '' : ` ${quoted(target, 300)}`}: ${quoted(says, 400)}`
}

function markOf (failed: boolean | undefined, { shapes, paint }: Terminal): string {
  return failed === undefined ? paint('dim', shapes.skipped) : failed ? paint('red', shapes.failed) : paint('green', shapes.ok)
}
