// The records or the resolver are at fault.
import { starttlsServer } from '../peer/scripts.ts'
import type { Misbehaviour, Rule } from '../dns/zone.ts'
import { DOMAIN, HOST, type Scenario } from '../scenario.ts'
import { RESOLVER_ONLY, USUAL_SRV, oneEndpoint } from './parts.ts'

const SERVER = { usual: starttlsServer() }
const DOT = { type: 'SRV', target: '.' } as const
/** The domain and everything below it; other names are answered. */
const BELOW: readonly string[] = [DOMAIN, HOST, `_xmpp-server._tcp.${DOMAIN}`, `_xmpps-server._tcp.${DOMAIN}`, `_jabber._tcp.${DOMAIN}`]

export const DNS: readonly Scenario[] = [
  {
    name: 'no-such-domain', title: 'the domain does not exist', expects: { cause: 'dns.nxdomain', state: 'down' },
    records: [], hosts: [],
    counterpart: RESOLVER_ONLY,
  },
  servfail('servfail', 'SERVFAIL for the domain alone', { how: 'servfail' }),
  servfail('dnssec-bogus', 'the signatures are wrong: SERVFAIL unless checking is disabled', { how: 'servfail', extended: { code: 6, text: 'DNSSEC Bogus' }, validationOnly: true }),
  servfail('lame-delegation', 'no name server of the domain answers the resolver', { how: 'servfail', extended: { code: 22, text: 'No Reachable Authority' } }),
  resolver('resolver-silent', 'the resolver answers nothing', { name: '*', how: 'drop' }),
  resolver('resolver-refuses', 'the resolver refuses every question', { name: '*', how: 'refused' }),
  resolver('resolver-fails', 'the resolver answers every question with SERVFAIL', { name: '*', how: 'servfail' }),
  resolver('resolver-lies', 'the resolver answers another question than was asked', { name: '*', how: 'lie-about-question' }),
  resolver('resolver-wrong-id', 'the resolver answers with another id', { name: '*', how: 'wrong-id' }),
  resolver('resolver-garbage', 'the resolver answers with bytes that are no DNS message', { name: '*', how: 'garbage' }),
  {
    name: 'service-disabled', title: "SRV target '.' (badxmpp: no-target)", expects: { cause: 'dns.service-disabled', state: 'down' },
    records: [{ ...DOT, service: 'xmpp-server' }], hosts: [{ name: DOMAIN, addresses: [SERVER] }], counterpart: RESOLVER_ONLY,
  },
  {
    name: 'both-services-disabled', title: "'.' for both services", expects: { cause: 'dns.service-disabled', state: 'down' },
    records: [{ ...DOT, service: 'xmpp-server' }, { ...DOT, service: 'xmpps-server' }], hosts: [{ name: DOMAIN, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'direct-disabled-alone', title: "'.' for direct TLS and no other record: no fallback then (XEP-0368)", expects: { cause: 'dns.service-disabled', state: 'down' },
    records: [{ ...DOT, service: 'xmpps-server' }], hosts: [{ name: DOMAIN, addresses: [SERVER] }], counterpart: RESOLVER_ONLY,
  },
  {
    name: 'direct-disabled', title: "'.' for direct TLS beside a real plaintext service", expects: { cause: 'healthy', state: 'up' },
    records: [USUAL_SRV, { ...DOT, service: 'xmpps-server' }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'target-without-address', title: 'no target has an address (badxmpp: no-address)', expects: { cause: 'dns.target-unresolvable', state: 'down' },
    records: [USUAL_SRV], hosts: [],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'target-without-address-fallback-works', title: 'no target has an address, and the domain itself answers: no fallback then (RFC 6120 §3.2.1)', expects: { cause: 'dns.target-unresolvable', state: 'down' },
    records: [USUAL_SRV], hosts: [{ name: DOMAIN, addresses: [SERVER] }], counterpart: RESOLVER_ONLY,
  },
  {
    name: 'wrong-port', title: 'the SRV record names a port where nothing listens, the server is on the usual one', expects: { cause: 'dns.port-unexpected', state: 'down' },
    records: [{ type: 'SRV', service: 'xmpp-server', target: HOST, port: 'other' }], hosts: [{ name: HOST, addresses: [SERVER] }], counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'a misprint in the SRV record' },
  },
  {
    name: 'no-records', title: 'the domain exists and has neither SRV records nor an address', expects: { cause: 'dns.no-records', state: 'down' },
    records: [{ type: 'CNAME', name: `www.${DOMAIN}`, target: 'web.example' }], hosts: [], counterpart: RESOLVER_ONLY,
  },
  {
    name: 'web-site-only', title: 'no SRV records, and nothing listens at the address of the domain', expects: { cause: 'dns.no-records', state: 'down' },
    records: [], hosts: [{ name: DOMAIN, addresses: [{}] }], counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'the server elsewhere, without SRV records' },
  },
  {
    name: 'legacy-record-only', title: 'only the service name of before XMPP 1.0, which few servers look up', expects: { cause: 'dns.no-records', state: 'down' },
    records: [{ type: 'SRV', service: 'jabber', target: HOST }], hosts: [{ name: HOST, addresses: [SERVER] }], counterpart: RESOLVER_ONLY,
  },
  {
    name: 'address-unexpected', title: 'the record leads to another server than configured, which does not serve the domain', expects: { cause: 'dns.address-unexpected', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: ['other.example'] } }) }), judge: { expectedAddresses: ['192.0.2.10'], ours: true },
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'without the host' },
  },
  {
    name: 'address-unexpected-but-works', title: 'the record leads elsewhere than configured, and it works there', expects: { cause: 'dns.address-unexpected', state: 'degraded' },
    ...oneEndpoint(SERVER), judge: { expectedAddresses: ['192.0.2.10'], ours: true }, counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'as healthy, with another --expect' },
  },
  {
    name: 'slow-resolver', title: 'the resolver takes a fifth of a second', expects: { cause: 'healthy', state: 'up' },
    ...oneEndpoint(SERVER), resolver: { rules: [{ name: '*', how: 'late', ms: 200 }] },
    counterpart: RESOLVER_ONLY,
  },
]

function servfail (name: string, title: string, rule: Extract<Misbehaviour, { how: 'servfail' }>): Scenario {
  return {
    name, title, expects: { cause: 'dns.servfail', state: 'down' }, ...oneEndpoint(SERVER),
    resolver: { rules: BELOW.map(below => ({ ...rule, name: below })) }, counterpart: RESOLVER_ONLY,
  }
}

function resolver (name: string, title: string, rule: Rule): Scenario {
  return {
    name, title, expects: { cause: 'dns.resolver-unavailable', state: 'unknown' }, ...oneEndpoint(SERVER), resolver: { rules: [rule] }, request: { timeoutsMs: { dns: 400 } }, counterpart: RESOLVER_ONLY,
  }
}
