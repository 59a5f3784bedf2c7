/**
 * What one observation says to a Prometheus that probes: `probe_success` from the verdict, and facts about the endpoint that got furthest. Pure.
 * Nothing that a peer wrote is a label: mechanisms come from a closed set, with `other` for the rest.
 */
import { DEFAULT_JUDGE_CONFIG, type EndpointObservation, type JudgeConfig, type Observation, type Step, type Target } from '@dialtone/contracts'
import { readCertificate } from '@dialtone/stream'
import type { SampleOf } from '@dialtone/telemetry'
import { judge } from '@dialtone/verdict'
import { certificateEnd, dialbackOffered, dnsTime, duration, endpointsSeen, failureInfo, ipProtocol, phaseDuration, saslOffered, success, tlsVersion, verdictInfo } from './metrics.ts'
import type { Module } from './modules.ts'

const MECHANISMS = ['EXTERNAL', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-512-PLUS', 'DIGEST-MD5', 'CRAM-MD5', 'GSSAPI', 'ANONYMOUS']
/** As the blackbox exporter writes them. */
const VERSIONS: Readonly<Record<string, string>> = { 'TLSv1': 'TLS 1.0', 'TLSv1.1': 'TLS 1.1', 'TLSv1.2': 'TLS 1.2', 'TLSv1.3': 'TLS 1.3' }

export function answerOf (whole: Observation, { kind }: Module, target?: Target): SampleOf[] {
  const observation = kind === undefined ? whole : { ...whole, endpoints: whole.endpoints.filter(endpoint => endpoint.kind === kind && endpoint.source !== 'port-probe') }
  const { state, cause, side } = judge([observation], configOf(target))
  const works = (state === 'up' || state === 'degraded') && observation.endpoints.length > 0
  const best = furthest(observation.endpoints)
  const end = earliestEnd(observation)
  return [
    { metric: success, value: works ? 1 : 0 },
    { metric: duration, value: whole.ms / 1000 },
    ...works ? [] : [{ metric: failureInfo, labels: { cause, side }, value: 1 }],
    { metric: verdictInfo, labels: { state, cause }, value: 1 },
    ...dnsSamples(whole),
    ...end === undefined ? [] : [{ metric: certificateEnd, value: end / 1000 }],
    ...endpointSamples(observation.endpoints),
    ...best === undefined ? [] : bestSamples(best),
  ]
}

/** What a check says that did not end in time: it failed, and nobody knows why. */
export function timedOutAnswer (ms: number): SampleOf[] {
  return [{ metric: success, value: 0 }, { metric: duration, value: ms / 1000 }, { metric: failureInfo, labels: { cause: 'unknown', side: 'observer' }, value: 1 }]
}

function configOf (target: Target | undefined): JudgeConfig {
  return target === undefined ? DEFAULT_JUDGE_CONFIG : {
    ...DEFAULT_JUDGE_CONFIG, profile: target.profile, expectedAddresses: target.job === 'own-published' ? target.expectedAddresses : [], ours: target.job.startsWith('own-'),
  }
}

function dnsSamples ({ dns }: Observation): SampleOf[] {
  if (dns.length === 0) return []
  const seconds = (Math.max(...dns.map(({ atMs, ms }) => atMs + ms)) - Math.min(...dns.map(({ atMs }) => atMs))) / 1000
  return [{ metric: dnsTime, value: seconds }, { metric: phaseDuration, labels: { phase: 'resolve' }, value: seconds }]
}

function endpointSamples (endpoints: readonly EndpointObservation[]): SampleOf[] {
  return (['starttls', 'direct'] as const).flatMap(kind => (['ok', 'failed'] as const).map(result => ({
    metric: endpointsSeen, labels: { kind, result }, value: endpoints.filter(endpoint => endpoint.kind === kind && through(endpoint) === (result === 'ok')).length,
  })))
}

function bestSamples (best: EndpointObservation): SampleOf[] {
  // What is offered where it counts: inside TLS, and in clear where there is none.
  const features = best.kind === 'direct' || best.features?.starttls === 'absent' ? best.features : best.featuresAgain
  const offered = new Set(features?.mechanisms.map(mechanism => MECHANISMS.includes(mechanism) ? mechanism : 'other'))
  const version = best.tls === undefined ? undefined : VERSIONS[best.tls.protocol] ?? 'other'
  return [
    { metric: ipProtocol, value: best.family },
    ...version === undefined ? [] : [{ metric: tlsVersion, labels: { version }, value: 1 }],
    ...features === undefined ? [] : [{ metric: dialbackOffered, value: features.dialback ? 1 : 0 }, ...[...new Set(['EXTERNAL', ...offered])].map(mechanism => ({ metric: saslOffered, labels: { mechanism }, value: offered.has(mechanism) ? 1 : 0 }))],
    ...phases(best).map(([phase, ms]) => ({ metric: phaseDuration, labels: { phase }, value: ms / 1000 })),
  ]
}

/** Phases that ended well; one that never ended has no duration. */
function phases ({ kind, steps }: EndpointObservation): [string, number][] {
  const ended = (stage: Step['stage']) => steps.find(step => step.stage === stage && step.outcome === 'ok')
  const [connect, header, features, starttls, tls] = [ended('tcp'), ended('header'), ended('features'), ended('starttls'), ended('tls')]
  const untilSecured = kind === 'starttls' && connect !== undefined && starttls !== undefined && tls !== undefined ? tls.atMs + tls.ms - connect.atMs - connect.ms : undefined
  const all: [string, number | undefined][] = [['connect', connect?.ms], ['header', header?.ms], ['features', features?.ms], ['tls', tls?.ms], ['starttls', untilSecured]]
  return all.flatMap(([phase, ms]) => ms === undefined ? [] : [[phase, Math.max(0, ms)]])
}

function furthest (endpoints: readonly EndpointObservation[]): EndpointObservation | undefined {
  return endpoints.find(through) ?? [...endpoints].sort((a, b) => passed(b) - passed(a))[0]
}

function passed ({ steps }: EndpointObservation): number {
  return steps.filter(({ outcome }) => outcome === 'ok').length
}

/** How it ended is not counted: many servers just close. */
function through ({ steps }: EndpointObservation): boolean {
  return steps.length > 0 && steps.every(({ stage, outcome }) => stage === 'close' || outcome === 'ok')
}

function earliestEnd ({ endpoints, certificates }: Observation): number | undefined {
  const sent = new Set(endpoints.flatMap(({ chain }) => chain?.sent ?? []))
  const ends = [...sent].flatMap(digest => {
    const der = certificates[digest]?.der
    return der === undefined ? [] : readCertificate(Buffer.from(der, 'base64'))?.notAfter ?? []
  })
  return ends.length === 0 ? undefined : Math.min(...ends)
}
