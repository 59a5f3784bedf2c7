// Is the certificate valid now, and for how long? (RFC 5280 §4.1.2.5)
import { endsAt, pathOf } from '../certificates.ts'
import { defineEndpointCheck } from '../check.ts'

const DAY_MS = 86_400_000

export const dates = defineEndpointCheck({
  id: 's2s.certificate-dates',
  asks: 'Is the certificate valid now, and for how long?',
  about: 'The earliest end on the path that was built: an intermediate that ends first ends the chain. The time is that of the observation.',
  outcomes: {
    valid: { level: 'ok', says: 'shows a certificate that is valid for long enough' },
    expiring: { level: 'warning', says: 'shows a certificate that ends soon', suspect: 'peer', remedy: 'Renew the certificate and reload the server.' },
    expired: { level: 'error', says: 'shows a certificate that has expired', suspect: 'peer', remedy: 'Renew the certificate and reload the server.' },
    'not-yet-valid': { level: 'error', says: 'shows a certificate that is not valid yet', suspect: 'peer', remedy: 'Check the clocks of the server and of this machine; else issue it again.' },
  },
  judge: (endpoint, observation, { expiryWarningDays }) => {
    const path = pathOf(endpoint, observation)
    const end = endsAt(endpoint, observation)
    if (end === undefined) return undefined
    const now = Date.parse(observation.startedAt)
    const begins = Math.max(...path.map(({ notBefore }) => notBefore))
    if (begins > now) return { outcome: 'not-yet-valid', detail: `from ${day(begins)}` }
    return { outcome: end < now ? 'expired' : end < now + expiryWarningDays * DAY_MS ? 'expiring' : 'valid', detail: `until ${day(end)}` }
  },
})

function day (ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
