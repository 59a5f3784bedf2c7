// What an observation holds about DNS, in the words of the checks: which answers there are, and how they are shown to a person.
import type { DnsAnswer, DnsPurpose, Observation } from '@dialtone/contracts'
import { serviceAnswers, srvRecords, type SrvRecord } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'

/** The one answer to a question that is asked once. */
export function answerTo ({ dns }: Pick<Observation, 'dns'>, purpose: DnsPurpose): DnsAnswer | undefined {
  return dns.find(answer => answer.purpose === purpose)
}

/** The answers that lead to addresses: of the SRV targets, or of the domain itself. */
export function addressAnswers ({ dns }: Pick<Observation, 'dns'>): DnsAnswer[] {
  return dns.filter(({ purpose }) => purpose === 'target' || purpose === 'fallback')
}

/** The services were asked for: endpoints were not named instead. */
export function servicesAsked ({ dns }: Pick<Observation, 'dns'>): boolean {
  return serviceAnswers(dns).length > 0
}

/** SRV records of both services, `.` left out. */
export function bothServices ({ dns }: Pick<Observation, 'dns'>): SrvRecord[] {
  return [...srvRecords(dns, 'xmpp-server'), ...srvRecords(dns, 'xmpps-server')]
}

/** Addresses that DNS gave, each once: of targets, and of the domain where servers fall back to it. Sorted. */
export function publishedAddresses (observation: Pick<Observation, 'dns'>): string[] {
  const records = addressAnswers(observation).flatMap(answer => answer.records)
  return [...new Set(records.flatMap(record => record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))].sort()
}

export function shownSrv ({ target, port, priority, weight }: SrvRecord): string {
  return `${quoted(target, 80)}:${port} (priority ${priority}, weight ${weight})`
}

/** So many of them, and how many more there are. */
export function listed (items: readonly string[], most = 10): string {
  return items.slice(0, most).join(', ') + (items.length > most ? ` and ${items.length - most} more` : '')
}
