import { describe, expect, it } from 'vitest'
import { identityOf } from './identity.ts'
import type { CertificateFacts } from './read-certificate.ts'

it('finds the domain as dNSName, SRVName, xmppAddr or wildcard, and says how', () => {
  expect(identityOf(naming({ dnsNames: ['Partner.Example'] }), 'partner.example')).toEqual({ match: 'dns', name: 'Partner.Example' })
  expect(identityOf(naming({ srvNames: ['_xmpp-server.partner.example'] }), 'partner.example')).toMatchObject({ match: 'srv' })
  expect(identityOf(naming({ xmppAddrs: ['partner.example'] }), 'partner.example')).toMatchObject({ match: 'xmpp-addr' })
  expect(identityOf(naming({ dnsNames: ['*.partner.example'] }), 'chat.partner.example')).toMatchObject({ match: 'wildcard' })
})

describe('C6: names that hold more than a name match nothing, and the common name never counts', () => {
  for (const name of ['partner.example\u0000.evil.example', 'evil.example, DNS:partner.example', 'partner.example\n', ' partner.example', 'partner.example ', 'user@partner.example', 'pärtner.example']) {
    it(JSON.stringify(name), () => {
      // The attack: a reader that cuts at NUL, splits at commas or trims would have found the domain.
      expect(name.normalize('NFKD').replace(/[\u0300-\u036F]/g, '').split('\u0000')[0]?.split(/[,@]| /).some(part => part.replace(/^DNS:/, '').trim() === 'partner.example')).toBe(true)
      expect(identityOf(naming({ dnsNames: [name], xmppAddrs: [name] }), 'partner.example')).toMatchObject({ match: 'none' })
    })
  }
  it('a common name alone is told apart', () => {
    expect(identityOf(naming({ commonNames: ['partner.example'] }), 'partner.example')).toEqual({ match: 'none', onlyCommonName: true })
  })
})

describe('C7: a wildcard is one whole left-most label above at least two others', () => {
  for (const [name, domain] of [
    ['*.com', 'partner.com'], ['p*.example.com', 'partner.example.com'], ['*.*.example', 'a.b.example'], ['*.example.com', 'a.b.example.com'],
    ['*.example.com', 'example.com'], ['a.*.example.com', 'a.b.example.com'], ['*', 'example'], ['*.', 'a.'], ['*example.com', 'example.com'],
  ] as const) {
    it(`${name} is not good for ${domain}`, () => {
      // The attack: a reader that takes '*' for any run of characters would have matched.
      expect(new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(domain) || name.endsWith(domain)).toBe(true)
      expect(identityOf(naming({ dnsNames: [name] }), domain)).toMatchObject({ match: 'none' })
    })
  }
})

it('takes an SRVName of another service for none', () => {
  expect(identityOf(naming({ srvNames: ['_xmpp-client.partner.example', '_xmpp-server.other.example', '_xmpps-server.partner.example', 'partner.example', '_xmpp-server.*.example'] }), 'partner.example')).toMatchObject({ match: 'none' })
})

it('compares names in their canonical form, and U-labels only where a certificate may hold them', () => {
  expect(identityOf(naming({ xmppAddrs: ['Bücher.example'] }), 'xn--bcher-kva.example')).toMatchObject({ match: 'xmpp-addr' })
  expect(identityOf(naming({ dnsNames: ['XN--Bcher-KVA.example'] }), 'bücher.example')).toMatchObject({ match: 'dns' })
  expect(identityOf(naming({ dnsNames: ['bücher.example'] }), 'xn--bcher-kva.example')).toMatchObject({ match: 'none' })
  expect(identityOf(naming({ xmppAddrs: ['*.partner.example', 'user@partner.example'] }), 'chat.partner.example')).toMatchObject({ match: 'none' })
  expect(identityOf(naming({ dnsNames: ['', '*'], xmppAddrs: [''], srvNames: ['_xmpp-server.'] }), '')).toEqual({ match: 'none', onlyCommonName: false })
})

it('prefers the strongest form, wherever it stands in the certificate', () => {
  const all = naming({ dnsNames: ['*.partner.example', 'chat.partner.example'], srvNames: ['_xmpp-server.chat.partner.example'], xmppAddrs: ['chat.partner.example'] })
  expect(identityOf(all, 'chat.partner.example')).toMatchObject({ match: 'dns' })
  expect(identityOf({ ...all, dnsNames: ['*.partner.example'] }, 'chat.partner.example')).toMatchObject({ match: 'srv' })
  expect(identityOf({ ...all, dnsNames: ['*.partner.example'], srvNames: [] }, 'chat.partner.example')).toMatchObject({ match: 'xmpp-addr' })
})

function naming (names: Partial<CertificateFacts>): CertificateFacts {
  return {
    subject: '', issuer: '', commonNames: [], notBefore: 0, notAfter: 1, serial: '01', dnsNames: [], srvNames: [], xmppAddrs: [], otherNames: [], isAuthority: false, criticalUnread: [], spki: { start: 0, end: 0 },
    key: { algorithm: 'P-256', bits: 256 }, signatureAlgorithm: 'ecdsa-with-SHA256', selfIssued: false, ...names,
  }
}
