/**
 * What came out of an observation, as one text: two of the same target that have the same outline say the same thing, and one of them need not be kept.
 * Left out is what differs from run to run: times, ids, keys, what is left of a TTL, counters of bytes, the order of records and of callbacks.
 * That a stage was slow is in it: a verdict depends on it.
 */
import { DEFAULT_JUDGE_CONFIG, type Callback, type ChainSeen, type ClaimAnswer, type Deep, type DeepConnection, type DeepStep, type DnsAnswer, type DnsRecord, type EndpointObservation, type Failure, type FeaturesSeen, type HeaderSeen, type Observation, type Step, type TlsSeen } from '@dialtone/contracts'
import { addressIn, earlyMs } from './deep/seen.ts'

/** Not shorter than what it tells: hash it to keep it. `slowStageMs`: above it a stage counts as slow. */
export function outlineOf (observation: Observation, { slowStageMs }: { slowStageMs: number } = DEFAULT_JUDGE_CONFIG): string {
  const { domain, vantage, asked, dns, endpoints, claim, deep, leftOut } = observation
  return [
    `${domain}@${vantage}`,
    `asked ${asked.as ?? '-'} ${asked.from} ${asked.resolver} ${asked.resolverTrusted} ${asked.controlName} ${asked.fallbackPort} ${asked.depth} ${asked.clientCertificate} [${asked.overrides.join()}] [${asked.families.join()}] [${asked.allowNets?.join() ?? ''}]`,
    ...dns.map(answer => answerLine(answer, slowStageMs)).sort(),
    ...endpoints.map(endpoint => endpointLine(endpoint, slowStageMs)).sort(),
    ...claim.map(claimLine).sort(),
    ...(deep === undefined ? [] : deepLines(deep, slowStageMs)),
    `left out ${leftOut}`,
  ].join('\n')
}

function answerLine (answer: DnsAnswer, slowStageMs: number): string {
  const { purpose, name, type, resolver, outcome, rcode, authenticated, records, aliases, extended, detail } = answer
  const slow = answer.ms > slowStageMs && outcome !== 'timeout' && outcome !== 'unreachable'
  const shown = records.length === 1 && records[0] !== undefined ? recordText(records[0]) : records.map(recordText).sort().join()
  return `dns ${purpose} ${name} ${type} ${resolver} ${outcome}${rcode === undefined ? '' : ` ${rcode}`}${authenticated ? ' ad' : ''}${slow ? ' slow' : ''} [${shown}]`
    + (aliases.length === 0 ? '' : ` by ${aliases.map(({ from, to }) => `${from}>${to}`).join()}`)
    + (extended.length === 0 ? '' : ` ede ${extended.map(({ code }) => code).sort((a, b) => a - b).join()}`) + (detail === undefined ? '' : ` ${steady(detail)}`)
}

function recordText (record: DnsRecord): string {
  switch (record.type) {
    case 'SRV': return `${record.priority} ${record.weight} ${record.port} ${record.target}`
    case 'TLSA': return `${record.usage} ${record.selector} ${record.matching} ${record.data}`
    case 'SOA': return 'SOA'
    default: return record.address
  }
}

function endpointLine (endpoint: EndpointObservation, slowStageMs: number): string {
  const { id, source, priority, weight, steps, strayBytes, ended, withoutSni, starttlsUnoffered } = endpoint
  return `endpoint ${id} ${source} ${priority ?? ''} ${weight ?? ''} ${stepsText(steps, slowStageMs)}${streamText(endpoint)}${ended === undefined ? '' : ` ended ${ended}`}${strayBytes === undefined ? '' : ' stray'}`
    + (withoutSni === undefined ? '' : ` nosni ${'leaf' in withoutSni ? withoutSni.leaf : failureText(withoutSni.failure)}`)
    + (starttlsUnoffered === undefined ? '' : ` unoffered ${'proceeds' in starttlsUnoffered ? 'proceeds' : failureText(starttlsUnoffered.failure)}`)
}

function stepsText (steps: readonly (Step | DeepStep)[], slowStageMs: number): string {
  let text = ''
  for (const { stage, outcome, ms, failure } of steps) {
    text += outcome === 'ok' ? stage !== 'close' && ms > slowStageMs ? ` ${stage}+slow` : ` ${stage}+` : outcome === 'not-asked' ? ` ${stage}?` : ` ${stage}- ${failureText(failure)}`
  }
  return text
}

type Stream = { header?: HeaderSeen, features?: FeaturesSeen, tls?: TlsSeen, chain?: ChainSeen, headerAgain?: HeaderSeen, featuresAgain?: FeaturesSeen }

function streamText ({ header, features, tls, chain, headerAgain, featuresAgain }: Stream): string {
  return headerText(header) + featuresText(features) + headerText(headerAgain) + featuresText(featuresAgain)
    + (tls === undefined ? '' : ` tls ${tls.protocol} ${tls.cipher} ${tls.group ?? ''} ${tls.alpn ?? ''} ${tls.sni} ${tls.clientCertificateRequested ?? ''}`)
    + (chain === undefined ? '' : ` chain ${chain.trust} ${chain.anchors} [${chain.sent.join()}] [${chain.path.join()}]`)
}

