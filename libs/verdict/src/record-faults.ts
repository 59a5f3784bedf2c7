// What the records prove, where no endpoint works; and what is wrong with them where one does.
import { examine } from '@dialtone/checks'
import type { Cause, DnsAnswer, DnsOutcome, EndpointObservation, JudgeConfig, Observation } from '@dialtone/contracts'
import { isAbsent, srvRecords } from '@dialtone/discovery'
import type { Seen } from './faults.ts'

const NO_ANSWER: ReadonlySet<DnsOutcome> = new Set(['timeout', 'refused', 'unreachable', 'malformed'])

/** Faults of the resolver and of the records. Where they led to endpoints that were tried, those say what is wrong, not the rest of the records. */
export function recordFaults (o: Observation, advertised: readonly EndpointObservation[], config: JudgeConfig): Seen[] {
  const of = (...purposes: DnsAnswer['purpose'][]): DnsAnswer[] => o.dns.filter(({ purpose }) => purposes.includes(purpose))
  const found: Seen[] = []
  const add = (cause: Cause, text: string): void => { found.push({ cause, text }) }
  const control = of('control')
  const controlFails = control.some(({ outcome }) => NO_ANSWER.has(outcome) || outcome === 'servfail')
  const controlAnswers = control.some(({ outcome }) => outcome === 'answer' || outcome === 'nodata')
  const silent = new Set(o.dns.filter(({ outcome }) => NO_ANSWER.has(outcome)).map(({ name }) => name))
  if (controlFails || (!controlAnswers && silent.size > 1)) add('dns.resolver-unavailable', `${o.asked.resolver} gave no usable answer`)

  const { expectedAddresses } = config
  if (expectedAddresses.length > 0 && advertised.length > 0 && advertised.every(({ address }) => !expectedAddresses.includes(address))) {
    add('dns.address-unexpected', [...new Set(advertised.map(({ address }) => address))].toSorted().join(', '))
  }
  const nothingThere = advertised.length > 0 && advertised.every(({ source, steps }) => source === 'fallback' && steps.some(step => step.stage === 'tcp' && step.failure?.at === 'tcp'))
  if (nothingThere) add('dns.no-records', 'no SRV record, and nothing answers at the addresses of the domain itself')
  if (advertised.length > 0) return found

  if (of('existence').some(({ outcome }) => outcome === 'nxdomain')) add('dns.nxdomain', 'NXDOMAIN for the domain itself')
  const services = of('xmpp-server', 'xmpps-server')
  if (!controlFails && services.some(({ outcome }) => outcome === 'servfail')) add('dns.servfail', servfail(of('unvalidated')))
  const srv = [...srvRecords(o.dns, 'xmpp-server'), ...srvRecords(o.dns, 'xmpps-server')]
  const dots = services.flatMap(({ records }) => records).filter(record => record.type === 'SRV' && record.target === '.')
  if (srv.length === 0 && dots.length > 0) add('dns.service-disabled', "the SRV target is '.'")
  if (srv.length > 0 && allAbsent(of('target'))) add('dns.target-unresolvable', [...new Set(srv.map(({ target }) => target))].toSorted().join(', '))
  if (srv.length === 0 && allAbsent(services) && allAbsent(of('target', 'fallback'))) add('dns.no-records', 'neither SRV nor address records')
  return found
}

/** Records that break a rule which some server enforces, although it works here; and an unexpected address beside expected ones. */
export function softRecordFaults (o: Observation, config: JudgeConfig): Seen[] {
  const findings = examine(o, config)
  const broken = findings.filter(({ check, level }) => check === 's2s.srv-rules' && level === 'warning')
  const odd = findings.filter(({ check, outcome }) => check === 's2s.address-expected' && outcome === 'unexpected')
  return [
    ...odd.map(({ detail = '' }) => ({ cause: 'dns.address-unexpected' as const, state: 'degraded' as const, text: detail })),
    ...broken.map(({ says, detail }) => ({ cause: 'degraded.records' as const, text: detail === undefined ? says : `${says}: ${detail}` })),
  ]
}

function servfail (unvalidated: readonly DnsAnswer[]): string {
  if (unvalidated.some(({ outcome }) => outcome === 'answer' || outcome === 'nodata' || outcome === 'nxdomain')) return 'SERVFAIL for the SRV record, and an answer without DNSSEC validation: the signatures are wrong'
  return unvalidated.length > 0 ? 'SERVFAIL for the SRV record, without DNSSEC validation too: its name servers fail' : 'SERVFAIL for the SRV record'
}

function allAbsent (answers: readonly DnsAnswer[]): boolean {
  return answers.length > 0 && answers.every(isAbsent)
}
