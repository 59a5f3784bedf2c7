/**
 * judge: observations and expectations in, one named cause out. Pure, and independent of the order of observations and endpoints.
 * Says nothing about what only several vantages can prove, but that they disagree.
 */
import { PROFILE_DATA, examine } from '@dialtone/checks'
import type { Cause, Confidence, DnsAnswer, EndpointObservation, JudgeConfig, Observation, Untested, Verdict } from '@dialtone/contracts'
import { CAUSE_ROWS, ORDER } from './causes.ts'
import { certificateFaults } from './certificate-faults.ts'
import { faultOf, notTested, type Fault } from './faults.ts'

/** When it works, what is still wrong: the first that is proved wins. */
const SOFT_ORDER: readonly Cause[] = [
  'dns.address-unexpected', 'tls.not-offered',
  'certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted',
  'degraded.certificate-expiring', 'degraded.records', 'degraded.weak-authentication', 'degraded.slow',
]
const NO_ANSWER = new Set(['timeout', 'refused', 'unreachable', 'malformed'])

/** The verdict about the domain of the observations. No observation: `unknown`. */
export function judge (observations: readonly Observation[], config: JudgeConfig): Verdict {
  const each = observations.map(o => proofs(o, config))
  const works = each.some(({ works }) => works)
  const all = each.flatMap(({ faults }) => faults).toSorted(byOrder)
  const claim = all.filter(({ cause }) => cause === 'dialback.domain-claimed')
  if (claim.length > 0) return verdict('dialback.domain-claimed', claim, observations, config)
  if (works && each.some(seen => !seen.works && seen.reached)) return verdict('peer.partition', all, observations, config)
  if (!works) return verdict(all[0]?.cause ?? 'unknown', all, observations, config)
  const dead = all.filter(({ endpoint }) => endpoint !== undefined)
  if (dead.length > 0) return verdict('degraded.endpoint-dead', dead, observations, config)
  const soft = each.flatMap(({ soft }) => soft)
  for (const cause of SOFT_ORDER) {
    const proof = soft.filter(fault => fault.cause === cause)
    if (proof.length > 0) return verdict(cause, proof, observations, config)
  }
  return verdict('healthy', [], observations, config)
}

/** `reached`: an endpoint was tried and failed; a vantage with a broken resolver dissents from nobody. */
type Seen = { works: boolean, reached: boolean, faults: Fault[], soft: Fault[] }

function proofs (o: Observation, config: JudgeConfig): Seen {
  const advertised = o.endpoints.filter(({ source }) => source !== 'port-probe')
  const judged = advertised.map(e => ({ e, fault: faultOf(e, o, config) }))
  const good = judged.filter(({ fault }) => fault === undefined).map(({ e }) => e)
  const faults = judged.flatMap(({ fault }) => fault === undefined || fault === 'not-tested' ? [] : [fault])
  const probe = o.endpoints.find(e => e.source === 'port-probe' && faultOf(e, o, config) === undefined)
  if (good.length === 0 && probe !== undefined) faults.push({ cause: 'dns.port-unexpected', text: `XMPP answers on port ${probe.port}` })
  if (good.length === 0 && o.asked.overrides.length === 0) faults.push(...recordFaults(o, advertised, config))
  if (good.length === 0 && faults.length === 0) faults.push(...judged.filter(({ fault }) => fault === 'not-tested').map(({ e }) => notTested(e)))
  return { works: good.length > 0, reached: faults.some(({ endpoint, cause }) => endpoint !== undefined && cause !== 'unknown'), faults: [...faults, ...claims(o, config)], soft: [...good.flatMap(e => softFaults(e, o, config)), ...recordSoftFaults(o, config)] }
}

function recordFaults (o: Observation, advertised: readonly EndpointObservation[], config: JudgeConfig): Fault[] {
  const of = (...purposes: DnsAnswer['purpose'][]): DnsAnswer[] => o.dns.filter(({ purpose }) => purposes.includes(purpose))
  const found: Fault[] = []
  const add = (cause: Cause, text: string): void => { found.push({ cause, text }) }
  const silent = o.dns.filter(({ outcome }) => NO_ANSWER.has(outcome))
  const control = of('control')
  const controlFails = control.some(({ outcome }) => NO_ANSWER.has(outcome) || outcome === 'servfail')
  const answered = control.some(({ outcome }) => outcome === 'answer' || outcome === 'nodata')
  if (controlFails || (!answered && new Set(silent.map(({ name }) => name)).size > 1)) add('dns.resolver-unavailable', `${o.asked.resolver} gave no usable answer`)
  if (of('existence').some(({ outcome }) => outcome === 'nxdomain')) add('dns.nxdomain', 'NXDOMAIN for the domain itself')
  const services = of('xmpp-server', 'xmpps-server')
  if (!controlFails && services.some(({ outcome }) => outcome === 'servfail')) add('dns.servfail', 'SERVFAIL for the SRV record')
  const srv = services.flatMap(({ records }) => records).filter(record => record.type === 'SRV')
  const expected = config.expectedAddresses
  if (expected.length > 0 && advertised.length > 0 && advertised.every(({ address }) => !expected.includes(address))) add('dns.address-unexpected', advertised.map(({ address }) => address).toSorted().join(', '))
  const nothingThere = advertised.length > 0 && advertised.every(({ source, steps }) => source === 'fallback' && steps.some(step => step.stage === 'tcp' && step.failure?.at === 'tcp'))
  if (nothingThere) add('dns.no-records', 'no SRV record, and nothing answers at the addresses of the domain itself')
  if (advertised.length > 0) return found
  const real = srv.filter(({ target }) => target !== '.')
  if (srv.length > 0 && real.length === 0) add('dns.service-disabled', "SRV target '.'")
  const addresses = of('target', 'fallback')
  if (real.length > 0 && allAbsent(of('target'))) add('dns.target-unresolvable', real.map(({ target }) => target).toSorted().join(', '))
  if (srv.length === 0 && allAbsent(services) && allAbsent(addresses)) add('dns.no-records', 'neither SRV nor address records')
  return found
}

