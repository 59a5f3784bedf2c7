// Encryption and what it leaves to authenticate with (RFC 6120 §5, RFC 7590, XEP-0178, XEP-0220, XEP-0368).
import { defineEndpointCheck } from '../check.ts'
import { failed } from './stream.ts'

export const starttlsOffer = defineEndpointCheck({
  id: 's2s.starttls-offer',
  asks: 'Can we encrypt before we authenticate?',
  about: 'The first features on a plaintext port. RFC 7590 §3.1 expects every server to offer STARTTLS; RFC 6120 §5.3.1 lets it insist. Says nothing about direct TLS.',
  outcomes: {
    required: { level: 'ok', says: 'offers STARTTLS and insists on it' },
    optional: { level: 'ok', says: 'offers STARTTLS' },
    absent: { level: 'warning', says: 'offers no STARTTLS: traffic is readable on the way', suspect: 'peer', remedy: 'Give the XMPP server a certificate and let it offer STARTTLS.' },
    'not-asked': { level: 'unknown', says: 'ended before its features arrived' },
  },
  judge: ({ kind, features }) => kind === 'direct' ? undefined : features?.starttls ?? 'not-asked',
})

export const starttlsUnoffered = defineEndpointCheck({
  id: 's2s.starttls-unoffered',
  asks: 'Is encryption possible although none is offered?',
  about: 'STARTTLS asked for on a second connection where the features name none. A server that grants it either hides it, or something on the way removes the offer; a second vantage, or a check on the host of the server itself, tells which.',
  outcomes: {
    refused: { level: 'ok', says: 'does not take STARTTLS that it does not offer' },
    granted: { level: 'warning', says: 'takes STARTTLS although it offers none: something on the way may remove the offer', suspect: 'path', remedy: 'Check on the host of the server itself; if STARTTLS is offered there, switch off XMPP inspection on the firewall.' },
  },
  judge: ({ starttlsUnoffered: seen }) => seen === undefined ? undefined : 'proceeds' in seen ? 'granted' : 'refused',
})

export const clearAuthentication = defineEndpointCheck({
  id: 's2s.clear-authentication',
  asks: 'Is authentication offered before encryption?',
  about: 'SASL mechanisms or dialback in the features before TLS. Dialback in clear is how old servers work; beside optional STARTTLS it invites a downgrade.',
  outcomes: {
    no: { level: 'ok', says: 'offers no authentication in clear' },
    dialback: { level: 'notice', says: 'offers dialback in clear' },
    sasl: { level: 'warning', says: 'offers SASL in clear', suspect: 'peer', remedy: 'Require encryption before authentication.' },
  },
  judge: ({ kind, features }) => {
    if (kind === 'direct' || features === undefined) return undefined
    return features.mechanisms.length > 0 ? { outcome: 'sasl', detail: features.mechanisms.join(', ') } : features.dialback ? 'dialback' : 'no'
  },
})

export const strayBytes = defineEndpointCheck({
  id: 's2s.stray-bytes',
  asks: 'Did anything come in clear between the permission and the handshake?',
  about: 'RFC 6120 §5.4.3.3: what follows <proceed/> is TLS. Bytes in clear there are discarded, and could be an injection.',
  outcomes: {
    none: { level: 'ok', says: 'sends nothing in clear before the handshake' },
    some: { level: 'warning', says: 'sends bytes in clear between <proceed/> and the handshake', suspect: 'path' },
  },
  judge: ({ kind, tls, strayBytes: count }) => kind === 'direct' || (tls === undefined && count === undefined) ? undefined : count === undefined ? 'none' : { outcome: 'some', detail: `${count} bytes` },
})

export const handshake = defineEndpointCheck({
  id: 's2s.tls-handshake',
  asks: 'Does the TLS handshake succeed?',
  about: 'Alerts are told by who sent them, and a refusal that comes after our side has finished (TLS 1.3) is told from one within the handshake.',
  outcomes: {
    done: { level: 'ok', says: 'completes the TLS handshake' },
    'refused-by-peer': { level: 'error', says: 'refuses the TLS handshake', suspect: 'peer' },
    'refused-by-us': { level: 'error', says: 'offers a TLS handshake that we refuse', suspect: 'peer' },
    'not-tls': { level: 'error', says: 'answers the TLS handshake with something else', suspect: 'peer' },
    broken: { level: 'error', says: 'breaks off the TLS handshake', suspect: 'peer' },
    'starttls-refused': { level: 'error', says: 'answers the request for TLS with a failure', suspect: 'peer', remedy: 'Check that the server can read its certificate and key.' },
    'not-asked': { level: 'unknown', says: 'was not asked for TLS' },
  },
  judge: ({ steps, tls }) => {
    const failure = failed(steps)
    if (failure?.at === 'starttls') return 'starttls-refused'
    if (failure?.at === 'tls') {
      const detail = [failure.alert, failure.late === true ? 'after the handshake' : undefined, failure.detail].filter(part => part !== undefined).join(', ')
      const outcome = ({ 'alert-from-peer': 'refused-by-peer', 'alert-from-us': 'refused-by-us', 'not-tls': 'not-tls', protocol: 'broken', closed: 'broken', reset: 'broken', timeout: 'broken' } as const)[failure.why]
      return { outcome, detail: detail || failure.why }
    }
    return tls === undefined ? 'not-asked' : { outcome: 'done', detail: `${tls.protocol} ${tls.cipher}` }
  },
})

