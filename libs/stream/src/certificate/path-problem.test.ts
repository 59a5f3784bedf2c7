import { describe, expect, it } from 'vitest'
import { pathProblem } from './path-problem.ts'
import type { CertificateFacts } from './read-certificate.ts'

const NOW = 1000
const one = (given: Partial<CertificateFacts> = {}): CertificateFacts => ({
  subject: '', issuer: '', commonNames: [], notBefore: 0, notAfter: 2000, serial: '01', dnsNames: [], srvNames: [], xmppAddrs: [], otherNames: [], isAuthority: false, criticalUnread: [], spki: { start: 0, end: 0 },
  key: { algorithm: 'P-256', bits: 256 }, signatureAlgorithm: 'ecdsa-with-SHA256', selfIssued: false, ...given,
})
const BAD: readonly [name: string, given: Partial<CertificateFacts>, is: string][] = [
  ['expired', { notAfter: NOW - 1 }, 'expired'],
  ['not valid yet', { notBefore: NOW + 1 }, 'not-yet-valid'],
  ['with an RSA key of 1024 bits', { key: { algorithm: 'RSA', bits: 1024 } }, 'weak'],
  ['signed with MD5', { signatureAlgorithm: 'md5WithRSA' }, 'weak'],
  ['signed with SHA-1', { signatureAlgorithm: 'sha1WithRSA' }, 'weak'],
  ['signed with SHA-1 by an EC key', { signatureAlgorithm: 'ecdsa-with-SHA1' }, 'weak'],
]

describe('a path to an anchor', () => {
  it('is good by today, to the millisecond', () => {
    expect(pathProblem([one(), one(), one()], NOW)).toBeUndefined()
    expect(pathProblem([one({ notBefore: NOW, notAfter: NOW, key: { algorithm: 'RSA', bits: 2048 } }), one()], NOW)).toBeUndefined()
  })
  for (const [name, given, is] of BAD) {
    it(`is not with a leaf or an intermediate ${name}, and is with an anchor like that`, () => {
      expect(pathProblem([one(given), one()], NOW)?.is).toBe(is)
      expect(pathProblem([one(), one(given), one()], NOW)?.is).toBe(is)
      expect(pathProblem([one(), one(given)], NOW)).toBeUndefined()
    })
  }
  it('of the anchor alone is judged as what the peer shows, but for a signature that nobody relies on', () => {
    expect(pathProblem([one({ notAfter: NOW - 1 })], NOW)?.is).toBe('expired')
    expect(pathProblem([one({ signatureAlgorithm: 'sha1WithRSA' })], NOW)).toBeUndefined()
  })
})
