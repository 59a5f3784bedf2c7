/**
 * Who takes part in the demo fleet: a domain, the failure that it acts out (a scenario of the catalogue, or one that only two vantages can see), and the
 * cause that the fleet must name. All data; `start-fleet.ts` gives it addresses.
 */
import type { Cause, DomainSpec, PeerSpec } from '@dialtone/contracts'
import type { ZoneRecord } from '../dns/zone.ts'
import { starttlsServer } from '../peer/scripts.ts'
import { DOMAIN, HOST, type Scenario } from '../scenario.ts'
import { SCENARIOS } from '../scenarios/catalogue.ts'
import { USUAL_SRV } from '../scenarios/parts.ts'

export type Side = 'inside' | 'outside'
type Acted = Pick<Scenario, 'records' | 'hosts' | 'resolver'>

export type Member = {
  /** In place of `partner.example` everywhere in what is acted. */
  domain: string
  acts: Acted
  cause: Cause
  /** Whether the resolver of this side knows the record. Default: both know all. `last`: the last byte of an address. */
  sees?: (side: Side, record: ZoneRecord, last: string | undefined) => boolean
} & ({ role: 'peer', spec?: PeerSpec } | {
  role: 'ours'
  spec?: DomainSpec
  /** The host where inside vantages find the service without DNS. */
  internal?: string
  /** The host whose addresses are expected to be published. */
  published?: string
})

/** In whose interest the peers are checked. Healthy. */
export const OUR_DOMAIN = 'ours.example'
const INTERNAL = `internal.${DOMAIN}`
const DROPPED = `dropped.${DOMAIN}`
const SERVER = { usual: starttlsServer() }

export const MEMBERS: readonly Member[] = [
  { role: 'ours', domain: OUR_DOMAIN, cause: 'healthy', internal: INTERNAL, published: HOST, acts: published(SERVER), sees: insideOnly },
  { role: 'ours', domain: 'blocked-ours.example', cause: 'path.inbound-blocked', internal: INTERNAL, published: HOST, acts: published('blackhole'), sees: insideOnly, spec: { note: 'The firewall drops what comes from outside' } },
  { role: 'ours', domain: 'misrouted-ours.example', cause: 'path.inbound-refused', internal: INTERNAL, published: HOST, acts: published({}), sees: insideOnly, spec: { note: 'The NAT rule points at a closed port' } },
  {
    role: 'ours', domain: 'split-ours.example', cause: 'dns.split-view', acts: { records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [SERVER, SERVER] }] },
    sees: (side, { type }, last) => type !== 'A' || last === (side === 'outside' ? '2' : '3'), spec: { note: 'The inside resolver says another address than the public one' },
  },

  {
    // As if one network on the way out did not let us through: the inside resolver leads to where packets are dropped.
    role: 'peer', domain: 'blocked-peer.example', cause: 'path.peer-blocked',
    acts: { records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: DROPPED }], hosts: [{ name: HOST, addresses: [SERVER] }, { name: DROPPED, addresses: ['blackhole'] }] },
    sees: (side, record) => record.type !== 'SRV' || record.target.startsWith('dropped.') === (side === 'inside'),
  },
  peer('good.example', 'healthy'),
  peer('direct.example', 'healthy-direct-only'),
  peer('expired.example', 'certificate-expired'),
  peer('wrong-name.example', 'certificate-wrong-name'),
  peer('self-signed.example', 'certificate-self-signed'),
  peer('unknown-ca.example', 'certificate-unknown-ca'),
  peer('expiring.example', 'certificate-expiring'),
  peer('half-dead.example', 'second-target-refuses'),
  peer('alias.example', 'target-is-an-alias'),
  peer('no-tls.example', 'no-tls'),
  peer('insists-on-tls.example', 'tls-not-offered', { profile: 'expressway' }),
  peer('no-cipher.example', 'no-common-cipher'),
  peer('missing.example', 'no-such-domain'),
  peer('disabled.example', 'service-disabled'),
  peer('no-address.example', 'target-without-address'),
  peer('wrong-port.example', 'wrong-port'),
  peer('servfail.example', 'servfail'),
  peer('refused.example', 'refused'),
  peer('dropped.example', 'dropped'),
  peer('web-server.example', 'http'),
  peer('silent.example', 'silent'),
  peer('wrong-host.example', 'wrong-host'),
  peer('busy.example', 'overloaded'),
  peer('bad-xml.example', 'bad-xml'),
  peer('nothing-offered.example', 'nothing-offered'),
  peer('claims-us.example', 'claimed'),
]

/** Our service behind its public address: it answers inside, and outside it is reached as `at` says. */
function published (at: Scenario['hosts'][number]['addresses'][number]): Acted {
  return { records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [at] }, { name: INTERNAL, addresses: [SERVER] }] }
}

function insideOnly (side: Side, { name }: ZoneRecord): boolean {
  return side === 'inside' || !name.startsWith('internal.')
}

function peer (domain: string, scenario: string, spec?: PeerSpec): Member {
  const acts = SCENARIOS.find(({ name }) => name === scenario)
  if (acts === undefined) throw new TypeError(`no scenario is called ${scenario}`)
  return { role: 'peer', domain, acts, cause: acts.expects.cause, ...(spec === undefined ? {} : { spec }) }
}
