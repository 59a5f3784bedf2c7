// Does the TLS handshake succeed? (RFC 6120 §5.4.3, RFC 8446 §6)
import { defineEndpointCheck } from '../check.ts'
import { failed } from './steps.ts'

export const handshake = defineEndpointCheck({
  id: 's2s.tls-handshake',
  asks: 'Does the TLS handshake succeed?',
  about: 'Alerts are told by who sent them, and a refusal that comes after our side has finished (TLS 1.3) is told from one within the handshake.',
  outcomes: {
    done: { level: 'ok', says: 'completes the TLS handshake' },
    'refused-by-peer': { level: 'error', says: 'refuses the TLS handshake', suspect: 'peer' },
    'refused-by-us': { level: 'error', says: 'offers a TLS handshake that we refuse', suspect: 'peer' },
    'not-tls': { level: 'error', says: 'answers the TLS handshake with something else', suspect: 'peer' },
    broken: { level: 'error', says: 'breaks off the TLS handshake', suspect: 'peer' },
    'starttls-refused': { level: 'error', says: 'answers the request for TLS with a failure', suspect: 'peer', remedy: 'Check that the server can read its certificate and key.' },
    'not-asked': { level: 'unknown', says: 'was not asked for TLS' },
  },
  judge: ({ steps, tls }) => {
    const failure = failed(steps)
    if (failure?.at === 'starttls') return 'starttls-refused'
    if (failure?.at === 'tls') {
      const detail = [failure.alert, failure.late === true ? 'after the handshake' : undefined, failure.detail].filter(part => part !== undefined).join(', ')
      const outcome = ({ 'alert-from-peer': 'refused-by-peer', 'alert-from-us': 'refused-by-us', 'not-tls': 'not-tls', protocol: 'broken', closed: 'broken', reset: 'broken', timeout: 'broken' } as const)[failure.why]
      return { outcome, detail: detail || failure.why }
    }
    return tls === undefined ? 'not-asked' : { outcome: 'done', detail: `${tls.protocol} ${tls.cipher}` }
  },
})
