// It works, but something is wrong, or only failover saves it.
import { afterTls, clearServer, starttlsServer } from '../peer/scripts.ts'
import { DOMAIN, HOST, type Scenario } from '../scenario.ts'
import { RESOLVER_ONLY, USUAL_SRV, oneEndpoint, twoEndpoints } from './parts.ts'

const SERVER = { usual: starttlsServer() }
const DEAD = { cause: 'degraded.endpoint-dead', state: 'degraded' } as const
const RECORDS = { cause: 'degraded.records', state: 'degraded' } as const

export const DEGRADED: readonly Scenario[] = [
  {
    name: 'starttls-stripped', title: 'grants STARTTLS and does not offer it, as if the offer were removed on the way', expects: { cause: 'degraded.weak-authentication', state: 'degraded' },
    ...oneEndpoint({ usual: afterTls([{ do: 'close' }], { features: { dialback: 'errors' } }) }),
    request: { timeoutsMs: { close: 500 } }, counterpart: { none: 'the offer is removed by something in between' },
  },
  {
    name: 'second-target-refuses', title: 'one of two targets refuses connections', expects: DEAD,
    ...twoEndpoints(SERVER, {}),
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'a second target where nothing listens' },
  },
  {
    name: 'first-target-drops', title: 'the preferred target drops packets', expects: DEAD,
    ...twoEndpoints('blackhole', SERVER), request: { timeoutsMs: { tcp: 900 } },
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'a preferred target behind a firewall that drops' },
  },
  {
    name: 'second-target-silent', title: 'one of two targets accepts and says nothing', expects: DEAD, ...twoEndpoints(SERVER, { usual: [{ do: 'silence' }] }), request: { timeoutsMs: { stream: 1500 } },
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'a second target that is no XMPP server' },
  },
  {
    name: 'second-address-refuses', title: 'one of two addresses of the target refuses', expects: DEAD,
    records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [SERVER, {}] }],
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'listening on one address of two' },
  },
  {
    name: 'ipv6-refuses', title: 'the IPv6 address is published and nothing listens there', expects: DEAD,
    records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [SERVER, { family: 6 }] }],
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'listening on IPv4 alone' },
  },
  {
    name: 'direct-tls-refuses', title: 'a direct TLS port is published and nothing listens there', expects: DEAD,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'an xmpps record without the port' },
  },
  {
    name: 'second-target-wrong-host', title: 'one of two targets does not serve the domain', expects: DEAD, ...twoEndpoints(SERVER, { usual: starttlsServer({ header: { serves: 'nobody' } }) }),
    counterpart: { servers: ['prosody', 'ejabberd'], how: 'a second server without the host' },
  },
  {
    name: 'certificate-expiring', title: 'the certificate ends in five days', expects: { cause: 'degraded.certificate-expiring', state: 'degraded' },
    ...oneEndpoint({ usual: starttlsServer({ certificate: { names: { dns: [DOMAIN] }, validDays: { from: -85, to: 5 } } }) }), counterpart: { servers: ['prosody', 'ejabberd'], how: 'with such a certificate' },
  },
  {
    name: 'target-is-an-alias', title: 'the SRV target is a CNAME', expects: RECORDS,
    records: [{ type: 'SRV', service: 'xmpp-server', target: 'alias.partner.example' }, { type: 'CNAME', name: 'alias.partner.example', target: HOST }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'target-is-an-address', title: 'an SRV target is written as an address, beside a good one', expects: RECORDS,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: { addressOf: HOST }, priority: 10 }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'target-is-localhost', title: 'an SRV target is localhost, beside a good one', expects: RECORDS,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: 'localhost', priority: 10 }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'dot-beside-target', title: "the target '.' beside a real one", expects: RECORDS,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: '.', priority: 10 }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'dangling-target', title: 'one of two targets has no address', expects: RECORDS,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: 'gone.partner.example', priority: 10 }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'duplicate-target', title: 'the same target and port twice', expects: RECORDS,
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: HOST, priority: 10 }], hosts: [{ name: HOST, addresses: [SERVER] }],
    counterpart: RESOLVER_ONLY,
  },
  {
    name: 'no-tls', title: 'no STARTTLS, dialback in clear', expects: { cause: 'degraded.weak-authentication', state: 'degraded' }, ...oneEndpoint({ usual: clearServer() }),
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'without certificates; Prosody with modules_disabled = { "tls" }' },
  },
  {
    name: 'no-tls-googletalk', title: 'no STARTTLS, from a peer whose profile expects none', expects: { cause: 'healthy', state: 'up' }, ...oneEndpoint({ usual: clearServer() }), judge: { profile: 'googletalk' },
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'as no-tls, with --profile googletalk' },
  },
  {
    name: 'slow-header', title: 'the header comes after most of a second', expects: { cause: 'degraded.slow', state: 'degraded' },
    ...oneEndpoint({ usual: [{ do: 'await', what: 'header' }, { do: 'pause', ms: 800 }, { do: 'header' }, ...starttlsServer().slice(2)] }), judge: { slowStageMs: 700 },
    counterpart: { none: 'a real server is slow when its machine is, which no configuration brings about' },
  },
]
