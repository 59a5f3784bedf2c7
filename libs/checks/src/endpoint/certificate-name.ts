// Does the certificate name the domain? (RFC 6120 §13.7, RFC 9525)
import { quoted } from '@dialtone/kernel'
import { identity, leafOf } from '../certificates.ts'
import { defineEndpointCheck } from '../check.ts'

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
