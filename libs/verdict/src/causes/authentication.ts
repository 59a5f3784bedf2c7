// Who we are is not accepted: authentication, dialback, policy.
import type { Cause } from '@dialtone/contracts'
import { atOurs, atPeer, inRecords, onTheWay, row, type CauseRow } from './row.ts'

export const AUTHENTICATION = {
  'auth.none-offered': atPeer('down', {
    says: 'after TLS it offers neither EXTERNAL nor dialback',
    proof: 'The features after TLS name neither, jabber:server:dialback is not declared on the header either, and no certificate was asked for.',
    lookAlikes: [['auth.external-refused', 'it asked for a certificate, and withholds EXTERNAL because of it']],
    remedy: ['Switch dialback on: Prosody mod_dialback, ejabberd mod_s2s_dialback in modules.', 'Or let it ask for client certificates and offer SASL EXTERNAL.'],
  }),
  'auth.external-refused': atPeer('down', {
    says: 'our certificate is not accepted',
    proof: 'An alert about our certificate at the handshake or on the first read after it, a stream error that speaks of it, or EXTERNAL withheld although it was shown. Unknown when there was none to show.',
    lookAlikes: [['tls.handshake-failed', 'the alert is about versions or ciphers'], ['auth.none-offered', 'it asks nobody for a certificate']],
    remedy: ['Show the certificate of our server: dialtone check DOMAIN --as OURS --cert FILE --key FILE.', 'It must name OURS, be in date, and come with its intermediates from an authority that the peer trusts. Some servers demand clientAuth in its extended key usage.'],
  }),
  'dialback.domain-claimed': atPeer('down', {
    says: 'the peer treats our domain as its own',
    proof: 'Asked for OURS, an endpoint of the peer answers as its server, and denies a made-up name; or it refuses our stream as one from a host that it serves.',
    lookAlikes: [['policy.refused-by-peer', 'it refuses without serving the domain'], ['dialback.denied', 'our own server denied the key']],
    remedy: ['Ask the peer, or the support of its provider, to remove OURS from its hosts or tenants: an old trial, a portal entry or a former hosting is the usual reason.', 'If OURS is hosted there on purpose, say so: --hosted-by DOMAIN; and its SRV records must lead there.'],
  }),
  'dialback.callback-blocked': onTheWay({
    says: 'the peer could not call back',
    proof: 'The peer says that it could not connect to our authoritative server, or stays silent to the end while no connection reached us.',
    lookAlikes: [['dialback.callback-misdirected', 'it did connect, to another server']],
    remedy: ['Allow TCP 5269 inwards from the peer, on the address that our SRV records lead to.'],
  }),
  'dialback.callback-misdirected': inRecords('down', {
    says: 'the callback reached a server that does not serve us',
    proof: 'The authoritative server that the peer found answers host-unknown or item-not-found, or the peer resolves us to other addresses than we publish.',
    lookAlikes: [['dialback.callback-blocked', 'no connection could be opened']],
    remedy: ['Compare the SRV records of our domain as the peer sees them with those that we publish.'],
  }),
  'dialback.callback-aborted': atOurs({
    says: 'the peer ended the callback before it asked',
    proof: 'A connection from the peer reached us and ended before db:verify.',
    remedy: ['Check our certificate as the peer sees it: strict peers do not ask a server that they do not trust.'],
  }),
  'dialback.denied': atOurs({
    says: 'our own server denied the key',
    proof: 'The callback was seen, and our authoritative server answered invalid.',
    lookAlikes: [['dialback.domain-claimed', 'nobody asked us: the peer asked itself']],
    remedy: ['Give all nodes of our server the same dialback secret.'],
  }),
  'dialback.timeout': atPeer('down', {
    says: 'the peer never concluded the dialback',
    proof: 'The callback was seen and answered valid, and no answer to db:result came.',
    remedy: ['Ask the peer for its log of the callback.'],
  }),
  'policy.refused-by-peer': atPeer('down', {
    says: 'the peer refuses us',
    proof: 'A refusal in our name (policy-violation, not-allowed, not-acceptable, forbidden, not-authorized), and again after the retry window of 300 s. dialtone judge compares two kept reports.',
    lookAlikes: [['peer.busy', 'it was asked once, or again too soon'], ['dialback.domain-claimed', 'it refuses because it serves our domain itself']],
    remedy: ['Ask the administrator of the peer to allow OURS (Prosody: mod_s2s_whitelist, mod_firewall; ejabberd: s2s_access). Show the text in the evidence.'],
  }),
  'policy.refused-by-us': row('down', 'ours', 'gateway', 'gateway-operator', {
    says: 'our own policy refuses it',
    proof: 'A policy, hold, maintenance or desired state of ours stops the traffic. It never pages.',
    remedy: ['Change the policy, if this is not intended.'],
  }),
  'vantage.unhealthy': row('unknown', 'observer', 'observer', 'dialtone-operator', {
    says: 'this vantage is unwell',
    proof: 'The uplink, the route, the clock or the event loop of the vantage is at fault; its results are set aside. A broken resolver is a fact about its network, not this.',
    lookAlikes: [['dns.resolver-unavailable', 'only the resolver fails']],
    remedy: ['Check its uplink, clock and address families.'],
  }),
  'unknown': row('unknown', 'observer', 'observer', 'dialtone-operator', {
    says: 'none of the known causes is proved',
    proof: 'Nothing that was seen proves a cause; the evidence lists it.',
    remedy: ['Check again with --as OURS and --transcript, or from another vantage; "not asked" says what would decide it.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
