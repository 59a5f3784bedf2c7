// Is encryption possible although none is offered? (RFC 7590 §3.1)
import { defineEndpointCheck } from '../check.ts'

export const starttlsUnoffered = defineEndpointCheck({
  id: 's2s.starttls-unoffered',
  asks: 'Is encryption possible although none is offered?',
  about: 'STARTTLS asked for on a second connection where the features name none. A server that grants it either hides it, or something on the way removes the offer; a second vantage, or a check on the host of the server itself, tells which.',
  outcomes: {
    refused: { level: 'ok', says: 'does not take STARTTLS that it does not offer' },
    granted: { level: 'warning', says: 'takes STARTTLS although it offers none: something on the way may remove the offer', suspect: 'path', remedy: 'Check on the host of the server itself; if STARTTLS is offered there, switch off XMPP inspection on the firewall.' },
  },
  judge: ({ starttlsUnoffered: seen }) => seen === undefined ? undefined : 'proceeds' in seen ? 'granted' : 'refused',
})
