// Can the domain prove itself by DANE when it connects to others? (RFC 7712 §4, Prosody's mod_s2s_auth_dane_in)
import { isFailed } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { matchTlsa, tlsaRecords } from './tlsa-match.ts'

/** Compares with the certificate that the domain shows as a server: what it shows as a client cannot be seen from here. */
export const tlsaInbound = defineDomainCheck({
  id: 's2s.tlsa-inbound',
  asks: 'Can the domain prove itself by DANE when it connects to others?',
  about: 'TLSA records at _xmpp-server.DOMAIN, which Prosody looks up about servers that connect to it; it takes usage 3 alone. Asked where the zone is signed. What the domain shows when it connects is not seen from here: the certificate of its own listeners stands in for it.',
  outcomes: {
    published: { level: 'ok', says: 'publishes a TLSA record for its own connections' },
    absent: { level: 'ok', says: 'publishes no TLSA record for its own connections, which is optional' },
    'other-usage': { level: 'notice', says: 'publishes TLSA records for its own connections with usages that are not looked at', remedy: 'Publish usage 3, selector 1, matching type 1.' },
    'other-certificate': { level: 'notice', says: 'publishes a TLSA record for its own connections that fits none of the certificates of its listeners', remedy: 'Check that the server uses another certificate on purpose when it connects; else publish the record of the current key.' },
    'not-known': { level: 'unknown', says: 'gave no answer about TLSA records for its own connections' },
  },
  judge: ({ dns, endpoints, certificates }) => {
    const answer = dns.find(({ purpose }) => purpose === 'tlsa-inbound')
    if (answer === undefined) return undefined
    if (isFailed(answer)) return { outcome: 'not-known', detail: answer.outcome }
    const records = tlsaRecords(answer.records)
    if (records.length === 0) return 'absent'
    const used = records.filter(({ usage }) => usage === 3)
    if (used.length === 0) return 'other-usage'
    const chains = endpoints.flatMap(({ chain }) => chain ?? [])
    return chains.length > 0 && !chains.some(chain => used.some(record => matchTlsa(record, chain, certificates) === 'fits')) ? 'other-certificate' : 'published'
  },
})
