// The records lead nowhere, or nobody could tell.
import type { Cause } from '@dialtone/contracts'
import { inRecords, row, type CauseRow } from './row.ts'

export const DNS = {
  'dns.resolver-unavailable': row('unknown', 'observer', 'inside-resolver', 'dns-admin', {
    says: 'the resolver gives no usable answer',
    proof: 'The resolver fails for the control name as well as for the domain, or for two names. Nothing is said about the domain then. Down, and ours, where the vantage asks the resolver of our server (sharesResolverWith) or where those of all vantages fail, on two networks at least.',
    lookAlikes: [['dns.servfail', 'the control name resolves, and the domain alone does not']],
    remedy: [
      'Ask the resolver by hand: dig @RESOLVER SOA . If that fails too, mend the resolver or the way to it.',
      'Or name another one: dialtone check DOMAIN --resolver 192.0.2.53. In a network without the root, name something that must resolve: --control-name intranet.example.',
    ],
  }),
  'dns.nxdomain': inRecords('down', {
    says: 'the domain does not exist',
    proof: 'NXDOMAIN for the domain itself, not only for its SRV records.',
    lookAlikes: [['dns.no-records', 'the domain exists, and has nothing that leads to a server']],
    remedy: ['Check the spelling of the domain.', 'Then its registration and delegation: dig +trace SOA DOMAIN.'],
  }),
  'dns.servfail': inRecords('down', {
    says: 'its DNS answers SERVFAIL while other names resolve',
    proof: 'SERVFAIL for the SRV records in time, and the control name resolves. The evidence says whether the answer comes without DNSSEC validation.',
    lookAlikes: [['dns.resolver-unavailable', 'other names fail too']],
    remedy: [
      'If it goes away with `dig +cd SRV _xmpp-server._tcp.DOMAIN`, DNSSEC is broken: sign the zone again, or correct the DS record at the parent.',
      'If not, ask each name server of the zone: dig NS DOMAIN, then dig @SERVER SRV _xmpp-server._tcp.DOMAIN.',
    ],
  }),
  'dns.service-disabled': inRecords('down', {
    says: 'its SRV record says that the service is not offered',
    proof: "The only SRV target is '.' (RFC 2782): for _xmpp-server without any direct TLS record, or for _xmpps-server without any _xmpp-server record (XEP-0368).",
    lookAlikes: [['degraded.records', "'.' stands beside a real target, which is used"]],
    remedy: ["Replace the target '.' by the host name of the XMPP server: _xmpp-server._tcp.DOMAIN. IN SRV 0 5 5269 xmpp.DOMAIN.", 'If the domain shall have no federation, this is right as it is.'],
  }),
  'dns.address-unexpected': inRecords('down', {
    says: 'the published address is not the expected one',
    proof: 'None of the addresses is among those given by --expect. Degraded where some are, and it works.',
    lookAlikes: [['service.wrong-box', 'the address is right, and another server answers there']],
    remedy: ['Correct the A or AAAA record of the SRV target, or the expected address.', 'After a move, the old address stays in caches for as long as its TTL: dialtone lint DOMAIN shows it.'],
  }),
  'dns.target-unresolvable': inRecords('down', {
    says: 'no SRV target has an address',
    proof: 'SRV records exist, and every target is known to have neither an A nor an AAAA record. Servers do not fall back to the domain then.',
    lookAlikes: [['dns.no-records', 'there is no SRV record either']],
    remedy: ['Add A or AAAA records for the targets in the evidence, or correct their spelling; a missing final dot in the zone file makes them end in the domain twice.'],
  }),
  'dns.port-unexpected': inRecords('down', {
    says: 'no XMPP server answers on the published port, while the same address speaks XMPP on the usual one',
    proof: 'Every advertised endpoint fails before the stream header, and the same address completes a check on 5269.',
    lookAlikes: [['peer.unreachable', 'nothing answers on 5269 either']],
    remedy: ['Correct the SRV record that leads there: _xmpp-server._tcp.DOMAIN. IN SRV 0 5 5269 xmpp.DOMAIN. (5369 for 5269 is the usual slip; _xmpps-server names a port where TLS begins at once.)', 'Or let the server listen where the record says.'],
  }),
  'dns.no-records': inRecords('down', {
    says: 'the domain exists, but has neither a usable SRV record nor an address where a server answers',
    proof: 'No SRV record for either service, and the domain itself has no address, or nothing accepts a connection there on 5269.',
    lookAlikes: [['dns.nxdomain', 'the domain itself does not exist']],
    remedy: ['Publish _xmpp-server._tcp.DOMAIN. IN SRV 0 5 5269 xmpp.DOMAIN. and an A or AAAA record for that host.', 'See what others see: dialtone lint DOMAIN.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
