// Encryption and certificates.
import type { Cause } from '@dialtone/contracts'
import { atOurs, atPeer, type CauseRow } from './row.ts'

const RENEWED = 'Reload the server afterwards, and check again: one that was not reloaded goes on showing the old certificate.'

/** Said of certificates; down where the profile or the peer needs a valid one. */
const CARRIED = 'Degraded while dialback over TLS carries it, down where a valid certificate is needed.'

export const TLS = {
  'tls.required-by-peer': atOurs({
    says: 'the peer insists on TLS and our side does not use it',
    proof: 'The peer ends a stream in clear with a demand for encryption, while our policy or server does not use TLS.',
    lookAlikes: [['tls.not-offered', 'the peer does not offer TLS at all']],
    remedy: ['Switch S2S encryption on at our server: Prosody s2s_require_encryption and a certificate, ejabberd s2s_use_starttls, CUPS "TLS optional" or required.'],
  }),
  'tls.not-offered': atPeer('down', {
    says: 'TLS is required and the peer offers none',
    proof: 'The features hold no STARTTLS from any vantage, and the profile demands certificates; or the server demands encryption that it does not offer.',
    lookAlikes: [['path.interfered', 'the same address offers STARTTLS to another vantage'], ['degraded.weak-authentication', 'nobody demands it']],
    remedy: ['Give the XMPP server a certificate and let it offer STARTTLS: Prosody enables mod_tls by itself once it finds one, ejabberd needs certfiles and s2s_use_starttls.', 'If it has both, look whether a firewall strips STARTTLS: compare with a check on the server\'s own host.'],
  }),
  'tls.handshake-failed': atPeer('down', {
    says: 'the TLS handshake fails',
    proof: 'An alert, a version or cipher without a match, or an end in the middle of the handshake; the evidence says who ended it and with which alert.',
    lookAlikes: [['auth.external-refused', 'the alert is about our certificate'], ['certificate.untrusted', 'the handshake succeeds: trust is judged afterwards']],
    remedy: [
      'Alert from the peer: protocol_version or handshake_failure want another TLS version or cipher; internal_error is a server that cannot read its key. Its log has the reason.',
      'Alert from us: what it offers is older than TLS 1.2 or has a broken certificate; see openssl s_client -starttls xmpp-server -xmpphost DOMAIN -connect HOST:5269.',
    ],
  }),
  'certificate.expired': atPeer('degraded', {
    says: 'the certificate has expired',
    proof: `The end of a certificate of the path lies before the time of the check. ${CARRIED}`,
    lookAlikes: [['degraded.certificate-expiring', 'it ends soon'], ['certificate.untrusted', 'the certificate is good, and an old intermediate stands beside it']],
    remedy: ['Renew the certificate: certbot renew, and then Prosody `prosodyctl --root cert import DOMAIN /etc/letsencrypt/live` or ejabberd `ejabberdctl reload_config`.', RENEWED],
  }),
  'certificate.not-yet-valid': atPeer('degraded', {
    says: 'the certificate is not valid yet',
    proof: `The start of a certificate of the path lies after the time of the check. ${CARRIED}`,
    remedy: ['Check the clock of this machine first, then that of the server: timedatectl.', `Else issue the certificate again. ${RENEWED}`],
  }),
  'certificate.name-mismatch': atPeer('degraded', {
    says: 'the certificate does not name the domain',
    proof: `No dNSName (a wildcard counts for one left-most label), SRVName or xmppAddr of the certificate is the domain; the common name does not count. ${CARRIED}`,
    lookAlikes: [['service.wrong-host', 'the server does not know the domain at all']],
    remedy: ['Get a certificate with the XMPP domain itself, DOMAIN, as subjectAltName dNSName; that of the host in the SRV record does not suffice.', 'If it exists, the server shows the one of another virtual host: Prosody prosodyctl check certs, ejabberd certfiles.', RENEWED],
  }),
  'certificate.purpose': atPeer('degraded', {
    says: 'the certificate may not be used as a server',
    proof: `It has an extended key usage without serverAuth. ${CARRIED}`,
    remedy: ['Get one with serverAuth; add clientAuth where the authority gives it, because the same certificate is shown when the server connects to others.', RENEWED],
  }),
  'certificate.self-signed': atPeer('degraded', {
    says: 'the certificate is self-signed',
    proof: `The certificate is its own issuer and none of the anchors. ${CARRIED}`,
    lookAlikes: [['certificate.untrusted', 'an authority issued it that is not known here']],
    remedy: ['Get one from an authority that peers trust; until then servers that demand certificates (Prosody s2s_secure_auth) refuse it.', 'Where both sides agree on it, name it here: --ca FILE.'],
  }),
  'certificate.untrusted': atPeer('degraded', {
    says: 'the certificate leads to no trusted authority',
    proof: `No path leads from the certificates that were sent to an anchor; the evidence says whether an intermediate is missing. ${CARRIED}`,
    lookAlikes: [['certificate.self-signed', 'the certificate is its own issuer']],
    remedy: ['Send the intermediate certificates too: give the server the full chain (fullchain.pem, not cert.pem).', 'Else get one from an authority that peers trust, or name a private one here: --ca FILE.', RENEWED],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
