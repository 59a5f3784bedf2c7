// Is authentication offered before encryption? (RFC 6120 §6.3.4, RFC 7590)
import { defineEndpointCheck } from '../check.ts'

export const clearAuthentication = defineEndpointCheck({
  id: 's2s.clear-authentication',
  asks: 'Is authentication offered before encryption?',
  about: 'SASL mechanisms or dialback in the features before TLS. Dialback in clear is how old servers work; beside optional STARTTLS it invites a downgrade.',
  outcomes: {
    no: { level: 'ok', says: 'offers no authentication in clear' },
    dialback: { level: 'notice', says: 'offers dialback in clear' },
    sasl: { level: 'warning', says: 'offers SASL in clear', suspect: 'peer', remedy: 'Require encryption before authentication.' },
  },
  judge: ({ kind, features }) => {
    if (kind === 'direct' || features === undefined) return undefined
    return features.mechanisms.length > 0 ? { outcome: 'sasl', detail: features.mechanisms.join(', ') } : features.dialback ? 'dialback' : 'no'
  },
})
