// Do the TLSA records fit the certificate that is shown? (RFC 7673 §3.3, RFC 7671)
import { isFailed } from '@dialtone/discovery'
import { defineEndpointCheck } from '../check.ts'
import { listed } from './asked.ts'
import { matchTlsa, recordFor, tlsaRecords, type TlsaRecord } from './tlsa-match.ts'

/** Asked where the zone is signed; elsewhere peers ignore TLSA, and there is no finding. Also says which record to publish. */
export const tlsa = defineEndpointCheck({
  id: 's2s.tlsa',
  asks: 'Do the TLSA records fit the certificate that is shown?',
  about: 'The records at _port._tcp.target, where the SRV record and the addresses of the target are signed (RFC 7673). One record that fits is enough. Peers that look at DANE refuse a certificate that none fits, whoever issued it. Where none is published, or none fits, the record for the key in use is shown.',
  outcomes: {
    match: { level: 'ok', says: 'has a TLSA record that fits its certificate' },
    none: { level: 'ok', says: 'has no TLSA record, which is optional' },
    mismatch: { level: 'error', says: 'has TLSA records, and none fits its certificate: peers that use DANE refuse it', suspect: 'peer', remedy: 'Publish the TLSA record of the new key before the server changes to it, and remove the old one afterwards.' },
    'pkix-fails': { level: 'error', says: 'has a TLSA record that fits, and that demands a trusted chain besides, which is missing', suspect: 'peer', remedy: 'Publish usage 3 instead, or get a certificate from a trusted authority.' },
    'anchor-unverified': { level: 'unknown', says: 'has a TLSA record of a certificate that it sends, and whether that one issued its certificate is not known' },
    insecure: { level: 'notice', says: 'has TLSA records without DNSSEC, which peers ignore', remedy: 'Sign the zone that holds the TLSA records.' },
    unusable: { level: 'notice', says: 'has TLSA records that nobody can use', remedy: 'Publish usage 3, selector 1, matching type 1.' },
    'not-known': { level: 'unknown', says: 'gave no answer about its TLSA records' },
    'not-asked': { level: 'unknown', says: 'has TLSA records, and showed no certificate to compare them with' },
  },
  judge: ({ source, target, port, chain }, { dns, certificates }) => {
    const answer = dns.find(({ purpose, name }) => purpose === 'tlsa' && name === `_${port}._tcp.${target}`)
    if (source !== 'srv' || answer === undefined) return undefined
    if (isFailed(answer)) return { outcome: 'not-known', detail: answer.outcome }
    const records = tlsaRecords(answer.records)
    const publish = recordFor(chain, certificates)
    const advice = publish === undefined ? '' : `publish _${port}._tcp.${target}. IN TLSA ${publish}`
    if (records.length === 0) return advice === '' ? 'none' : { outcome: 'none', detail: `to use DANE, ${advice}` }
    if (!answer.authenticated) return { outcome: 'insecure', detail: shown(records) }
    if (chain === undefined) return { outcome: 'not-asked', detail: shown(records) }
    const matches = records.map(record => ({ record, match: matchTlsa(record, chain, certificates) }))
    for (const [match, outcome] of [['fits', 'match'], ['anchor-unverified', 'anchor-unverified'], ['pkix-fails', 'pkix-fails']] as const) {
      const those = matches.filter(each => each.match === match).map(({ record }) => record)
      if (those.length > 0) return { outcome, detail: shown(those) }
    }
    if (matches.every(({ match }) => match === 'unusable')) return { outcome: 'unusable', detail: shown(records) }
    return { outcome: 'mismatch', detail: `${shown(records)}${advice === '' ? '' : `; ${advice}`}` }
  },
})

function shown (records: readonly TlsaRecord[]): string {
  return listed([...new Set(records.map(({ usage, selector, matching }) => `TLSA ${usage} ${selector} ${matching}`))], 6)
}