/** The claim question accuses only beside a control that was denied, and never of our own endpoints or a named host of ours. */
function claims (o: Observation, config: JudgeConfig): Fault[] {
  if (config.ours || config.hostedBy.includes(o.domain)) return []
  return o.claim.filter(({ role, answer }) => role === 'claim' && answer === 'serves')
    .filter(({ endpoint }) => o.claim.some(c => c.endpoint === endpoint && c.role === 'control' && c.answer === 'denies'))
    .filter(({ endpoint }) => !o.endpoints.some(e => e.id === endpoint && config.expectedAddresses.includes(e.address)))
    .map(({ endpoint, to }) => ({ cause: 'dialback.domain-claimed', text: `answers for ${to}, and denies a made-up name`, endpoint }))
}

function softFaults (e: EndpointObservation, o: Observation, config: JudgeConfig): Fault[] {
  const found = certificateFaults(e, o, config)
  const { tls, authentication } = PROFILE_DATA[config.profile]
  if (e.tls === undefined && authentication === 'certificate') found.push({ cause: 'tls.not-offered', text: 'no STARTTLS offered, and the profile demands certificates', endpoint: e.id })
  else if (e.tls === undefined && tls === 'expected') found.push({ cause: 'degraded.weak-authentication', text: 'no STARTTLS offered', endpoint: e.id })
  const slow = e.steps.find(step => step.outcome === 'ok' && step.ms > config.slowStageMs && step.stage !== 'close')
  if (slow !== undefined) found.push({ cause: 'degraded.slow', text: `${slow.stage} took ${Math.round(slow.ms)} ms`, endpoint: e.id })
  return found
}

/** Records that break a rule which some server enforces, although it works here; and an unexpected address beside expected ones. */
function recordSoftFaults (o: Observation, config: JudgeConfig): Fault[] {
  const findings = examine(o, config)
  const broken = findings.filter(({ check, level }) => check === 's2s.srv-rules' && level === 'warning')
  const odd = findings.filter(({ check, outcome }) => check === 's2s.address-expected' && outcome === 'unexpected')
  return [
    ...odd.map(({ detail = '' }) => ({ cause: 'dns.address-unexpected' as const, state: 'degraded' as const, text: detail })),
    ...broken.map(({ says, detail }) => ({ cause: 'degraded.records' as const, text: detail === undefined ? says : `${says}: ${detail}` })),
  ]
}

function byOrder (a: Fault, b: Fault): number {
  return ORDER.indexOf(a.cause) - ORDER.indexOf(b.cause) || (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
}

function keyOf ({ endpoint, text }: Fault): string {
  return `${endpoint ?? ''} ${text}`
}

function allAbsent (answers: readonly DnsAnswer[]): boolean {
  return answers.length > 0 && answers.every(({ outcome }) => outcome === 'nodata' || outcome === 'nxdomain')
}

function verdict (cause: Cause, proof: readonly Fault[], observations: readonly Observation[], config: JudgeConfig): Verdict {
  const { state, side, hop, actor, says, remedy } = CAUSE_ROWS[cause]
  const untested = untestedOf(observations)
  const domain = observations[0]?.domain ?? 'nothing'
  const first = proof.find(fault => fault.cause === cause) ?? proof[0]
  const evidence = proof.map(({ text, endpoint }) => ({ text, ...(endpoint === undefined ? {} : { endpoint }) }))
    .toSorted((a, b) => `${a.endpoint ?? ''} ${a.text}` < `${b.endpoint ?? ''} ${b.text}` ? -1 : 1)
  const alone = new Set(observations.map(({ vantage }) => vantage)).size < 2
  const confidence: Confidence = cause === 'unknown' ? 'likely' : alone ? 'single-vantage' : 'proved'
  const tail = cause === 'healthy' ? `; not asked: ${untested.map(({ what }) => what).join(', ')}` : first === undefined ? '' : ` (${first.endpoint === undefined ? '' : `${first.endpoint}: `}${first.text})`
  return {
    state: first?.cause === cause && first.state !== undefined ? first.state : state,
    cause, side: config.ours && side === 'peer' ? 'ours' : side, hop: config.ours && hop === 'peer-server' ? 'our-server' : hop,
    actor: config.ours && actor === 'peer-admin' ? 'server-admin' : actor,
    confidence, sentence: `${domain}: ${says}${tail}.`, evidence, remedy: [first?.remedy ?? remedy], untested,
  }
}

function untestedOf (observations: readonly Observation[]): Untested[] {
  const found: Untested[] = [{ what: 'dialback', needs: 'a check that sends a key' }, { what: 'the inbound direction', needs: 'a check of our own domain from outside' }]
  if (!observations.some(({ asked }) => asked.clientCertificate)) found.push({ what: 'EXTERNAL', needs: '--cert FILE --key FILE' })
  if (!observations.some(({ asked }) => asked.as !== undefined)) found.push({ what: 'whether the peer claims our domain', needs: '--as OURS' })
  for (const family of [4, 6] as const) if (!observations.some(({ asked }) => asked.families.includes(family))) found.push({ what: `IPv${family}`, needs: `a vantage with IPv${family}` })
  if (new Set(observations.map(({ vantage }) => vantage)).size < 2) found.push({ what: 'other vantages', needs: 'dialtone judge with observations from elsewhere' })
  return found
}
