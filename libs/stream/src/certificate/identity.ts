/**
 * Whether a certificate is good for a domain (RFC 9525; RFC 6120 §13.7.1.2; RFC 4985). The reference is the domain, never the SRV target.
 * The common name says nothing. Dates, trust and purposes are other questions.
 */
import { canonicalDomain } from '../domain.ts'
import type { CertificateFacts } from './read-certificate.ts'

export type Identity =
  /** How the domain was found, and the name as it stands in the certificate. */
  | { match: 'dns' | 'wildcard' | 'srv' | 'xmpp-addr', name: string }
  /** No name fits. `onlyCommonName`: the subject's CN would have, which has not counted since RFC 9525. */
  | { match: 'none', onlyCommonName: boolean }

/** The strongest form that fits wins: exact dNSName, SRVName, xmppAddr, wildcard. `domain` in any spelling; what is no domain fits nothing. */
export function identityOf (facts: CertificateFacts, domain: string): Identity {
  const wanted = canonicalDomain(domain)
  if (wanted === undefined) return { match: 'none', onlyCommonName: false }
  const exact = facts.dnsNames.find(name => asciiDomain(name) === wanted)
  if (exact !== undefined) return { match: 'dns', name: exact }
  const srv = facts.srvNames.find(name => srvDomain(name) === wanted)
  if (srv !== undefined) return { match: 'srv', name: srv }
  // A UTF8String: the one name that may hold U-labels.
  const address = facts.xmppAddrs.find(name => canonicalDomain(name) === wanted)
  if (address !== undefined) return { match: 'xmpp-addr', name: address }
  const wildcard = facts.dnsNames.find(name => wildcardMatches(name, wanted))
  if (wildcard !== undefined) return { match: 'wildcard', name: wildcard }
  return { match: 'none', onlyCommonName: facts.commonNames.some(name => canonicalDomain(name) === wanted) }
}

/** RFC 9525 §6.3: the wildcard is the whole left-most label, and stands for exactly one label above at least two that remain. */
function wildcardMatches (name: string, wanted: string): boolean {
  const rest = name.startsWith('*.') ? asciiDomain(name.slice(2)) : undefined
  return rest !== undefined && rest.includes('.') && wanted.slice(wanted.indexOf('.') + 1) === rest
}

/** The domain of an SRVName for S2S (RFC 6120 §13.7.1.2.1): no other service, no wildcard. */
function srvDomain (name: string): string | undefined {
  const prefix = '_xmpp-server.'
  return name.slice(0, prefix.length).toLowerCase() === prefix ? asciiDomain(name.slice(prefix.length)) : undefined
}

/** An IA5String holds ASCII (RFC 5280 §4.2.1.6); a byte beyond it is not read as the letter that it would be in Latin-1. */
function asciiDomain (name: string): string | undefined {
  return /^[!-~]*$/.test(name) ? canonicalDomain(name) : undefined
}
