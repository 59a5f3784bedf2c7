// With what could a server authenticate here? (XEP-0178, XEP-0220 §2.1)
import { defineEndpointCheck } from '../check.ts'

export const authentication = defineEndpointCheck({
  id: 's2s.authentication-offer',
  asks: 'With what could a server authenticate here?',
  about: 'After TLS, or in clear where there is none: EXTERNAL (XEP-0178) in the mechanisms, dialback (XEP-0220) as a feature or as a namespace on the header. Offers, not successes: nothing is performed by a light check.',
  outcomes: {
    both: { level: 'ok', says: 'offers EXTERNAL and dialback' },
    external: { level: 'ok', says: 'offers EXTERNAL' },
    dialback: { level: 'ok', says: 'offers dialback' },
    'legacy-dialback': { level: 'notice', says: 'declares dialback on the header without the feature' },
    withheld: { level: 'unknown', says: 'asks for a certificate, was shown none, and offers neither EXTERNAL nor dialback', remedy: 'Check again with --cert FILE --key FILE.' },
    none: { level: 'error', says: 'offers neither EXTERNAL nor dialback', suspect: 'peer', remedy: 'Turn on dialback, or SASL EXTERNAL, for S2S.' },
    'not-asked': { level: 'unknown', says: 'ended before its last features arrived' },
  },
  judge: ({ kind, tls, header, headerAgain, features, featuresAgain }, { asked }) => {
    const again = kind === 'starttls' && tls !== undefined
    const offered = again ? featuresAgain : features
    const head = again ? headerAgain : header
    if (offered === undefined) return head?.version === undefined && head?.dialbackNamespace === true ? 'legacy-dialback' : 'not-asked'
    const external = offered.mechanisms.includes('EXTERNAL')
    if (external) return offered.dialback || head?.dialbackNamespace === true ? 'both' : 'external'
    if (offered.dialback || head?.dialbackNamespace === true) return offered.dialback ? 'dialback' : 'legacy-dialback'
    return tls?.clientCertificateRequested === true && !asked.clientCertificate ? 'withheld' : 'none'
  },
})
