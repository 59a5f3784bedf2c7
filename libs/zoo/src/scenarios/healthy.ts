// Nothing is wrong, in every way in which nothing can be wrong.
import { AS_EJABBERD, GOOD, directServer, starttlsServer } from '../peer/scripts.ts'
import { DOMAIN, HOST, OURS, type Scenario } from '../scenario.ts'
import { RESOLVER_ONLY, USUAL_SRV, oneEndpoint, twoEndpoints } from './parts.ts'

const UP = { cause: 'healthy', state: 'up' } as const
const SERVER = starttlsServer()
/** pärtner.example */
const IDN = 'xn--prtner-bua.example'

export const HEALTHY: readonly Scenario[] = [
  {
    name: 'healthy', title: 'a server with STARTTLS and dialback', expects: UP,
    ...oneEndpoint({ usual: SERVER }),
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'TLS required, a certificate of a CA that is given to the check' },
  },
  {
    name: 'healthy-direct-tls', title: 'STARTTLS and direct TLS side by side', expects: UP,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }],
    hosts: [{ name: HOST, addresses: [{ usual: SERVER, direct: directServer() }] }],
    counterpart: { servers: ['prosody'], how: 's2s_direct_tls_ports' },
  },
  {
    name: 'healthy-direct-only', title: "direct TLS alone, and '.' for the plaintext service", expects: UP,
    records: [{ type: 'SRV', service: 'xmpp-server', target: '.' }, { type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }],
    hosts: [{ name: HOST, addresses: [{ direct: directServer() }] }],
    counterpart: { servers: ['prosody'], how: 's2s_direct_tls_ports with s2s_ports = {}' },
  },
  {
    name: 'healthy-fallback', title: 'no SRV record, an address at the domain itself', expects: UP,
    records: [], hosts: [{ name: DOMAIN, addresses: [{ usual: SERVER }] }],
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'as healthy, with an address record alone' },
  },
  {
    name: 'healthy-ipv6', title: 'an IPv4 and an IPv6 address', expects: UP, records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [{ usual: SERVER }, { family: 6, usual: SERVER }] }],
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'listening on :: as well' },
  },
  {
    name: 'healthy-two-targets', title: 'two SRV targets', expects: UP,
    ...twoEndpoints({ usual: SERVER }, { usual: SERVER }),
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'one server on two addresses' },
  },
  {
    name: 'healthy-tcp-dns', title: 'a resolver that truncates every answer over UDP', expects: UP, ...oneEndpoint({ usual: SERVER }), resolver: { rules: [{ name: '*', how: 'truncate' }] }, counterpart: RESOLVER_ONLY,
  },
  {
    name: 'healthy-dane', title: 'DNSSEC and a TLSA record that matches', expects: UP,
    records: [USUAL_SRV, { type: 'TLSA', host: HOST, port: 'usual', certificate: GOOD }], hosts: [{ name: HOST, addresses: [{ usual: SERVER }] }], resolver: { authenticated: true },
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'as healthy, with a signed zone' },
  },
  {
    name: 'healthy-external', title: 'asks for our certificate and offers EXTERNAL', expects: UP,
    ...oneEndpoint({ usual: starttlsServer({ featuresAgain: { external: true, dialback: 'errors', bidi: true } }) }),
    request: { as: OURS, clientCertificate: { names: { dns: [OURS] } } },
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'with our CA among the trusted ones' },
  },
  {
    name: 'healthy-header-dialback', title: 'dialback offered by xmlns:db on the header alone', expects: UP, ...oneEndpoint({ usual: starttlsServer({ tls: { clientCertificate: 'never' }, featuresAgain: {} }) }),
    counterpart: { servers: ['jabberd2'], how: 'its features name no dialback' },
  },
  {
    name: 'healthy-prosody-features', title: 'the dialback feature without <errors/>, and stream limits, as Prosody sends them', expects: UP,
    ...oneEndpoint({ usual: starttlsServer({ header: { unknownText: `This host does not serve ${OURS}` }, featuresAgain: { dialback: true, bidi: true, limits: { maxBytes: 524_288, idleSeconds: 840 } } }) }), request: { as: OURS },
    counterpart: { servers: ['prosody'], how: 'its defaults' },
  },
  {
    name: 'healthy-both-twice', title: 'offers dialback before TLS too, and EXTERNAL beside it afterwards', expects: UP,
    ...oneEndpoint({ usual: starttlsServer({ features: { starttls: 'optional', dialback: 'errors' }, featuresAgain: AS_EJABBERD }) }),
    counterpart: { servers: ['ejabberd'], how: 's2s_use_starttls: optional' },
  },
  ...([
    ['healthy-srvname', 'a certificate with SRVName alone', { names: { srvName: [`_xmpp-server.${DOMAIN}`] } }],
    ['healthy-xmppaddr', 'a certificate with xmppAddr alone', { names: { xmppAddr: [DOMAIN] } }],
    ['healthy-intermediate', 'a certificate below an intermediate that is sent', { names: { dns: [DOMAIN] }, issuer: 'intermediate' }],
    ['healthy-server-auth-only', 'a certificate for servers only, as public CAs issue them (badxmpp: le-tlsserver)', { names: { dns: [DOMAIN] }, usages: ['serverAuth'] }],
    ['healthy-rsa', 'an RSA key', { names: { dns: [DOMAIN] }, key: 'rsa-2048' }],
  ] as const).map(([name, title, certificate]): Scenario => ({
    name, title, expects: UP, ...oneEndpoint({ usual: starttlsServer({ certificate }) }), counterpart: { servers: ['prosody', 'ejabberd'], how: 'with such a certificate' },
  })),
  {
    name: 'healthy-wildcard', title: 'a wildcard for one label', expects: UP, domain: 'chat.partner.example',
    ...oneEndpoint({ usual: starttlsServer({ certificate: { names: { dns: ['*.partner.example'] } }, header: { serves: ['chat.partner.example'] } }) }),
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'with such a certificate' },
  },
  {
    name: 'healthy-idn', title: 'an internationalised domain', expects: UP, domain: IDN,
    ...oneEndpoint({ usual: starttlsServer({ certificate: { names: { dns: [IDN] } }, header: { serves: [IDN, 'pärtner.example'] } }) }),
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'with such a host' },
  },
  {
    name: 'healthy-needs-sni', title: 'another certificate for those who do not name the server', expects: UP, ...oneEndpoint({ usual: starttlsServer({ tls: { withoutSni: { names: { dns: ['other.example'] } } } }) }),
    counterpart: { servers: ['prosody'], how: 'two hosts with a certificate each' },
  },
  {
    name: 'healthy-weak-key', title: 'an RSA key of 1024 bits: nothing that stops federation', expects: UP, ...oneEndpoint({ usual: starttlsServer({ certificate: { names: { dns: [DOMAIN] }, key: 'rsa-1024' }, tls: { ciphers: 'DEFAULT:@SECLEVEL=0' } }) }),
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'with such a certificate and an OpenSSL security level of 0' },
  },
  {
    name: 'healthy-tls12', title: 'TLS 1.2 and no more', expects: UP, ...oneEndpoint({ usual: starttlsServer({ tls: { only: 'TLSv1.2' } }) }), counterpart: { servers: ['prosody', 'ejabberd'], how: 'TLS 1.3 turned off in its TLS options' },
  },
  {
    name: 'healthy-tls11', title: 'TLS 1.1 and nothing newer: a warning, since most servers refuse it by now', expects: UP, ...oneEndpoint({ usual: starttlsServer({ tls: { only: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } }) }),
    counterpart: { servers: ['prosody'], how: 'protocol = "tlsv1_1" and an OpenSSL security level of 0' },
  },
  {
    name: 'healthy-stray-bytes', title: 'bytes in clear after <proceed/>, which nobody may read as XML', expects: UP, ...oneEndpoint({ usual: starttlsServer({ stray: "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>" }) }),
    counterpart: { none: 'only an attacker on the way injects them (CVE-2011-0411)' },
  },
  { name: 'healthy-by-override', title: 'the operator names the server; the records lead nowhere', expects: UP,
    records: [{ type: 'SRV', service: 'xmpp-server', target: 'gone.partner.example' }], hosts: [{ name: HOST, addresses: [{ other: SERVER }] }], request: { overrides: [{ host: HOST, port: 'other', kind: 'starttls' }] },
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'as healthy, with --endpoint' } },
  {
    name: 'healthy-in-a-catch-all', title: 'a server that answers for every name: the claim question proves nothing', expects: UP,
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: 'everyone' } }) }), request: { as: OURS },
    counterpart: { none: 'each of them answers host-unknown for a name that it does not serve' },
  },
]
