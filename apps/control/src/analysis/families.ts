/**
 * What is exposed of each subject, made when it is asked for: one series of a domain or a pair in each metric, nine at most. Both halves of a pair have metrics of their
 * own. Of causes only the one of now exists, and what is quiet has a series only while it is.
 */
import { STATES } from '@dialtone/contracts'
import { defineGauge, type Labels, type Metric } from '@dialtone/kernel'
import { worse, type Entry, type Half } from './board.ts'
import type { AnalysisReadings } from './readings.ts'

export type Family = { metric: Metric, values: () => Iterable<{ labels: Labels, value: number }> }

const LABELS = ['domain', 'peer'] as const
export const state = defineGauge('dialtone_state', `State of a domain, or of the worse half of a pair: ${STATES.map((word, at) => `${at} ${word}`).join(', ')}.`, LABELS)
export const outState = defineGauge('dialtone_outbound_state', 'State of the way from ours to the peer, in the numbers of dialtone_state.', LABELS)
export const inState = defineGauge('dialtone_inbound_state', 'State of the way from the peer to ours, in the numbers of dialtone_state.', LABELS)
export const causeInfo = defineGauge('dialtone_cause_info', 'The root cause of now: always 1.', [...LABELS, 'cause', 'side'])
export const since = defineGauge('dialtone_state_since_timestamp_seconds', 'Since when state and cause are what they are.', LABELS)
export const checkedAt = defineGauge('dialtone_checked_timestamp_seconds', 'When it was last seen by anybody.', LABELS)
export const certificateEnd = defineGauge('dialtone_domain_certificate_end_timestamp_seconds', 'When the first certificate that it showed ends.', LABELS)
export const quiet = defineGauge('dialtone_quiet', 'An Exception (maintenance, or an acknowledged cause) keeps quiet about it: 1, and else absent. Alerts leave it out.', LABELS)

export const insideAlone = defineGauge('dialtone_unreached_from_inside_alone', 'That nobody reaches a domain is said by vantages inside alone, who may never have reached it, while there are vantages outside: 1, and else absent.', LABELS)

export const VERDICT_METRICS = [state, outState, inState, causeInfo, since, checkedAt, certificateEnd, quiet, insideAlone] as const

/** `outside`: whether anybody is to look from outside. */
export function verdictFamilies (readings: Pick<AnalysisReadings, 'subjects'>, outside: () => boolean = () => true): Family[] {
  const of = (metric: Metric, value: (entry: Entry, half: Half) => number | undefined, more: (half: Half) => Labels = () => ({})): Family => ({
    metric,
    values: function * () {
      for (const entry of readings.subjects()) {
        const half = worse(entry.halves)
        const found = value(entry, half)
        if (found !== undefined) yield { labels: { domain: entry.domain, peer: entry.peer ?? '', ...more(half) }, value: found }
      }
    },
  })
  const number = (half: Half | undefined) => half === undefined ? undefined : STATES.indexOf(half.state)
  const seconds = (at: number | undefined) => at === undefined ? undefined : at / 1000
  return [
    of(state, (_, half) => number(half)),
    of(outState, ({ halves }) => number(halves.find(({ direction }) => direction === 'out'))),
    of(inState, ({ halves }) => number(halves.find(({ direction }) => direction === 'in'))),
    of(causeInfo, () => 1, ({ cause, side }) => ({ cause, side })),
    of(since, (_, half) => seconds(half.since)),
    of(checkedAt, entry => seconds(entry.checkedAt)),
    of(certificateEnd, entry => seconds(entry.certificateEnd)),
    of(insideAlone, ({ peer }, { cause, agreement }) => peer === undefined && cause === 'peer.unreachable' && agreement.outside === 0 && outside() ? 1 : undefined),
    of(quiet, ({ quietBecause }) => quietBecause === undefined ? undefined : 1),
  ]
}
