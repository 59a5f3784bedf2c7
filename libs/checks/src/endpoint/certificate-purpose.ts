// May the certificate be used by a server, and as a client of others? (RFC 5280 §4.2.1.12)
import { ANY_PURPOSE, CLIENT_AUTH, SERVER_AUTH } from '@dialtone/stream'
import { leafOf } from '../certificates.ts'
import { defineEndpointCheck } from '../check.ts'

export const purpose = defineEndpointCheck({
  id: 's2s.certificate-purpose',
  asks: 'May the certificate be used by a server, and as a client of others?',
  about: 'Extended key usage. Public authorities stop issuing clientAuth; a certificate without it still works where the peer does not insist, but strict peers then fall back to dialback.',
  outcomes: {
    both: { level: 'ok', says: 'shows a certificate for both roles' },
    'server-only': { level: 'notice', says: 'shows a certificate without clientAuth: strict peers will not take it for EXTERNAL' },
    'not-server': { level: 'warning', says: 'shows a certificate that may not be used by a server', suspect: 'peer', remedy: 'Get a certificate with serverAuth.' },
  },
  judge: (endpoint, observation) => {
    const leaf = leafOf(endpoint, observation)
    if (leaf === undefined) return undefined
    const usage = leaf.extendedKeyUsage
    if (usage === undefined || usage.includes(ANY_PURPOSE)) return 'both'
    return !usage.includes(SERVER_AUTH) ? 'not-server' : usage.includes(CLIENT_AUTH) ? 'both' : 'server-only'
  },
})
