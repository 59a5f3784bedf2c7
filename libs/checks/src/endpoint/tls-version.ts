// Which TLS version and cipher are used? (RFC 8996, RFC 9325)
import { defineEndpointCheck } from '../check.ts'

export const tlsVersion = defineEndpointCheck({
  id: 's2s.tls-version',
  asks: 'Which TLS version and cipher are used?',
  about: 'What both sides prefer, from TLS 1.0 to 1.3 (RFC 8996 retires 1.0 and 1.1). Which others the peer would accept is not asked.',
  outcomes: {
    'tls-1.3': { level: 'ok', says: 'uses TLS 1.3' },
    'tls-1.2': { level: 'ok', says: 'uses TLS 1.2' },
    old: { level: 'warning', says: 'uses a TLS version that RFC 8996 retires', suspect: 'peer', remedy: 'Enable TLS 1.2 and 1.3 on the server.' },
  },
  judge: ({ tls }) => tls === undefined ? undefined : { outcome: tls.protocol === 'TLSv1.3' ? 'tls-1.3' : tls.protocol === 'TLSv1.2' ? 'tls-1.2' : 'old', detail: [tls.protocol, tls.cipher, tls.group].filter(part => part !== undefined).join(' ') },
})
