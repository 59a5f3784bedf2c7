// The certificates that real servers are given in tests, by what is wrong with them. Made by the zoo, so that a scenario and its real
// counterpart show the same.
import { certificateFor, trustedRoot, type CertificateSpec } from '@dialtone/zoo'

/** What a certificate is like. */
export type CertificateKind = 'good' | 'expired' | 'not-yet-valid' | 'wrong-name' | 'unknown-ca' | 'self-signed' | 'xmpp-addr' | 'srv-name'

/** PEM; `chain` begins with the leaf. */
export type KeyPair = { chain: string, key: string }

/** A certificate of that kind for the domain; the same one in the same process. */
export async function certificateOf (kind: CertificateKind, domain: string): Promise<KeyPair> {
  const { chain, key } = await certificateFor(SPECS[kind](domain))
  return { chain, key }
}

/** The only root to trust: all but `unknown-ca` and `self-signed` lead to it. */
export async function testRoot (): Promise<string> {
  return trustedRoot()
}

const SPECS: Record<CertificateKind, (domain: string) => CertificateSpec> = {
  'good': domain => ({ names: { dns: [domain] } }),
  'expired': domain => ({ names: { dns: [domain] }, validDays: { from: -60, to: -2 } }),
  'not-yet-valid': domain => ({ names: { dns: [domain] }, validDays: { from: 2, to: 60 } }),
  'wrong-name': () => ({ names: { dns: ['elsewhere.example'] } }),
  'unknown-ca': domain => ({ names: { dns: [domain] }, issuer: 'unknown' }),
  'xmpp-addr': domain => ({ names: { dns: [domain], xmppAddr: [domain] } }),
  'srv-name': domain => ({ names: { dns: [domain], srvName: [`_xmpp-server.${domain}`] } }),
  'self-signed': domain => ({ names: { dns: [domain] }, issuer: 'self', commonName: domain }),
}
