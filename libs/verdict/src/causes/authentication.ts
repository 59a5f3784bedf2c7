// Who we are is not accepted: authentication, dialback, policy.
import type { Cause } from '@dialtone/contracts'
import { atOurs, atPeer, onTheWay, row, type CauseRow } from './row.ts'

export const AUTHENTICATION = {
  'auth.none-offered': atPeer('down', {
    says: 'after TLS it offers neither EXTERNAL nor dialback',
    proof: 'The features after TLS name neither, jabber:server:dialback is not declared on the header either, and no certificate was asked for.',
    lookAlikes: [['auth.external-refused', 'it asked for a certificate, and withholds EXTERNAL because of it']],
    remedy: ['Switch dialback on: Prosody mod_dialback, ejabberd mod_s2s_dialback in modules, Openfire xmpp.server.dialback.enabled.', 'Or let it ask for client certificates and offer SASL EXTERNAL: Prosody and ejabberd do once S2S encryption is on.', 'Check again: the features after TLS must name one of them.'],
  }),
  'auth.external-refused': atPeer('down', {
    says: 'our certificate is not accepted',
    proof: 'An alert about our certificate at the handshake or on the first read after it, a stream error that speaks of it, a SASL failure, or EXTERNAL withheld although it was shown. Degraded where dialback carries it all the same, unknown when there was none to show.',
    lookAlikes: [['tls.handshake-failed', 'the alert is about versions or ciphers'], ['auth.none-offered', 'it asks nobody for a certificate']],
    remedy: [
      'Show the certificate of our server: dialtone check DOMAIN --as OURS --cert FILE --key FILE.',
      'The certificate must name OURS, be in date, and come with its intermediates (leaf first) from an authority that the peer trusts: openssl x509 -in FILE -noout -dates -ext subjectAltName,extendedKeyUsage.',
      'unsupported_certificate, or a refusal without a reason, is often the purpose: ejabberd before 25.08, Openfire and Cisco Expressway want clientAuth in its extended key usage, which public authorities no longer issue. Let the peer update, or keep dialback on.',
    ],
  }),
  'dialback.domain-claimed': atPeer('down', {
    says: 'the peer treats our domain as its own',
    proof: 'Asked for OURS, an endpoint of the peer answers as its server, and denies a made-up name; or it refuses our stream as one from a host that it serves; or, likely, it calls our key invalid although our records lead to our listener and nobody asked there: it verified with itself, and so where a gateway of ours was not asked. Where it denies that it serves OURS, that is dialback.callback-misdirected.',
    lookAlikes: [['policy.refused-by-peer', 'it refuses without serving the domain'], ['dialback.denied', 'our own server denied the key'], ['dialback.callback-misdirected', 'it asked somebody else, because our records lead there']],
    remedy: [
      'Ask the peer, or the support of its provider, to remove OURS from its hosts or tenants: an old trial, a portal entry, a sub-domain or a former hosting is the usual reason. Show the evidence.',
      'If the peer answers that it does not host OURS, its own resolver or routing sends OURS to itself: it should compare dig SRV _xmpp-server._tcp.OURS on that host.',
      'If OURS is hosted there on purpose, say so: --hosted-by DOMAIN; and its SRV records must lead there.',
    ],
  }),
  'dialback.callback-blocked': onTheWay({
    says: 'the peer could not call back',
    proof: 'The peer says that it could not connect to our authoritative server, or stays silent to the end while no connection reached the listener that our records lead to. Likely where only strangers did.',
    lookAlikes: [['dialback.callback-misdirected', 'it did connect, to another server; or our records lead past the listener'], ['dialback.callback-aborted', 'a connection came, and ended before it asked']],
    remedy: [
      'Allow TCP 5269 inwards from any address, on the address and port that dig SRV _xmpp-server._tcp.OURS leads to; and map it to the XMPP server where there is NAT. With dialback our outgoing messages need this incoming connection.',
      'Do not allow the addresses of the peer alone: servers dial from others than they publish. "connection refused" in the evidence is a closed port or a NAT rule that leads to nobody, "timeout" a firewall that drops, "unreachable" an address that nobody has.',
      'Check our own domain from outside, then this one again: dialtone check OURS --ours.',
    ],
  }),
  'dialback.callback-misdirected': row('down', 'ours', 'public-dns', 'dns-admin', {
    says: 'the callback reached a server that does not serve us',
    proof: 'The authoritative server that the peer found answers host-unknown or item-not-found, the peer finds no address of us, our own records do not lead to the listener, or all our own endpoints call a key valid that the peer calls invalid. Likely where the peer calls a key invalid about which nobody asked our listener, and denies that it serves OURS.',
    lookAlikes: [['dialback.callback-blocked', 'no connection could be opened'], ['dialback.domain-claimed', 'nobody was asked: the peer answers for us itself']],
    remedy: [
      'Look where our records lead from outside: dialtone lint OURS; each SRV target must be a server of ours, with the right address and port 5269. A former provider, the web server behind the A record and 5369 for 5269 are the usual finds.',
      'Compare with what the peer sees: dig SRV _xmpp-server._tcp.OURS on its host. A cache keeps the old answer for as long as its TTL.',
      'Then check again: dialtone check DOMAIN --as OURS.',
    ],
  }),
  'dialback.callback-aborted': atOurs({
    says: 'the peer ended the callback before it asked',
    proof: 'A connection from the peer reached us and was broken off before db:verify, and the peer names no other cause; the evidence says how, the alert about our certificate included. Likely where it came from none of the addresses of the peer, or broke off in TLS before it said whose it is.',
    lookAlikes: [['dialback.callback-blocked', 'no connection came at all'], ['auth.external-refused', 'the certificate is refused on our own stream, not on the callback']],
    remedy: [
      'Check our certificate as the peer sees it: dialtone check OURS --ours. Strict servers (Prosody s2s_secure_auth, Cisco Expressway) ask nothing of a server whose certificate they do not trust; unknown_ca wants the intermediates or another authority.',
      'protocol_version or handshake_failure in the evidence: offer TLS 1.2 and 1.3 on our side.',
    ],
  }),
  'dialback.denied': atOurs({
    says: 'our own server denied the key',
    proof: 'The callback was seen and answered invalid, or one of our own endpoints calls a right key invalid: secrets differ between nodes. Likely where peers in different networks call true keys invalid and none of them serves OURS.',
    lookAlikes: [['dialback.domain-claimed', 'nobody asked us: the peer asked itself'], ['dialback.callback-misdirected', 'somebody else was asked']],
    remedy: [
      'Give all nodes behind our SRV records the same dialback secret and restart them: Prosody dialback_secret (random at each start unless it is set), ejabberd the Erlang cookie of the cluster.',
      'If only the check is denied, the secret of this check is not that of the server, and nothing is wrong with ours: dialtone check DOMAIN --as OURS --depth shared --secret FILE, with the secret of Prosody as it stands, or --secret-of ejabberd with the cookie.',
    ],
  }),
  'dialback.timeout': atPeer('down', {
    says: 'the peer never concluded the dialback',
    proof: 'The callback was seen and answered valid, and no answer to db:result came.',
    lookAlikes: [['dialback.callback-blocked', 'no callback came'], ['peer.protocol-error', 'it answers invalid although it was told valid']],
    remedy: [
      'Ask the administrator of the peer for its log of the callback, at the second that the evidence names: our answer may not have arrived, through a proxy or a firewall with protocol inspection on its side.',
      'Keep both streams for it: dialtone check DOMAIN --as OURS --transcript.',
    ],
  }),
  'policy.refused-by-peer': atPeer('down', {
    says: 'the peer refuses us',
    proof: 'A refusal in our name (policy-violation, not-allowed, not-acceptable, forbidden, not-authorized) without a callback, and again after the retry window of 300 s. dialtone judge compares two kept reports.',
    lookAlikes: [['peer.busy', 'it was asked once, or again too soon'], ['dialback.domain-claimed', 'it refuses because it serves our domain itself']],
    remedy: [
      'Ask the administrator of the peer to allow OURS (Prosody: mod_s2s_whitelist, mod_firewall; ejabberd: s2s_access; Openfire: allowed servers). Show the text in the evidence.',
      'Check again after five minutes: dialtone check DOMAIN --as OURS. ejabberd pauses that long after a failure.',
    ],
  }),
  'policy.refused-by-us': row('down', 'ours', 'gateway', 'gateway-operator', {
    says: 'our own policy refuses it',
    proof: 'A policy, hold, maintenance or desired state of ours stops the traffic, whatever else is seen, or our listener refused the callback. It never pages.',
    remedy: ['If this is not intended, change the policy that the evidence names.', 'A listener that refuses a callback in clear: let the peer use TLS, or permit clear text.'],
  }),
  'vantage.unhealthy': row('unknown', 'observer', 'observer', 'dialtone-operator', {
    says: 'this vantage is unwell',
    proof: 'The uplink, the route, the clock or the event loop of the agent is at fault, so that its results are set aside, and nobody else has looked. It neither opens nor ends an incident. A broken resolver is a fact about its network, not this.',
    lookAlikes: [['dns.resolver-unavailable', 'only the resolver fails']],
    remedy: ['Check its uplink, clock and address families: it says itself what is wrong.', 'Let a second agent, on another network, look as well: then one that is unwell hides nothing.'],
  }),
  'unknown': row('unknown', 'observer', 'observer', 'dialtone-operator', {
    says: 'none of the known causes is proved',
    proof: 'Nothing that was seen proves a cause; the evidence lists it.',
    remedy: ['Check again with --as OURS and --transcript, or from another vantage; "not asked" says what would decide it.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
