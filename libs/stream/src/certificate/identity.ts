/**
 * Whether a certificate is good for a domain (RFC 9525; RFC 6120 §13.7.1.2; RFC 4985). The reference is the domain, never the SRV target.
 * The common name says nothing. Dates, trust and purposes are other questions.
 */
import type { CertificateFacts } from './read-certificate.ts'

export type Identity =
  /** How the domain was found, and the name as it stands in the certificate. */
  | { match: 'dns' | 'wildcard' | 'srv' | 'xmpp-addr', name: string }
  /** No name fits. `onlyCommonName`: the subject's CN would have, which has not counted since RFC 9525. */
  | { match: 'none', onlyCommonName: boolean }

/** `domain` in A-label form. The strongest form that fits wins: exact dNSName, SRVName, xmppAddr, wildcard. */
export function identityOf (facts: CertificateFacts, domain: string): Identity {
  const wanted = canonical(domain)
  const exact = facts.dnsNames.find(name => isName(name) && canonical(name) === wanted)
  if (exact !== undefined) return { match: 'dns', name: exact }
  const srv = facts.srvNames.find(name => srvMatches(name, wanted))
  if (srv !== undefined) return { match: 'srv', name: srv }
  const address = facts.xmppAddrs.find(name => isName(name) && canonical(name) === wanted)
  if (address !== undefined) return { match: 'xmpp-addr', name: address }
  const wildcard = facts.dnsNames.find(name => wildcardMatches(name, wanted))
  if (wildcard !== undefined) return { match: 'wildcard', name: wildcard }
  return { match: 'none', onlyCommonName: facts.commonNames.some(name => isName(name) && canonical(name) === wanted) }
}

/** RFC 9525 §6.3: the wildcard is the whole left-most label, and stands for exactly one label of at least two that remain. */
function wildcardMatches (name: string, wanted: string): boolean {
  if (!name.startsWith('*.')) return false
  const rest = name.slice(2)
  if (!isName(rest) || !rest.replace(/\.$/, '').includes('.')) return false
  const dot = wanted.indexOf('.')
  return dot > 0 && wanted.slice(dot + 1) === canonical(rest)
}

function srvMatches (name: string, wanted: string): boolean {
  const [, service, host] = /^(_xmpp-server|_xmpps-server)\.(.+)$/i.exec(name) ?? []
  return service !== undefined && host !== undefined && isName(host) && canonical(host) === wanted
}

/** A host name of letters, digits, hyphens and underscores: what holds a NUL, a wildcard, a space or an '@' is none and matches nothing. */
function isName (name: string): boolean {
  return name.length <= 254 && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i.test(name)
}

function canonical (name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
