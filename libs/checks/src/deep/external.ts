// Does the peer accept our certificate? (RFC 6120 §6, XEP-0178)
import type { DeepConnection } from '@dialtone/contracts'
import { defineConnectionCheck } from '../check.ts'
import { deviationOf } from '../deviations.ts'
import { isAboutOurCertificate, offered, stopped, told, worded } from './seen.ts'

export type ExternalOutcome =
  | 'accepted' | 'withheld' | 'not-requested' | 'not-shown' | 'refused-at-handshake' | 'refused-late' | 'refused-by-stream-error' | 'refused-by-sasl' | 'unanswered' | 'not-asked'

export const external = defineConnectionCheck<ExternalOutcome>({
  id: 's2s.external',
  asks: 'Does the peer accept our certificate?',
  about: 'SASL EXTERNAL with our own certificate, performed. A refusal comes in five ways: an alert at the handshake, an alert on the first read after it (TLS 1.3), a stream error, EXTERNAL withheld from who showed a certificate, or a SASL failure; the detail has the reason as the peer gives it.',
  outcomes: {
    accepted: { level: 'ok', says: 'accepts our certificate: EXTERNAL succeeds' },
    withheld: { level: 'warning', says: 'asks for our certificate, is shown it, and then offers no EXTERNAL', suspect: 'ours', remedy: 'Show a certificate that names our domain, is in date and comes with its intermediates from an authority that the peer trusts; its log says which of these fails.' },
    'not-requested': { level: 'notice', says: 'asks for no certificate: EXTERNAL is impossible' },
    'not-shown': { level: 'unknown', says: 'asks for a certificate, and there was none to show', remedy: 'Check again with --cert FILE --key FILE.' },
    'refused-at-handshake': { level: 'warning', says: 'refuses our certificate in the TLS handshake', suspect: 'ours' },
    'refused-late': { level: 'warning', says: 'refuses our certificate after the handshake, on the first read', suspect: 'ours' },
    'refused-by-stream-error': { level: 'warning', says: 'refuses our certificate with a stream error', suspect: 'ours' },
    'refused-by-sasl': { level: 'warning', says: 'offers EXTERNAL, and refuses it', suspect: 'ours', remedy: 'Compare the domain that the certificate names with the one that the stream is from.' },
    unanswered: { level: 'warning', says: 'offers EXTERNAL, and does not answer it', suspect: 'peer' },
    'not-asked': { level: 'unknown', says: 'ended, or stayed in clear, before EXTERNAL could be asked for' },
  },
  judge: connection => {
    if (connection.role !== 'external') return undefined
    const { is, detail } = externalOf(connection)
    return detail === undefined ? is : { outcome: is, detail }
  },
})

/** How EXTERNAL went on a connection that has our certificate, and the reason that the peer gave. */
export function externalOf (connection: DeepConnection): { is: ExternalOutcome, detail?: string } {
  const { sasl, tls, certificate } = connection
  if (sasl?.success === true) return { is: 'accepted' }
  if (sasl !== undefined) return { is: 'refused-by-sasl', detail: worded(sasl) }
  const stop = stopped(connection)
  const failure = stop?.failure
  if (failure?.at === 'tls' && failure.why === 'alert-from-peer') {
    // After our side has finished, the peer has nothing left to refuse but the certificate.
    if (failure.late === true && certificate) return { is: 'refused-late', detail: told(failure) }
    if (isAboutOurCertificate(failure)) return { is: certificate ? 'refused-at-handshake' : 'not-shown', detail: told(failure) }
  }
  if (failure?.at === 'stream' && failure.why === 'stream-error' && tls !== undefined) {
    const means = deviationOf(failure)?.means
    const aboutIt = means === 'our-certificate' || (means === undefined && failure.condition === 'not-authorized')
    if (aboutIt) return { is: certificate ? 'refused-by-stream-error' : 'not-shown', detail: told(failure) }
  }
  const features = offered(connection)
  const offers = features?.mechanisms.includes('EXTERNAL') === true
  if (stop?.stage === 'external' && offers) return { is: 'unanswered', detail: told(failure) }
  const early = stop !== undefined && stop.stage !== 'external' && stop.stage !== 'ping'
  if (tls === undefined || features === undefined || offers || early) return { is: 'not-asked', ...(stop === undefined ? {} : { detail: `${stop.stage}: ${told(failure)}` }) }
  return { is: !tls.clientCertificateRequested ? 'not-requested' : certificate ? 'withheld' : 'not-shown' }
}
