// Nothing stops federation: it is well, or something is wrong that does not stop it.
import type { Cause } from '@dialtone/contracts'
import { atPeer, inRecords, row, type CauseRow } from './row.ts'

export const WORKING = {
  'healthy': row('up', 'nobody', 'none', 'nobody', {
    says: 'every stage that was asked succeeded on every advertised endpoint',
    proof: 'Every endpoint that the records name went through every stage. The sentence lists what was not asked: healthy never speaks about that.',
    remedy: ['Nothing to change.'],
  }),
  'degraded.endpoint-dead': atPeer('degraded', {
    says: 'an advertised endpoint fails while another works',
    proof: 'One target, address or family fails at any stage, another goes through all of them. An address that this vantage may not or cannot try is not dead.',
    lookAlikes: [['peer.partition', 'one and the same endpoint works from one vantage and fails from another']],
    remedy: [
      'Repair the endpoint named in the evidence, or take its SRV or address record out: every peer that tries it first waits for a time-out.',
      'If it is IPv6: let the server listen there too (Prosody: s2s_interfaces = { "*", "::" }; ejabberd: ip: "::" on the 5269 listener).',
    ],
  }),
  'degraded.certificate-expiring': atPeer('degraded', {
    says: 'the certificate ends soon',
    proof: 'The first end among the certificates of the path that was built lies within the warning window, 14 days unless told otherwise.',
    lookAlikes: [['certificate.expired', 'the end lies in the past']],
    remedy: [
      'Renew the certificate, and make the renewal reload the XMPP server: Prosody `prosodyctl --root cert import HOST DIR`, ejabberd `ejabberdctl reload_config`.',
      'Check again: a server that was not reloaded goes on showing the old one.',
    ],
  }),
  'degraded.records': inRecords('degraded', {
    says: 'it works, but its SRV records break a rule that some servers enforce',
    proof: "An SRV target is an alias, an address, localhost or has no address, '.' stands beside real targets, or a target is named twice; and an endpoint works all the same.",
    lookAlikes: [['dns.target-unresolvable', 'no target at all has an address']],
    remedy: ['Point each SRV record at a host name with A or AAAA records of its own, and remove the records that the evidence names.', 'See all records and rules: dialtone lint DOMAIN'],
  }),
  'degraded.weak-authentication': atPeer('degraded', {
    says: 'it works, but without encryption',
    proof: 'An endpoint works and offers no STARTTLS, and the profile expects it. Of a peer that is known to speak in clear, name the profile: --profile googletalk.',
    lookAlikes: [
      ['tls.not-offered', 'the profile demands encryption, so that it does not work'],
      ['path.interfered', 'the same address offers STARTTLS to another vantage'],
    ],
    remedy: [
      'Give the XMPP server a certificate and let it offer STARTTLS: Prosody `certificates` and mod_tls; ejabberd `certfiles` and `s2s_use_starttls: required`.',
      'Many servers refuse to speak in clear, so that the domain reaches some peers and not others until then.',
    ],
  }),
  'degraded.slow': atPeer('degraded', {
    says: 'it works, but slowly',
    proof: 'A stage of a working endpoint took longer than three seconds.',
    remedy: ['Look at the load of the server and at the network on the way; the slow stage is in the evidence.', 'A slow stream header is often the server that asks its own DNS about the peer first.'],
  }),
  'dns.split-view': row('degraded', 'ours', 'inside-resolver', 'dns-admin', {
    says: 'inside and outside resolvers differ',
    proof: 'Resolvers inside and outside give other SRV records or addresses for the domain, and the configuration does not expect it. Where those outside differ among themselves, it is not said.',
    lookAlikes: [['dns.address-unexpected', 'what the world sees is itself wrong']],
    remedy: ['Make both views of the zone agree for the names in the evidence.', 'If they are meant to differ, say so: splitViewExpected of the domain.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
