/**
 * Every cause as a row: state, where on the way it lies, who can mend it, what the sentence says and what to change.
 * The vocabulary is that of contracts; which cause is proved is decided in `faults.ts` and `judge.ts`.
 */
import type { Actor, Cause, Hop, Side, State } from '@dialtone/contracts'

export type CauseRow = { state: State, side: Side, hop: Hop, actor: Actor, says: string, remedy: string }

const row = (state: State, side: Side, hop: Hop, actor: Actor, says: string, remedy: string): CauseRow => ({ state, side, hop, actor, says, remedy })
const dns = (says: string, remedy: string): CauseRow => row('down', 'peer', 'public-dns', 'dns-admin', says, remedy)
const peer = (state: State, says: string, remedy: string): CauseRow => row(state, 'peer', 'peer-server', 'peer-admin', says, remedy)
const path = (says: string, remedy: string): CauseRow => row('down', 'path', 'firewall', 'firewall-admin', says, remedy)
const ours = (says: string, remedy: string): CauseRow => row('down', 'ours', 'our-server', 'server-admin', says, remedy)

/** `says` completes "partner.example: …"; `remedy` is the first thing to change. */
export const CAUSE_ROWS: Record<Cause, CauseRow> = {
  'healthy': row('up', 'nobody', 'none', 'nobody', 'every stage that was asked succeeded on every advertised endpoint', 'Nothing to change.'),
  'degraded.endpoint-dead': peer('degraded', 'an advertised endpoint fails while another works', 'Repair the endpoint named in the evidence, or take its SRV or address record out.'),
  'degraded.certificate-expiring': peer('degraded', 'the certificate ends soon', 'Renew the certificate and reload the XMPP server; check that it serves the new one.'),
  'degraded.records': row('degraded', 'peer', 'public-dns', 'dns-admin', 'it works, but the SRV records break a rule that some servers enforce', 'Point each SRV record at a host name with A or AAAA records: no CNAME, address or localhost.'),
  'degraded.weak-authentication': peer('degraded', 'it works, but without encryption', 'Give the XMPP server a certificate and let it offer STARTTLS.'),
  'degraded.slow': peer('degraded', 'it works, but slowly', 'Look at the load of the server and at the network on the way.'),
  'dns.resolver-unavailable': row('unknown', 'observer', 'inside-resolver', 'dns-admin', 'the resolver does not answer', 'Mend the resolver, or name another one with --resolver.'),
  'dns.nxdomain': dns('the domain does not exist', 'Check the spelling; then the registration and delegation of the domain.'),
  'dns.servfail': dns('its DNS answers SERVFAIL while other names resolve', 'Check DNSSEC (an expired signature or a wrong DS record) and that each name server answers.'),
  'dns.service-disabled': dns("its SRV record says that the service is not offered (target '.')", "Replace the SRV record with target '.' by one that names the XMPP server."),
  'dns.address-unexpected': dns('the published address is not the expected one', 'Correct the A or AAAA record of the SRV target, or the expected address.'),
  'dns.target-unresolvable': dns('no SRV target has an address', 'Add A or AAAA records for the SRV targets, or correct the targets.'),
  'dns.port-unexpected': dns('nothing answers on the SRV port, while the same address speaks XMPP on the usual port', 'Correct the port in the SRV record: _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example.'),
  'dns.no-records': dns('the domain exists, but has neither a usable SRV record nor an address', 'Add _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example. and an address for its target.'),
  'dns.split-view': row('degraded', 'ours', 'inside-resolver', 'dns-admin', 'inside and outside resolvers differ', 'Make both views of the zone agree, or configure the difference.'),
  'path.inbound-blocked': path('outside vantages cannot reach our public address', 'Allow TCP 5269 inwards to the XMPP server.'),
  'path.inbound-refused': path('our public address refuses connections from outside', 'Correct the NAT rule: right inside host, right port.'),
  'path.outbound-blocked': path('inside vantages reach no peer', 'Allow TCP 5269 outwards from the XMPP server.'),
  'path.peer-blocked': path('only this peer is unreachable from inside', 'Look for a firewall rule about this address, here and at the peer.'),
  'path.interfered': path('something on the way alters the stream', 'Turn off XMPP inspection or TLS interception on the firewall.'),
  'peer.unreachable': row('down', 'peer', 'internet', 'peer-admin', 'no advertised endpoint accepts a TCP connection', 'Check that the server runs and listens, and that its firewall lets the port in.'),
  'peer.partition': row('degraded', 'path', 'internet', 'peer-admin', 'vantages disagree: some reach it, some do not', 'Compare routes and firewalls between the vantages named in the evidence.'),
  'peer.busy': peer('degraded', 'the peer asks to come back later', 'Wait and check again; if it stays, its administrator must look at limits and load.'),
  'peer.protocol-error': peer('down', 'the stream ended for a protocol reason', 'Show the bytes in the evidence to the administrator of the peer.'),
  'service.down': ours('our own service does not listen', 'Start the XMPP server and turn S2S on.'),
  'service.not-xmpp': peer('down', 'what listens on the port does not speak XMPP', 'Check which program holds the port, and what a proxy or NAT rule points at.'),
  'service.silent': peer('down', 'the connection opens and then nothing comes', 'Check whether the XMPP server hangs, or a proxy or firewall swallows the stream.'),
  'service.wrong-host': peer('down', 'the server at the published address does not serve this domain', 'Add the domain as a virtual host, or correct the SRV record.'),
  'service.wrong-box': row('down', 'ours', 'gateway', 'server-admin', 'our address is answered by a server that does not serve this domain', 'Correct the NAT or proxy rule for this address, or add the virtual host.'),
  'tls.required-by-peer': ours('the peer insists on TLS and our side does not use it', 'Turn S2S encryption on.'),
  'tls.not-offered': peer('down', 'TLS is required and the peer offers none', 'Give the XMPP server a certificate and let it offer STARTTLS.'),
  'tls.handshake-failed': peer('down', 'the TLS handshake fails', 'Compare protocol versions and ciphers, and check that the server can read its key and certificate.'),
  'certificate.expired': peer('degraded', 'the certificate has expired', 'Renew the certificate and reload the XMPP server.'),
  'certificate.not-yet-valid': peer('degraded', 'the certificate is not valid yet', 'Check the clock of the server and of this machine; else issue it again.'),
  'certificate.name-mismatch': peer('degraded', 'the certificate does not name the domain', 'Get one with the XMPP domain (not only the host) as subjectAltName dNSName.'),
  'certificate.purpose': peer('degraded', 'the certificate may not be used as a server', 'Get one with serverAuth in its extended key usage.'),
  'certificate.self-signed': peer('degraded', 'the certificate is self-signed', 'Get one from a CA that peers trust.'),
  'certificate.untrusted': peer('degraded', 'the certificate leads to no trusted CA', 'Send the intermediate certificates too, or get one from a CA that peers trust.'),
  'auth.none-offered': peer('down', 'after TLS it offers neither EXTERNAL nor dialback', 'Turn on dialback, or SASL EXTERNAL, for S2S.'),
  'auth.external-refused': peer('down', 'our certificate is not accepted', 'Show a certificate that names our domain and comes from a CA that the peer trusts.'),
  'dialback.domain-claimed': peer('down', 'the peer treats our domain as its own', 'Ask the peer to remove our domain from its hosts or tenants.'),
  'dialback.callback-blocked': path('the peer could not call back', 'Allow TCP 5269 inwards from the peer.'),
  'dialback.callback-misdirected': dns('the callback reached a server that does not serve us', 'Compare the SRV record of our domain as the peer sees it.'),
  'dialback.callback-aborted': ours('the peer ended the callback before it asked', 'Check our certificate as the peer sees it.'),
  'dialback.denied': ours('our own server denied the key', 'Give all nodes the same dialback secret.'),
  'dialback.timeout': peer('down', 'the peer never concluded the dialback', 'Ask the peer for its log of the callback.'),
  'policy.refused-by-peer': peer('down', 'the peer refuses us', 'Ask the administrator of the peer to allow our domain.'),
  'policy.refused-by-us': row('down', 'ours', 'gateway', 'gateway-operator', 'our own policy refuses it', 'Change the policy, if this is not intended.'),
  'vantage.unhealthy': row('unknown', 'observer', 'observer', 'dialtone-operator', 'this vantage is unwell', 'Check its uplink, clock and address families.'),
  'unknown': row('unknown', 'observer', 'observer', 'dialtone-operator', 'none of the known causes is proved', 'Check again with --as OURS and --transcript, or from another vantage.'),
}

/** The first that is proved wins: what stops federation, in causes' order of judging. */
export const ORDER: readonly Cause[] = [
  'vantage.unhealthy', 'dialback.domain-claimed',
  'dns.resolver-unavailable', 'dns.nxdomain', 'dns.servfail', 'dns.service-disabled', 'dns.address-unexpected', 'dns.target-unresolvable', 'dns.port-unexpected', 'dns.no-records',
  'path.inbound-blocked', 'path.inbound-refused', 'path.outbound-blocked', 'path.peer-blocked', 'peer.unreachable',
  'service.down', 'service.not-xmpp', 'service.silent', 'service.wrong-box', 'service.wrong-host', 'peer.busy', 'peer.protocol-error',
  'tls.required-by-peer', 'tls.not-offered', 'tls.handshake-failed',
  'certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted',
  'auth.none-offered', 'auth.external-refused',
  'dialback.callback-blocked', 'dialback.callback-misdirected', 'dialback.callback-aborted', 'dialback.denied', 'dialback.timeout',
  'policy.refused-by-peer', 'policy.refused-by-us', 'unknown',
]
