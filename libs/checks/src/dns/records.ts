// What the SRV records say, and where they break a rule that some server enforces (RFC 2782, RFC 6120 §3.2, XEP-0368).
import type { DnsAnswer, DnsRecord, Observation } from '@dialtone/contracts'
import { saysNo, srvRecords } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'

type Srv = Extract<DnsRecord, { type: 'SRV' }>

export const srvLookup = defineDomainCheck({
  id: 's2s.srv-lookup',
  asks: 'Which servers does the domain publish for federation?',
  about: 'Reads the answer for _xmpp-server._tcp (RFC 6120 §3.2.1). Absence and not knowing are different answers; without a record servers try the addresses of the domain itself.',
  outcomes: {
    published: { level: 'ok', says: 'publishes SRV records for federation' },
    disabled: { level: 'error', says: "publishes the SRV target '.': the service is not offered", suspect: 'peer', remedy: "Replace the target '.' by the host name of the XMPP server." },
    absent: { level: 'notice', says: 'publishes no SRV record; servers try its own address on port 5269', remedy: 'Publish _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example.' },
    servfail: { level: 'error', says: 'answers SERVFAIL for its SRV records; other servers may try its own address instead', suspect: 'peer', remedy: 'Check DNSSEC and that every name server of the zone answers.' },
    unanswered: { level: 'unknown', says: 'gave no answer about its SRV records' },
    'not-asked': { level: 'unknown', says: 'was not asked for SRV records: endpoints were named instead' },
  },
  judge: observation => {
    const answer = of(observation, 'xmpp-server')
    if (answer === undefined) return 'not-asked'
    if (answer.outcome === 'servfail') return { outcome: 'servfail', detail: extended(answer) }
    if (answer.outcome === 'nodata' || answer.outcome === 'nxdomain') return 'absent'
    if (answer.outcome !== 'answer') return { outcome: 'unanswered', detail: answer.outcome }
    const records = srvRecords(observation.dns, 'xmpp-server')
    return records.length === 0 && saysNo(observation.dns, 'xmpp-server') ? 'disabled' : { outcome: 'published', detail: records.map(shown).join(', ') }
  },
})

export const srvDirectLookup = defineDomainCheck({
  id: 's2s.srv-direct-lookup',
  asks: 'Does the domain publish direct TLS for federation?',
  about: 'Reads the answer for _xmpps-server._tcp (XEP-0368). Optional; where it exists, servers mix both lists by priority.',
  outcomes: {
    published: { level: 'ok', says: 'publishes direct TLS' },
    absent: { level: 'ok', says: 'publishes no direct TLS, which is optional' },
    disabled: { level: 'notice', says: "publishes the target '.' for direct TLS; with no other record servers may not fall back" },
    failed: { level: 'unknown', says: 'gave no answer about direct TLS' },
  },
  judge: observation => {
    const answer = of(observation, 'xmpps-server')
    if (answer === undefined) return undefined
    if (answer.outcome === 'nodata' || answer.outcome === 'nxdomain') return 'absent'
    if (answer.outcome !== 'answer') return { outcome: 'failed', detail: answer.outcome }
    const records = srvRecords(observation.dns, 'xmpps-server')
    return records.length === 0 ? 'disabled' : { outcome: 'published', detail: records.map(shown).join(', ') }
  },
})

export const srvRules = defineDomainCheck({
  id: 's2s.srv-rules',
  asks: 'Do the SRV records keep the rules of RFC 2782?',
  about: "Judges each record: a target must be a host name with addresses of its own, no alias, no address, not localhost; '.' stands alone; no target twice.",
  outcomes: {
    kept: { level: 'ok', says: 'keeps the rules for SRV records' },
    'mixed-dot': { level: 'warning', says: "publishes '.' beside real targets, which some servers take for a no", remedy: "Remove the record with the target '.'." },
    alias: { level: 'warning', says: 'names a target that is an alias (CNAME), which RFC 2782 forbids', remedy: 'Point the SRV record at the name that holds the A and AAAA records.' },
    literal: { level: 'warning', says: 'names an address as SRV target', remedy: 'Give the server a host name, and name that in the SRV record.' },
    localhost: { level: 'warning', says: 'names localhost as SRV target', remedy: 'Name the public host name of the server.' },
    dangling: { level: 'warning', says: 'names a target that has no address', remedy: 'Add an A or AAAA record for the target, or remove the SRV record.' },
    duplicate: { level: 'warning', says: 'names one target and port twice', remedy: 'Remove one of the two records.' },
  },
  judge: ({ dns }) => {
    const records = [...srvRecords(dns, 'xmpp-server'), ...srvRecords(dns, 'xmpps-server')]
    if (records.length === 0) return undefined
    const broken = [
      ...(['xmpp-server', 'xmpps-server'] as const).flatMap(purpose => saysNo(dns, purpose) && srvRecords(dns, purpose).length > 0 ? [{ outcome: 'mixed-dot' as const, detail: `_${purpose}._tcp` }] : []),
      ...records.flatMap(record => targetProblem(record, dns)),
      ...duplicates(dns),
    ]
    return broken.length === 0 ? 'kept' : broken
  },
})

