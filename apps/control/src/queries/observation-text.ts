/** An observation as text: what was asked and answered, in the order in which it happened. What a peer sent is quoted. */
import type { DnsRecord, EndpointObservation, Failure, ObservationRecorded } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'

/** At most so many lines of a transcript of one endpoint; the JSON has all. */
const MOST_LINES = 400

export function observationText ({ id, agent, vantage, job, ours, observation }: ObservationRecorded): string {
  const { domain, startedAt, ms, dns, endpoints, claim, leftOut } = observation
  return [
    `${domain}  ${job}${ours === undefined ? '' : ` for ${ours}`}`,
    `seen by ${agent} at ${vantage}, ${startedAt}, in ${Math.round(ms)} ms  (${id})`,
    '',
    'DNS',
    ...dns.map(answer => `  ${time(answer.atMs)}  ${quoted(answer.name)} ${answer.type}: ${answer.outcome} in ${Math.round(answer.ms)} ms${answer.records.map(record => `\n${' '.repeat(12)}${recordText(record)}`).join('')}`),
    ...endpoints.flatMap(endpointLines),
    ...(claim.length === 0 ? [] : ['', 'CLAIM', ...claim.map(({ endpoint, to, answer, ms }) => `  ${quoted(endpoint)} asked for ${quoted(to)}: ${answer} in ${Math.round(ms)} ms`)]),
    ...(leftOut === 0 ? [] : ['', `${leftOut} targets, addresses or endpoints were left out because of a bound.`]),
    '',
  ].join('\n')
}

function endpointLines ({ id, steps, ended, transcript }: EndpointObservation): string[] {
  return [
    '', `ENDPOINT ${quoted(id)}`,
    ...steps.filter(({ outcome }) => outcome !== 'not-asked').map(({ stage, outcome, atMs, ms, failure }) => `  ${time(atMs)}  ${stage.padEnd(14)} ${outcome}  ${Math.round(ms)} ms${failure === undefined ? '' : `  ${failureText(failure)}`}`),
    ...(ended === undefined ? [] : [`            ended: ${ended}`]),
    ...(transcript.length === 0 ? [] : ['  transcript']),
    ...transcript.slice(0, MOST_LINES).map(({ atMs, direction, text }) => `  ${time(atMs)}  ${{ sent: '>', received: '<', note: '#' }[direction]} ${quoted(text, 2000)}`),
    ...(transcript.length > MOST_LINES ? [`            … ${transcript.length - MOST_LINES} more lines`] : []),
  ]
}

function time (ms: number): string {
  return (ms / 1000).toFixed(3).padStart(8)
}

function failureText (failure: Failure): string {
  return `${failure.at} ${failure.why}${failure.detail === undefined ? '' : `: ${quoted(failure.detail, 400)}`}`
}

function recordText (record: DnsRecord): string {
  return Object.entries(record).map(([name, value]) => name === 'type' ? String(value) : `${name}=${quoted(String(value))}`).join(' ')
}
