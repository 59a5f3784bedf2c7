// The certificate of one endpoint: trust, dates, name, purpose, strength. Judged at the time of the observation (RFC 5280, RFC 9525, RFC 6120 §13.7).
import { quoted } from '@dialtone/kernel'
import { ANY_PURPOSE, CLIENT_AUTH, SERVER_AUTH } from '@dialtone/stream'
import { endsAt, identity, leafOf, pathOf } from '../certificates.ts'
import { defineEndpointCheck } from '../check.ts'

const DAY_MS = 86_400_000

export const trust = defineEndpointCheck({
  id: 's2s.certificate-trust',
  asks: 'Does the chain lead to an authority that is trusted here?',
  about: 'Signatures, CA flags and path lengths, whatever the dates, names and purposes say: those are checks of their own.',
  outcomes: {
    trusted: { level: 'ok', says: 'shows a chain that leads to a trusted authority' },
    'self-signed': { level: 'warning', says: 'shows a self-signed certificate', suspect: 'peer', remedy: 'Get a certificate from an authority that peers trust.' },
    'unknown-ca': { level: 'warning', says: 'shows a chain to an authority that is not trusted here', suspect: 'peer', remedy: 'Get a certificate from an authority that peers trust, or trust it here with --ca.' },
    incomplete: { level: 'warning', says: 'leaves out the certificate of the issuer', suspect: 'peer', remedy: 'Let the server send its intermediate certificates too: the full chain, leaf first.' },
    invalid: { level: 'warning', says: 'shows a chain that is not valid', suspect: 'peer' },
  },
  judge: ({ chain }) => chain === undefined ? undefined : chain.detail === undefined ? chain.trust : { outcome: chain.trust, detail: quoted(chain.detail) },
})

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

export const name = defineEndpointCheck({
  id: 's2s.certificate-name',
  asks: 'Does the certificate name the domain?',
  about: 'Against the domain, never the SRV target. Accepted: dNSName, SRVName for _xmpp-server, xmppAddr, and a wildcard for the whole left-most label. The common name has not counted since RFC 9525.',
  outcomes: {
    dns: { level: 'ok', says: 'shows a certificate that names the domain as dNSName' },
    srv: { level: 'ok', says: 'shows a certificate that names the domain as SRVName' },
    'xmpp-addr': { level: 'ok', says: 'shows a certificate that names the domain as xmppAddr' },
    wildcard: { level: 'ok', says: 'shows a certificate whose wildcard covers the domain' },
    'common-name-only': { level: 'warning', says: 'shows a certificate that names the domain in its common name only', suspect: 'peer', remedy: 'Get a certificate with the domain as subjectAltName dNSName.' },
    none: { level: 'warning', says: 'shows a certificate for other names', suspect: 'peer', remedy: 'Get a certificate with the XMPP domain (not only the host) as subjectAltName dNSName.' },
  },
  judge: (endpoint, observation) => {
    const found = identity(endpoint, observation)
    if (found === undefined) return undefined
    if (found.match !== 'none') return { outcome: found.match, detail: quoted(found.name, 120) }
    const leaf = leafOf(endpoint, observation)
    return found.onlyCommonName ? 'common-name-only' : { outcome: 'none', detail: quoted([...leaf?.dnsNames ?? [], ...leaf?.srvNames ?? [], ...leaf?.xmppAddrs ?? []].slice(0, 5).join(', ') || 'it has no subjectAltName', 200) }
  },
})

export const purpose = defineEndpointCheck({
  id: 's2s.certificate-purpose',
  asks: 'May the certificate be used by a server, and as a client of others?',
  about: 'Extended key usage. Public authorities stop issuing clientAuth; a certificate without it still works where the peer does not insist, but strict peers then fall back to dialback.',
  outcomes: {
    both: { level: 'ok', says: 'shows a certificate for both roles' },
    'server-only': { level: 'notice', says: 'shows a certificate without clientAuth: strict peers will not take it for EXTERNAL' },
    'not-server': { level: 'warning', says: 'shows a certificate that may not be used by a server', suspect: 'peer', remedy: 'Get a certificate with serverAuth.' },
  },
  judge: (endpoint, observation) => {
    const leaf = leafOf(endpoint, observation)
    if (leaf === undefined) return undefined
    const usage = leaf.extendedKeyUsage
    if (usage === undefined || usage.includes(ANY_PURPOSE)) return 'both'
    return !usage.includes(SERVER_AUTH) ? 'not-server' : usage.includes(CLIENT_AUTH) ? 'both' : 'server-only'
  },
})

export const strength = defineEndpointCheck({
  id: 's2s.certificate-strength',
  asks: 'Are key and signature strong enough for today’s libraries?',
  about: 'RSA below 2048 bits and signatures with MD5 or SHA-1 are refused by current defaults.',
  outcomes: {
    strong: { level: 'ok', says: 'shows a certificate with a strong key' },
    weak: { level: 'warning', says: 'shows a certificate with a weak key or signature', suspect: 'peer', remedy: 'Make a new key (RSA 2048, or P-256) and get a new certificate.' },
  },
  judge: (endpoint, observation) => {
    const leaf = leafOf(endpoint, observation)
    if (leaf === undefined) return undefined
    const { algorithm, bits } = leaf.key
    const weak = (algorithm === 'RSA' && bits < 2048) || algorithm === 'P-192' || algorithm === 'DSA' || /md5|sha1/i.test(leaf.signatureAlgorithm)
    return { outcome: weak ? 'weak' : 'strong', detail: `${algorithm} ${bits}, ${leaf.signatureAlgorithm}` }
  },
})

function day (ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
