// Does the peer ask for our certificate? (XEP-0178)
import { defineEndpointCheck } from '../check.ts'

export const clientCertificate = defineEndpointCheck({
  id: 's2s.client-certificate',
  asks: 'Does the peer ask for our certificate?',
  about: 'Without the request EXTERNAL is impossible; some servers also withhold EXTERNAL until a certificate is shown that they trust.',
  outcomes: {
    requested: { level: 'ok', says: 'asks for a certificate' },
    'not-known': { level: 'unknown', says: 'may ask for a certificate: below TLS 1.2 that cannot be seen' },
    'not-requested': { level: 'notice', says: 'asks for no certificate: EXTERNAL is impossible' },
  },
  judge: ({ tls }) => tls === undefined ? undefined : tls.clientCertificateRequested === undefined ? 'not-known' : tls.clientCertificateRequested ? 'requested' : 'not-requested',
})
