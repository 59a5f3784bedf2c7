// Can we encrypt before we authenticate? (RFC 6120 §5.3.1, RFC 7590 §3.1)
import { defineEndpointCheck } from '../check.ts'

export const starttlsOffer = defineEndpointCheck({
  id: 's2s.starttls-offer',
  asks: 'Can we encrypt before we authenticate?',
  about: 'The first features on a plaintext port. RFC 7590 §3.1 expects every server to offer STARTTLS; RFC 6120 §5.3.1 lets it insist. Says nothing about direct TLS.',
  outcomes: {
    required: { level: 'ok', says: 'offers STARTTLS and insists on it' },
    optional: { level: 'ok', says: 'offers STARTTLS' },
    absent: { level: 'warning', says: 'offers no STARTTLS: traffic is readable on the way', suspect: 'peer', remedy: 'Give the XMPP server a certificate and let it offer STARTTLS.' },
    'not-asked': { level: 'unknown', says: 'ended before its features arrived' },
  },
  judge: ({ kind, features }) => kind === 'direct' ? undefined : features?.starttls ?? 'not-asked',
})