export const srvPort = defineDomainCheck({
  id: 's2s.srv-port',
  asks: 'Are the published ports usual ones?',
  about: 'A port other than 5269 (or 5270 for direct TLS) is allowed and needs no remedy, but outgoing firewalls often allow the usual one only.',
  outcomes: {
    usual: { level: 'ok', says: 'publishes the usual ports' },
    unusual: { level: 'notice', says: 'publishes a port that outgoing firewalls may not allow' },
  },
  judge: ({ dns, asked }) => {
    const records = [...srvRecords(dns, 'xmpp-server'), ...srvRecords(dns, 'xmpps-server')]
    if (records.length === 0) return undefined
    const odd = records.filter(({ port }) => ![asked.fallbackPort, 5269, 5270, 443].includes(port))
    return odd.length === 0 ? 'usual' : { outcome: 'unusual', detail: [...new Set(odd.map(({ port }) => `port ${port}`))].join(', ') }
  },
})

export const legacySrv = defineDomainCheck({
  id: 's2s.srv-legacy',
  asks: 'Is only the legacy service name published?',
  about: 'Servers of the years before RFC 3920 were found under _jabber._tcp. Nothing in use looks there.',
  outcomes: {
    absent: { level: 'ok', says: 'publishes nothing under the legacy name _jabber._tcp' },
    alone: { level: 'warning', says: 'publishes only the legacy name _jabber._tcp, which servers no longer ask for', remedy: 'Publish the same record as _xmpp-server._tcp.' },
  },
  judge: observation => {
    const answer = of(observation, 'legacy-jabber')
    return answer === undefined ? undefined : answer.outcome === 'answer' ? 'alone' : 'absent'
  },
})

function targetProblem ({ target }: Srv, dns: readonly DnsAnswer[]): { outcome: 'literal' | 'localhost' | 'alias' | 'dangling', detail: string }[] {
  if (/^\d+(?:\.\d+){3}$/.test(target) || target.includes(':')) return [{ outcome: 'literal', detail: target }]
  if (target === 'localhost' || target.endsWith('.localhost')) return [{ outcome: 'localhost', detail: target }]
  const answers = dns.filter(({ purpose, name }) => purpose === 'target' && name === target)
  const alias = answers.flatMap(({ aliases }) => aliases)[0]
  if (alias !== undefined) return [{ outcome: 'alias', detail: `${target} → ${alias.to}` }]
  return answers.length > 0 && answers.every(({ outcome }) => outcome === 'nodata' || outcome === 'nxdomain') ? [{ outcome: 'dangling', detail: target }] : []
}

function duplicates (dns: readonly DnsAnswer[]): { outcome: 'duplicate', detail: string }[] {
  return (['xmpp-server', 'xmpps-server'] as const).flatMap(purpose => {
    const seen = srvRecords(dns, purpose).map(({ target, port }) => `${target}:${port}`)
    return [...new Set(seen.filter((record, at) => seen.indexOf(record) !== at))].map(detail => ({ outcome: 'duplicate' as const, detail }))
  })
}

function of ({ dns }: Observation, purpose: DnsAnswer['purpose']): DnsAnswer | undefined {
  return dns.find(answer => answer.purpose === purpose)
}

function shown ({ target, port, priority, weight }: Srv): string {
  return `${target}:${port} (priority ${priority}, weight ${weight})`
}

function extended ({ extended }: DnsAnswer): string {
  return extended.map(({ code, text }) => `RFC 8914 code ${code}${text === '' ? '' : ` ${text}`}`).join(', ') || 'no reason given'
}