export const tlsVersion = defineEndpointCheck({
  id: 's2s.tls-version',
  asks: 'Which TLS version and cipher are used?',
  about: 'What both sides prefer, from TLS 1.0 to 1.3 (RFC 8996 retires 1.0 and 1.1). Which others the peer would accept is not asked.',
  outcomes: {
    'tls-1.3': { level: 'ok', says: 'uses TLS 1.3' },
    'tls-1.2': { level: 'ok', says: 'uses TLS 1.2' },
    old: { level: 'warning', says: 'uses a TLS version that RFC 8996 retires', suspect: 'peer', remedy: 'Enable TLS 1.2 and 1.3 on the server.' },
  },
  judge: ({ tls }) => tls === undefined ? undefined : { outcome: tls.protocol === 'TLSv1.3' ? 'tls-1.3' : tls.protocol === 'TLSv1.2' ? 'tls-1.2' : 'old', detail: [tls.protocol, tls.cipher, tls.group].filter(part => part !== undefined).join(' ') },
})

export const clientCertificate = defineEndpointCheck({
  id: 's2s.client-certificate',
  asks: 'Does the peer ask for our certificate?',
  about: 'Without the request EXTERNAL is impossible; some servers also withhold EXTERNAL until a certificate is shown that they trust.',
  outcomes: {
    requested: { level: 'ok', says: 'asks for a certificate' },
    'not-requested': { level: 'notice', says: 'asks for no certificate: EXTERNAL is impossible' },
  },
  judge: ({ tls }) => tls === undefined ? undefined : tls.clientCertificateRequested ? 'requested' : 'not-requested',
})

export const alpn = defineEndpointCheck({
  id: 's2s.alpn',
  asks: 'Does a direct TLS port confirm that it is for servers?',
  about: 'XEP-0368 §2: ALPN xmpp-server. A port that confirms nothing still works with most peers.',
  outcomes: {
    confirmed: { level: 'ok', says: 'confirms xmpp-server by ALPN' },
    unconfirmed: { level: 'notice', says: 'does not answer ALPN' },
    other: { level: 'warning', says: 'answers ALPN with another protocol', suspect: 'peer' },
  },
  judge: ({ kind, tls }) => kind !== 'direct' || tls === undefined ? undefined : tls.alpn === undefined ? 'unconfirmed' : tls.alpn === 'xmpp-server' ? 'confirmed' : { outcome: 'other', detail: tls.alpn },
})

export const defaultCertificate = defineEndpointCheck({
  id: 's2s.default-certificate',
  asks: 'Do peers that send no server name see the same certificate?',
  about: 'A second handshake without SNI. Old servers send none, and then see the default one.',
  outcomes: {
    same: { level: 'ok', says: 'shows the same certificate without SNI' },
    other: { level: 'notice', says: 'shows another certificate to peers that send no SNI' },
    none: { level: 'notice', says: 'shows no certificate to peers that send no SNI' },
  },
  judge: ({ chain, withoutSni }) => chain === undefined || withoutSni === undefined ? undefined : 'failure' in withoutSni ? 'none' : withoutSni.leaf === chain.sent[0] ? 'same' : 'other',
})

export const authentication = defineEndpointCheck({
  id: 's2s.authentication-offer',
  asks: 'With what could a server authenticate here?',
  about: 'After TLS, or in clear where there is none: EXTERNAL (XEP-0178) in the mechanisms, dialback (XEP-0220) as a feature or as a namespace on the header. Offers, not successes: nothing is performed by a light check.',
  outcomes: {
    both: { level: 'ok', says: 'offers EXTERNAL and dialback' },
    external: { level: 'ok', says: 'offers EXTERNAL' },
    dialback: { level: 'ok', says: 'offers dialback' },
    'legacy-dialback': { level: 'notice', says: 'declares dialback on the header without the feature' },
    none: { level: 'error', says: 'offers neither EXTERNAL nor dialback', suspect: 'peer', remedy: 'Turn on dialback, or SASL EXTERNAL, for S2S.' },
    'not-asked': { level: 'unknown', says: 'ended before its last features arrived' },
  },
  judge: ({ kind, tls, header, headerAgain, features, featuresAgain }) => {
    const again = kind === 'starttls' && tls !== undefined
    const offered = again ? featuresAgain : features
    const head = again ? headerAgain : header
    if (offered === undefined) return head?.version === undefined && head?.dialbackNamespace === true ? 'legacy-dialback' : 'not-asked'
    const external = offered.mechanisms.includes('EXTERNAL')
    if (external) return offered.dialback || head?.dialbackNamespace === true ? 'both' : 'external'
    return offered.dialback ? 'dialback' : head?.dialbackNamespace === true ? 'legacy-dialback' : 'none'
  },
})
