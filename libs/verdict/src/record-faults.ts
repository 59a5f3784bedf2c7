// What the records prove, where no endpoint works; and what is wrong with them where one does.
import { CHECKS, PROFILE_DATA, ask, type Check } from '@dialtone/checks'
import type { Cause, DnsAnswer, DnsOutcome, EndpointObservation, JudgeConfig, Observation } from '@dialtone/contracts'
import { canBeAsked, isAbsent, isFailed, sameAddress, srvRecords, type SrvRecord } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import type { Seen } from './faults.ts'

const NO_ANSWER: ReadonlySet<DnsOutcome> = new Set(['timeout', 'refused', 'unreachable', 'malformed'])

/** The checks whose findings are read here; the rest of the catalogue is for people. */
const READ: readonly Check[] = CHECKS.filter(({ id }) => id === 's2s.srv-rules' || id === 's2s.address-expected')

/** Names that a sentence lists. */
const LISTED = 4

/** Faults of the resolver and of the records. Where they led to endpoints that were tried, those say what is wrong, not the rest of the records. */
export function recordFaults (o: Observation, advertised: readonly EndpointObservation[], config: JudgeConfig): Seen[] {
  const of = (...purposes: DnsAnswer['purpose'][]): DnsAnswer[] => o.dns.filter(({ purpose }) => purposes.includes(purpose))
  const failing = o.dns.filter(({ outcome }) => NO_ANSWER.has(outcome))
  const found: Seen[] = resolverFaults(o, of('control'), failing)
  const add = (cause: Cause, text: string): void => { found.push({ cause, text }) }
  const resolverFails = found.length > 0

  const { expectedAddresses } = config
  const isExpected = (address: string) => expectedAddresses.some(expected => sameAddress(expected, address))
  // Where nobody published a service, the addresses of the domain itself are those of its web site, and not wrong ones of ours.
  const nothingThere = advertised.length > 0 && advertised.every(({ source, steps }) => source === 'fallback' && steps.some(step => step.stage === 'tcp' && step.failure?.at === 'tcp'))
  if (!nothingThere && o.asked.overrides.length === 0 && expectedAddresses.length > 0 && advertised.length > 0 && !advertised.some(({ address }) => isExpected(address))) {
    add('dns.address-unexpected', listed(advertised.map(({ address }) => address)))
  }
  if (nothingThere) add('dns.no-records', 'no SRV record, and nothing answers at the addresses of the domain itself')
  if (advertised.length > 0) return found

  if (of('existence').some(({ outcome }) => outcome === 'nxdomain')) add('dns.nxdomain', 'NXDOMAIN for the domain itself')
  const services = of('xmpp-server', 'xmpps-server')
  if (!resolverFails && services.some(({ outcome }) => outcome === 'servfail')) add('dns.servfail', servfail(of('unvalidated')))
  const srv = [...srvRecords(o.dns, 'xmpp-server'), ...srvRecords(o.dns, 'xmpps-server')]
  const dots = services.flatMap(({ records }) => records).filter(record => record.type === 'SRV' && record.target === '.')
  // A service that was not answered for could be the one that is offered.
  if (srv.length === 0 && dots.length > 0 && !services.some(isFailed)) add('dns.service-disabled', "the SRV target is '.'")
  found.push(...targetFaults(srv, of('target'), o))
  if (srv.length === 0 && allAbsent(services) && allAbsent(of('target', 'fallback'))) add('dns.no-records', 'neither SRV nor address records')
  if (found.length === 0 && failing.length > 0) found.push(lying(o, failing))
  return found
}

/** Whoever fails for the control name too, or for two names where none answered, is the resolver. */
function resolverFaults (o: Observation, control: readonly DnsAnswer[], failing: readonly DnsAnswer[]): Seen[] {
  const fails = control.some(({ outcome }) => NO_ANSWER.has(outcome) || outcome === 'servfail')
  const answers = control.some(({ outcome }) => outcome === 'answer' || outcome === 'nodata')
  if (!fails && (answers || new Set(failing.map(({ name }) => name)).size < 2)) return []
  const outcomes = [...new Set([...failing, ...control.filter(({ outcome }) => outcome === 'servfail')].map(({ outcome }) => outcome))].toSorted().join(', ')
  return [{ cause: 'dns.resolver-unavailable', text: `${o.asked.resolver}: ${outcomes}${fails ? ', for the control name too' : ' for several names'}` }]
}

/** Targets that lead nowhere: of SRV records, or of endpoints that were named. A target that nobody asked for proves nothing. */
function targetFaults (srv: readonly SrvRecord[], asked: readonly DnsAnswer[], { asked: { overrides } }: Observation): Seen[] {
  if (overrides.length > 0) {
    return allAbsent(asked) ? [{ cause: 'dns.target-unresolvable', text: listed(asked.map(({ name }) => name)), says: 'the named endpoint has no address', remedy: 'Correct the host name after --endpoint, or name an address.' }] : []
  }
  if (srv.length === 0 || !asked.every(isAbsent)) return []
  if (srv.every(({ port }) => port === 0)) return [{ cause: 'dns.no-records', text: 'every SRV record names port 0, to which nobody can connect' }]
  const names = new Set(asked.map(({ name }) => name))
  const unasked = srv.filter(({ target, port }) => port !== 0 && !names.has(target) && canBeAsked(target))
  if (unasked.length === 0) return [{ cause: 'dns.target-unresolvable', text: listed(srv.map(({ target }) => quoted(target, 80))) }]
  const text = `none of the first ${names.size} SRV targets has an address, and ${new Set(unasked.map(({ target }) => target)).size} more were not asked for`
  return [{ cause: 'unknown', text, says: 'it has more SRV targets than one check looks at', remedy: 'Remove the SRV records that lead nowhere; then check again.' }]
}

/** No usable answer about this domain from a resolver that answers otherwise: no cause of the domain is proved by that, and it must be said. */
function lying (o: Observation, failing: readonly DnsAnswer[]): Seen {
  const outcomes = [...new Set(failing.map(({ outcome, detail }) => detail === undefined ? outcome : `${outcome}: ${detail}`))].toSorted()
  return {
    cause: 'unknown', text: `${o.asked.resolver} about ${listed(failing.map(({ name }) => name))}: ${listed(outcomes)}`,
    says: 'the resolver gives no usable answer about this domain, and answers about others',
    remedy: 'Ask another resolver: dialtone check DOMAIN --resolver 192.0.2.53. If that one answers, something in front of the first alters or drops answers; if not, the name servers of the zone fail: dig +trace SRV _xmpp-server._tcp.DOMAIN.',
  }
}

/** Records that break a rule which some server enforces, although it works here; and an unexpected address beside expected ones. */
export function softRecordFaults (o: Observation, config: JudgeConfig): Seen[] {
  const { levels } = PROFILE_DATA[config.profile]
  const findings = READ.flatMap(check => ask(check, o, config))
  const broken = findings.filter(({ check, outcome, level }) => check === 's2s.srv-rules' && (levels[`${check}/${outcome}`] ?? level) === 'warning')
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

function listed (names: readonly string[]): string {
  const distinct = [...new Set(names)].toSorted()
  return distinct.slice(0, LISTED).join(', ') + (distinct.length > LISTED ? ` and ${distinct.length - LISTED} more` : '')
}
