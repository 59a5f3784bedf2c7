/**
 * From a domain to an ordered connection plan: a stepper. All answers so far go in; the next questions or the plan come out. Pure, so that a plan
 * can be made again from a kept observation. RFC 6120 §3.2, RFC 2782, XEP-0368; where we do not fall back, see docs/decisions/0003.
 */
import type { DnsAnswer, DnsPurpose, DnsType, EndpointKind } from '@dialtone/contracts'
import { isAddress } from './host-name.ts'
import { isAbsent, isFailed, planOf, type Plan } from './plan.ts'
import { MOST_TARGETS, firstOfEach, serviceAnswers, targetsOf, type Service } from './srv-records.ts'

/** `checkingDisabled`: the CD bit (RFC 4035 §3.2.2), by which a bogus zone is told from a dead one. */
export type Question = { name: string, type: DnsType, purpose: DnsPurpose, checkingDisabled?: boolean }

export type DiscoveryOptions = {
  /** 5269, except in tests. */
  fallbackPort: number
  /** A name that resolves whatever happens. Asked only when something failed. */
  controlName: string
  /** These replace the records. A host is an address or a name. */
  overrides: readonly { host: string, port: number, kind: EndpointKind }[]
  /** `connect`: only what leads to endpoints is asked, not what explains why there are none. Default `explain`. */
  purpose?: 'explain' | 'connect'
  /** Without TLS there is no use for the other. Default both. */
  services?: readonly Service[]
}

/**
 * The next questions, never one twice; or the plan. The result depends on the set of answers, not on their order. Ends after at most five rounds
 * (services, addresses, TLSA, control, and one for what fails last), whatever the answers are, and asks at most 60 questions.
 */
export function discover ({ domain, answers, options }: { domain: string, answers: readonly DnsAnswer[], options: DiscoveryOptions }): { ask: Question[] } | { plan: Plan } {
  const wanted = options.overrides.length > 0 ? overrideQuestions(options) : recordQuestions(domain, answers, options)
  const open = firstOfEach([...wanted, ...(options.purpose === 'connect' ? [] : controls(answers, options.controlName))], keyOf).filter(question => !answers.some(answer => keyOf(answer) === keyOf(question)))
  return open.length > 0 ? { ask: open } : { plan: planOf(domain, answers, options) }
}

const SERVICES: readonly Service[] = ['xmpp-server', 'xmpps-server']

function overrideQuestions ({ overrides }: DiscoveryOptions): Question[] {
  return overrides.slice(0, MOST_TARGETS).filter(({ host }) => !isAddress(host)).flatMap(({ host }) => addressQuestions(host, 'target'))
}

function recordQuestions (domain: string, answers: readonly DnsAnswer[], { purpose, services: wanted = SERVICES }: DiscoveryOptions): Question[] {
  const services = serviceAnswers(answers)
  const first = wanted.map((service): Question => ({ name: `_${service}._tcp.${domain}`, type: 'SRV', purpose: service }))
  if (services.length < first.length) return first
  // RFC 6120 §3.2.2: only where both services are known to be absent; never after `.`, a failure or a time-out.
  const mayFallBack = services.every(isAbsent)
  // NXDOMAIN of the SRV name proves nothing about the domain.
  const mayNotExist = services.every(({ outcome }) => outcome !== 'answer') && services.some(({ outcome }) => outcome === 'nxdomain')
  const leading: Question[] = [...first, ...targetsOf(answers).targets.flatMap(({ target }) => addressQuestions(target, 'target'))]
  if (purpose === 'connect') return mayFallBack ? [...leading, ...addressQuestions(domain, 'fallback')] : leading
  return [
    ...leading,
    ...(mayFallBack ? [...addressQuestions(domain, 'fallback'), { name: `_jabber._tcp.${domain}`, type: 'SRV', purpose: 'legacy-jabber' } as const] : []),
    ...(mayNotExist ? [{ name: domain, type: 'SOA', purpose: 'existence' } as const] : []),
    ...unvalidated(answers),
    ...tlsaQuestions(domain, answers),
  ]
}

/** The same question without validation, where SERVFAIL could mean a bogus signature. */
function unvalidated (answers: readonly DnsAnswer[]): Question[] {
  const deciding: readonly DnsPurpose[] = ['xmpp-server', 'xmpps-server', 'target', 'fallback']
  return answers.filter(({ purpose, outcome }) => outcome === 'servfail' && deciding.includes(purpose)).map(({ name, type }) => ({ name, type, purpose: 'unvalidated', checkingDisabled: true } as const)).sort(byKey)
}

/**
 * TLSA means something only where every answer that leads to it was authenticated (RFC 7673 §3): the SRV record and an address of its target. Nobody
 * is asked otherwise: most zones are unsigned, and the answer would be ignored.
 */
function tlsaQuestions (domain: string, answers: readonly DnsAnswer[]): Question[] {
  const secure = serviceAnswers(answers).filter(({ authenticated, outcome }) => authenticated && outcome === 'answer')
  if (secure.length === 0) return []
  const signed = (target: string) => answers.some(({ purpose, name, authenticated, outcome }) => purpose === 'target' && name === target && authenticated && outcome === 'answer')
  return [
    ...targetsOf(secure).targets.filter(({ target }) => signed(target)).map(({ target, port }) => ({ name: `_${port}._tcp.${target}`, type: 'TLSA', purpose: 'tlsa' } as const)),
    { name: `_xmpp-server.${domain}`, type: 'TLSA', purpose: 'tlsa-inbound' },
  ]
}

/** Something failed: only a second name tells a broken resolver from a broken domain. */
function controls (answers: readonly DnsAnswer[], controlName: string): Question[] {
  return answers.some(answer => answer.purpose !== 'control' && answer.purpose !== 'unvalidated' && isFailed(answer)) ? [{ name: controlName, type: 'SOA', purpose: 'control' }] : []
}

function addressQuestions (name: string, purpose: 'target' | 'fallback'): Question[] {
  return [{ name, type: 'A', purpose }, { name, type: 'AAAA', purpose }]
}

function keyOf ({ purpose, type, name }: Pick<Question, 'purpose' | 'type' | 'name'>): string {
  return `${purpose} ${type} ${name}`
}

function byKey (a: Question, b: Question): number {
  return keyOf(a) < keyOf(b) ? -1 : 1
}
