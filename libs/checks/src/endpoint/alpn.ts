// Does a direct TLS port confirm that it is for servers? (XEP-0368 §2)
import { defineEndpointCheck } from '../check.ts'

export const alpn = defineEndpointCheck({
  id: 's2s.alpn',
  asks: 'Does a direct TLS port confirm that it is for servers?',
  about: 'XEP-0368 §2: ALPN xmpp-server. A port that confirms nothing still works with most peers.',
  outcomes: {
    confirmed: { level: 'ok', says: 'confirms xmpp-server by ALPN' },
    unconfirmed: { level: 'notice', says: 'does not answer ALPN' },
    other: { level: 'warning', says: 'answers ALPN with another protocol', suspect: 'peer' },
  },
  judge: ({ kind, tls }) => kind !== 'direct' || tls === undefined ? undefined : tls.alpn === undefined ? 'unconfirmed' : tls.alpn === 'xmpp-server' ? 'confirmed' : { outcome: 'other', detail: tls.alpn },
})
