// Do the SRV records keep the rules? (RFC 2782, RFC 6120 §3.2.1, RFC 5891 §4)
import type { Observation } from '@dialtone/contracts'
import { isAbsent, isFailed, saysNo, srvRecords, targetProblem, type TargetProblem } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { bothServices, listed } from './asked.ts'

/** One finding per rule that is broken, naming the records that break it. A verdict reads these as `degraded.records`. */
export const srvRules = defineDomainCheck({
  id: 's2s.srv-rules',
  asks: 'Do the SRV records keep the rules of RFC 2782?',
  about: "A target must be a host name in A-labels that has addresses of its own: no alias, no address, not localhost; '.' stands alone; no target and port twice. Each rule is enforced by some real server, so that a domain which breaks it works with some peers only.",
  outcomes: {
    kept: { level: 'ok', says: 'keeps the rules for SRV records' },
    'mixed-dot': { level: 'warning', says: "publishes '.' beside real targets, which some servers take for a no", remedy: "Remove the record with the target '.'." },
    alias: { level: 'warning', says: 'names a target that is an alias (CNAME), which RFC 2782 forbids', remedy: 'Point the SRV record at the name that holds the A and AAAA records.' },
    literal: { level: 'warning', says: 'names an address as SRV target', remedy: 'Give the server a host name, and name that in the SRV record.' },
    localhost: { level: 'warning', says: 'names localhost as SRV target', remedy: 'Name the public host name of the server.' },
    unicode: { level: 'warning', says: 'names a target that is not in A-labels', remedy: 'Write the host name in its xn-- form in the zone.' },
    'not-a-name': { level: 'warning', says: 'names a target that is no host name', remedy: 'Correct the target: letters, digits and hyphens between dots.' },
    'port-zero': { level: 'warning', says: 'names port 0, to which nobody can connect', remedy: 'Name the port that the server listens on, usually 5269.' },
    dangling: { level: 'warning', says: 'names a target that has no address', remedy: 'Add an A or AAAA record for the target, or remove the SRV record.' },
    'all-dangling': { level: 'error', says: 'names only targets that have no address', remedy: 'Add an A or AAAA record for a target, or correct the names in the SRV records.' },
    duplicate: { level: 'warning', says: 'names one target and port twice', remedy: 'Remove one of the two records.' },
    'not-known': { level: 'unknown', says: 'names targets whose addresses could not be asked for' },
  },
  judge: observation => {
    const { dns } = observation
    const records = bothServices(observation)
    if (records.length === 0) return undefined
    const names = [...new Set(records.map(({ target }) => target))].sort()
    const dangling = names.filter(name => JUDGED_BY_ADDRESS.has(targetProblem(name)) && isDangling(name, observation))
    const found: Partial<Record<Rule, string[]>> = {
      'mixed-dot': SERVICES.filter(service => saysNo(dns, service) && srvRecords(dns, service).length > 0).map(service => `_${service}._tcp`),
      literal: names.filter(name => targetProblem(name) === 'address').map(shown),
      localhost: names.filter(name => targetProblem(name) === 'localhost').map(shown),
      unicode: names.filter(name => targetProblem(name) === 'unicode').map(shown),
      'not-a-name': names.filter(name => targetProblem(name) === 'not-a-name').map(shown),
      'port-zero': records.filter(({ port }) => port === 0).map(({ target }) => shown(target)),
      alias: names.flatMap(name => aliasOf(name, observation)),
      [dangling.length === names.length ? 'all-dangling' : 'dangling']: dangling.map(shown),
      duplicate: SERVICES.flatMap(service => duplicates(srvRecords(dns, service).map(({ target, port }) => `${shown(target)}:${port}`))),
    }
    const broken = Object.entries(found).flatMap(([outcome, which]) => which.length === 0 ? [] : [{ outcome: outcome as Rule, detail: listed([...new Set(which)], 6) }])
    if (broken.length > 0) return broken
    const unknown = names.filter(name => addressesAsked(name, observation).some(isFailed) && !addressesAsked(name, observation).some(({ outcome }) => outcome === 'answer'))
    return unknown.length > 0 ? { outcome: 'not-known', detail: listed(unknown.map(shown), 6) } : 'kept'
  },
})

type Rule = 'mixed-dot' | 'alias' | 'literal' | 'localhost' | 'unicode' | 'not-a-name' | 'port-zero' | 'dangling' | 'all-dangling' | 'duplicate'

const SERVICES = ['xmpp-server', 'xmpps-server'] as const
/** An address as target is already judged, whatever asking for it gives. */
const JUDGED_BY_ADDRESS: ReadonlySet<TargetProblem | undefined> = new Set([undefined, 'localhost'])

function addressesAsked (name: string, { dns }: Observation): Observation['dns'] {
  return dns.filter(answer => answer.purpose === 'target' && answer.name === name)
}

function isDangling (name: string, observation: Observation): boolean {
  const answers = addressesAsked(name, observation)
  return answers.length > 0 && answers.every(isAbsent)
}

function aliasOf (name: string, observation: Observation): string[] {
  const to = addressesAsked(name, observation).flatMap(({ aliases }) => aliases)[0]?.to
  return to === undefined ? [] : [`${shown(name)} → ${shown(to)}`]
}

function duplicates (all: readonly string[]): string[] {
  return all.filter((each, at) => all.indexOf(each) !== at)
}

function shown (name: string): string {
  return quoted(name, 80)
}