function headerText (header: HeaderSeen | undefined): string {
  if (header === undefined) return ''
  const { from, to, version, lang, contentNamespace, dialbackNamespace, dialbackPrefix } = header
  return ` header ${from ?? '-'} ${to ?? '-'} ${version ?? '-'} ${lang ?? '-'} ${contentNamespace} ${dialbackNamespace} ${dialbackPrefix ?? ''}`
}

function featuresText (features: FeaturesSeen | undefined): string {
  if (features === undefined) return ''
  const { starttls, mechanisms, dialback, dialbackErrors, bidi, streamManagement, limits, other } = features
  return ` features ${starttls} [${mechanisms.join()}] ${dialback} ${dialbackErrors} ${bidi} ${streamManagement} ${limits?.maxBytes ?? ''}/${limits?.idleSeconds ?? ''} [${other.join()}]`
}

function failureText (failure: Failure | undefined): string {
  if (failure === undefined) return 'failed'
  const named = 'condition' in failure ? ` ${failure.condition}` : 'alert' in failure ? ` ${failure.alert}` : ''
  const more = 'text' in failure || 'application' in failure ? ` "${steady(failure.text ?? '')}" ${failure.application ?? ''}` : ''
  return `${failure.at} ${failure.why}${named}${more}${'received' in failure ? failure.received > 0 ? ' some' : ' nothing' : ''}${'late' in failure ? ' late' : ''}${failure.detail === undefined ? '' : ` ${steady(failure.detail)}`}`
}

function claimLine ({ endpoint, role, to, answer, failure }: ClaimAnswer): string {
  // The name of the control is made up for each check.
  return `claim ${endpoint} ${role} ${role === 'claim' ? to : ''} ${answer}${failure === undefined ? '' : ` ${failureText(failure)}`}`
}

function deepLines (deep: Deep, slowStageMs: number): string[] {
  const { depth, as, quick, listener, connections, callbacks, strayConnections, endpointsLeftOut } = deep
  return [
    `deep ${depth} ${as} ${quick}${strayConnections === undefined ? '' : ' strays'} left out ${endpointsLeftOut ?? 0}`,
    ...(listener === undefined ? [] : [`listener ${listener.domain} ${listener.published} [${listener.places.join()}] [${listener.leadsTo.toSorted().join()}]`, ...listener.dns.map(answer => answerLine(answer, slowStageMs)).sort()]),
    ...connections.map(connection => connectionLine(connection, earlyMs(deep), slowStageMs)).sort(),
    // How often a peer calls back is no outcome: each kind of callback counts once.
    ...[...new Set(callbacks.map(callbackLine))].sort(),
  ]
}

function connectionLine (connection: DeepConnection, early: number, slowStageMs: number): string {
  const { role, endpoint, of, pair, steps, certificate, certificateUsages, sasl, dialback, question, ping, software } = connection
  return `${role} ${endpoint} ${of} ${pair.from}>${pair.to} ${stepsText(steps, slowStageMs)}${streamText(connection)} ${certificate} [${certificateUsages?.join() ?? ''}]`
    + (sasl === undefined ? '' : ` sasl ${sasl.success} ${sasl.condition ?? ''} "${steady(sasl.text ?? '')}"`)
    + (dialback === undefined ? '' : ` key ${dialback.key} ${dialback.secured} ${answerText(dialback.answer)} ${dialback.waitedMs > early ? 'late' : 'early'}${dialback.cutShort === true ? ' cut' : ''}`)
    + (question === undefined ? '' : ` question ${question.right} ${answerText(question.answer)}`)
    + (ping === undefined ? '' : ` ping ${ping.answer} ${ping.condition ?? ''}${ping.answer !== 'none' && ping.ms > slowStageMs ? ' slow' : ''}`)
    + (software === undefined ? '' : ` runs ${software.name} ${software.version ?? ''}`)
}

function callbackLine ({ source, kind, tls, header, asked, strangeId, authenticated, reverse, failure }: Callback): string {
  return `callback ${addressIn(source)} ${kind} ${tls ?? ''} ${header?.from ?? '-'} ${header?.to ?? '-'} ${asked?.answered ?? ''} ${strangeId === undefined ? '' : 'strange'} ${authenticated ?? ''}`
    + (reverse === undefined ? '' : ` reverse ${answerText(reverse.answer)}${reverse.failure === undefined ? '' : ` ${failureText(reverse.failure)}`}`)
    + (failure === undefined ? '' : ` ${failureText(failure)}`)
}

function answerText (answer: { type: string, condition?: string, text?: string } | undefined): string {
  return answer === undefined ? 'none' : `${answer.type} ${answer.condition ?? ''} "${steady(answer.text ?? '')}"`
}

/** Numbers and long ids in what a peer wrote are those of one moment. */
function steady (text: string): string {
  return text.replace(/[0-9a-f]{8,}(?:-[0-9a-f]+)*|\d+(?:\.\d+)?/gi, '#')
}
