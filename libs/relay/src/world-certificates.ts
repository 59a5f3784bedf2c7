// Certificates of a zone: which one is shown as which domain, and what is wrong with them (gateways.md 5.12 L8, L9).
import { X509Certificate } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { matchedCertificate } from '@dialtone/net'
import { ANY_PURPOSE, CLIENT_AUTH, canonicalDomain, identityOf, readCertificate, type CertificateFacts } from '@dialtone/stream'
import type { KeyPair } from './seams.ts'

export type HeldCertificate = { pair: KeyPair, facts: CertificateFacts, named: string }

/** PEM, checked: the key belongs to the first certificate, which can be read. Throws an OperatorError otherwise. */
export function heldCertificate (held: KeyPair, named: { certificate: string, key: string }): HeldCertificate {
  const pair = matchedCertificate(held, named)
  const facts = readCertificate(new X509Certificate(pair.certificate.slice(pair.certificate.indexOf('-----BEGIN CERTIFICATE-----'))).raw)
  if (facts === undefined) throw new OperatorError('unreadable-certificate', `${named.certificate} holds a certificate that breaks RFC 5280, and peers would refuse it: have it issued again`)
  return { pair, facts, named: named.certificate }
}

/** The certificate for a domain (RFC 9525): of those whose names fit, one that has begun before one that has not, then the one that ends last. One look-up, however many there are. */
export function chooserOf (held: readonly HeldCertificate[], now: number): (domain: string) => HeldCertificate | undefined {
  const byName = new Map<string, Set<HeldCertificate>>()
  const bestFirst = held.toSorted((a, b) => Number(a.facts.notBefore > now) - Number(b.facts.notBefore > now) || b.facts.notAfter - a.facts.notAfter)
  for (const one of bestFirst) for (const name of namesOf(one.facts)) byName.set(name, (byName.get(name) ?? new Set()).add(one))
  const fitting = (name: string, domain: string) => [...byName.get(name) ?? []].find(({ facts }) => identityOf(facts, domain).match !== 'none')
  return domain => fitting(domain, domain) ?? fitting(`*${domain.slice(Math.max(0, domain.indexOf('.')))}`, domain)
}

/** Where to look for a certificate, in canonical form; whether it really fits is for `identityOf` to say. */
function namesOf ({ dnsNames, srvNames, xmppAddrs }: CertificateFacts): string[] {
  return [...dnsNames, ...srvNames.map(name => name.slice(name.indexOf('.') + 1)), ...xmppAddrs].flatMap(name => {
    const wild = name.startsWith('*.')
    const domain = canonicalDomain(wild ? name.slice(2) : name)
    return domain === undefined ? [] : [wild ? `*.${domain}` : domain]
  })
}

/** What an operator should know of a certificate: over, not begun, or no good for EXTERNAL. `unhealthy`: peers refuse it now. */
export function oddities ({ facts, named }: HeldCertificate, now: number): { unhealthy: boolean, says: string }[] {
  const found: { unhealthy: boolean, says: string }[] = []
  if (facts.notAfter <= now) found.push({ unhealthy: true, says: `${named} ended at ${new Date(facts.notAfter).toISOString()}: peers that look at certificates refuse it; renew it` })
  if (facts.notBefore > now) found.push({ unhealthy: true, says: `${named} begins at ${new Date(facts.notBefore).toISOString()}: until then peers that look at certificates refuse it; check the clock` })
  if (facts.extendedKeyUsage?.some(usage => usage === CLIENT_AUTH || usage === ANY_PURPOSE) === false) found.push({ unhealthy: false, says: `${named} is not for clients (no clientAuth): some peers refuse SASL EXTERNAL with it, and dialback must stay possible` })
  return found
}
