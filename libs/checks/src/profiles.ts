// What kinds of peer are expected to show, as data. A profile changes levels and expectations, never facts.
import type { Finding, Level, Profile } from '@dialtone/contracts'

export type Expectation = {
  /** For people. */
  title: string
  /** Encryption that the peer must offer. `none`: clear text is what it does. */
  tls: 'expected' | 'optional' | 'none'
  /** `dialback` alone, or a valid certificate. */
  authentication: 'dialback' | 'certificate' | 'either'
  levels: Readonly<Record<string, Level>>
}

const CLEAR: Expectation['levels'] = { 's2s.starttls-offer/absent': 'ok', 's2s.clear-authentication/dialback': 'ok' }
const ANY_CERTIFICATE: Expectation['levels'] = { 's2s.certificate-trust/self-signed': 'notice', 's2s.certificate-trust/unknown-ca': 'notice', 's2s.certificate-name/none': 'notice' }

export const PROFILE_DATA: Record<Profile, Expectation> = {
  standard: { title: 'a server after RFC 7590: encryption, and dialback or a certificate', tls: 'expected', authentication: 'either', levels: {} },
  googletalk: { title: 'Google Talk: clear text and dialback', tls: 'none', authentication: 'dialback', levels: CLEAR },
  webex: { title: 'WebEx Connect: TLS optional, no client certificate', tls: 'optional', authentication: 'dialback', levels: { ...CLEAR, ...ANY_CERTIFICATE, 's2s.client-certificate/not-requested': 'ok' } },
  sametime: { title: 'Sametime gateway: TLS optional, dialback', tls: 'optional', authentication: 'dialback', levels: { ...CLEAR, ...ANY_CERTIFICATE } },
  cup: { title: 'Cisco Unified Presence: TLS optional, dialback or certificates', tls: 'optional', authentication: 'either', levels: ANY_CERTIFICATE },
  expressway: { title: 'Cisco Expressway: TLS and certificates', tls: 'expected', authentication: 'certificate', levels: { 's2s.certificate-trust/self-signed': 'error', 's2s.certificate-trust/unknown-ca': 'error' } },
}

/** The finding with the level that the profile gives its outcome. */
export function adjusted (finding: Finding, profile: Profile): Finding {
  const level = PROFILE_DATA[profile].levels[`${finding.check}/${finding.outcome}`]
  return level === undefined ? finding : { ...finding, level }
}
