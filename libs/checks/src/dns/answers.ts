// How well the resolver and the zone answered: classes kept apart, time, DNSSEC, addresses.
import type { DnsRecord, Observation } from '@dialtone/contracts'
import { defineDomainCheck } from '../check.ts'

const PRIVATE = /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|0\.)|^(?:::1$|f[cd]|fe[89ab])/i

export const dnsAnswered = defineDomainCheck({
  id: 's2s.dns-answered',
  asks: 'Did the resolver answer?',
  about: 'Keeps absence (NXDOMAIN, NODATA) apart from not knowing (SERVFAIL, refused, time-out, unreachable, an answer to another question). What failed for a control name too is the resolver, not the domain.',
  outcomes: {
    answered: { level: 'ok', says: 'every DNS question was answered' },
    failed: { level: 'warning', says: 'some DNS questions failed' },
    'resolver-failed': { level: 'error', says: 'the resolver fails for a control name too', suspect: 'observer', remedy: 'Mend the resolver, or name another with --resolver.' },
    'not-asked': { level: 'unknown', says: 'no DNS question was needed' },
  },
  judge: ({ dns }) => {
    if (dns.length === 0) return 'not-asked'
    const failed = dns.filter(({ outcome, purpose }) => purpose !== 'unvalidated' && !['answer', 'nodata', 'nxdomain'].includes(outcome))
    if (failed.length === 0) return 'answered'
    const detail = failed.map(({ name, type, outcome, detail }) => `${type} ${name}: ${outcome}${detail === undefined ? '' : ` (${detail})`}`).join('; ')
    return { outcome: failed.some(({ purpose }) => purpose === 'control') ? 'resolver-failed' : 'failed', detail }
  },
})

export const dnsTime = defineDomainCheck({
  id: 's2s.dns-time',
  asks: 'How long did DNS take?',
  about: 'The slowest single question, apart from every other stage. Many servers give DNS five seconds in all.',
  outcomes: {
    quick: { level: 'ok', says: 'DNS answered quickly' },
    slow: { level: 'notice', says: 'DNS answered slowly' },
  },
  judge: ({ dns }, { slowStageMs }) => {
    if (dns.length === 0) return undefined
    const slowest = Math.max(...dns.map(({ ms }) => ms))
    return { outcome: slowest > slowStageMs ? 'slow' : 'quick', detail: `${Math.round(slowest)} ms` }
  },
})

export const dnssec = defineDomainCheck({
  id: 's2s.dnssec',
  asks: 'Are the SRV records signed, and does the resolver say so?',
  about: 'The AD bit (RFC 4035 §3.2.3), which is worth something only from a resolver on this host. SERVFAIL that goes away when checking is disabled means a bogus signature.',
  outcomes: {
    secure: { level: 'ok', says: 'has DNSSEC-signed SRV records' },
    insecure: { level: 'ok', says: 'has SRV records without DNSSEC' },
    bogus: { level: 'error', says: 'has DNSSEC signatures that do not verify', suspect: 'peer', remedy: 'Sign the zone again, or correct the DS record at the parent.' },
    untrusted: { level: 'unknown', says: 'was asked through a resolver whose word on DNSSEC is not believed' },
  },
  judge: ({ dns, asked }) => {
    const services = dns.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server')
    if (services.length === 0) return undefined
    if (services.some(({ outcome }) => outcome === 'servfail') && dns.some(({ purpose, outcome }) => purpose === 'unvalidated' && outcome !== 'servfail' && outcome !== 'timeout')) return 'bogus'
    if (!asked.resolverTrusted) return 'untrusted'
    return services.every(({ authenticated }) => authenticated) ? 'secure' : 'insecure'
  },
})

export const addressExpected = defineDomainCheck({
  id: 's2s.address-expected',
  asks: 'Is the published address the one that was configured as ours?',
  about: 'Compares the addresses of all endpoints with those expected. Says nothing when none is expected.',
  outcomes: {
    expected: { level: 'ok', says: 'publishes the expected addresses' },
    unexpected: { level: 'error', says: 'publishes an address that is not among the expected ones', suspect: 'ours', remedy: 'Correct the A or AAAA record of the SRV target, or the expected address.' },
  },
  judge: (observation, { expectedAddresses }) => {
    const addresses = addressesOf(observation)
    if (expectedAddresses.length === 0 || addresses.length === 0) return undefined
    const odd = addresses.filter(address => !expectedAddresses.includes(address))
    return odd.length === 0 ? 'expected' : { outcome: 'unexpected', detail: odd.join(', ') }
  },
})

export const addressPublic = defineDomainCheck({
  id: 's2s.address-public',
  asks: 'Are the published addresses reachable from the Internet at all?',
  about: 'Private, loopback, link-local and shared ranges in DNS answers. Right inside a network, wrong in public DNS; nothing is sent to them unless --allow-net permits it.',
  outcomes: {
    public: { level: 'ok', says: 'publishes public addresses' },
    private: { level: 'warning', says: 'publishes an address that only an inside network can reach', remedy: 'Publish the public address, and keep the private one to the inside view.' },
  },
  judge: observation => {
    const addresses = addressesOf(observation)
    if (addresses.length === 0) return undefined
    const inside = addresses.filter(address => PRIVATE.test(address))
    return inside.length === 0 ? 'public' : { outcome: 'private', detail: inside.join(', ') }
  },
})

export const addressFamilies = defineDomainCheck({
  id: 's2s.address-families',
  asks: 'Is the domain reachable over IPv4 and IPv6?',
  about: 'Which families the endpoints have. IPv6 alone cuts off the many servers without it.',
  outcomes: {
    both: { level: 'ok', says: 'has IPv4 and IPv6 addresses' },
    'ipv4-only': { level: 'ok', says: 'has IPv4 addresses only' },
    'ipv6-only': { level: 'notice', says: 'has IPv6 addresses only, which many servers cannot reach' },
  },
  judge: ({ dns }) => {
    const records: DnsRecord[] = dns.filter(({ purpose }) => purpose === 'target' || purpose === 'fallback').flatMap(answer => answer.records)
    const four = records.some(({ type }) => type === 'A')
    const six = records.some(({ type }) => type === 'AAAA')
    return four ? six ? 'both' : 'ipv4-only' : six ? 'ipv6-only' : undefined
  },
})

function addressesOf ({ dns, endpoints }: Observation): string[] {
  const records: DnsRecord[] = dns.filter(({ purpose }) => purpose === 'target' || purpose === 'fallback').flatMap(answer => answer.records)
  const fromDns = records.flatMap(record => record.type === 'A' || record.type === 'AAAA' ? [record.address] : [])
  const published = endpoints.filter(({ source }) => source !== 'override').map(({ address }) => address)
  return [...new Set([...fromDns, ...published])].sort()
}
