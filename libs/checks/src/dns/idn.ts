// Are internationalised names valid? (RFC 5890 §2.3.2, RFC 6120 §3.2.1)
import { isFailed, serviceAnswers, srvRecords } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { decodeALabel } from './a-label.ts'
import { listed } from './asked.ts'

/** Reads the domain and its SRV targets. A target that is not in A-labels at all is s2s.srv-rules. */
export const idn = defineDomainCheck({
  id: 's2s.idn',
  asks: 'Are internationalised names valid?',
  about: 'Each xn-- label of the domain and of its SRV targets is decoded (RFC 3492). One that is no Punycode, or not the form that encoding gives, is a name that no careful server arrives at.',
  outcomes: {
    ascii: { level: 'ok', says: 'has no internationalised names' },
    idn: { level: 'ok', says: 'has valid internationalised names' },
    'not-known': { level: 'unknown', says: 'gave no records whose names could be read' },
    broken: { level: 'warning', says: 'has an xn-- label that is no valid A-label', suspect: 'peer', remedy: 'Encode the name again, from its lower-case Unicode form.' },
  },
  judge: ({ domain, dns }) => {
    const names = [domain, ...srvRecords(dns, 'xmpp-server').map(({ target }) => target), ...srvRecords(dns, 'xmpps-server').map(({ target }) => target)]
    const encoded = [...new Set(names)].filter(name => name.split('.').some(isEncoded))
    if (encoded.length === 0) return serviceAnswers(dns).length > 0 && serviceAnswers(dns).every(isFailed) ? 'not-known' : 'ascii'
    const broken = encoded.filter(name => name.split('.').some(label => isEncoded(label) && decodeALabel(label) === undefined))
    if (broken.length > 0) return { outcome: 'broken', detail: listed(broken.map(name => quoted(name, 80)), 6) }
    return { outcome: 'idn', detail: listed(encoded.map(name => `${quoted(name, 80)} is ${quoted(name.split('.').map(label => decodeALabel(label) ?? label).join('.'), 80)}`), 6) }
  },
})

function isEncoded (label: string): boolean {
  return /^xn--/i.test(label)
}
