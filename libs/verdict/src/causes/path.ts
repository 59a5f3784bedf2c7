// Packets do not arrive, or not as they were sent. Most of these need two vantages.
import type { Cause } from '@dialtone/contracts'
import { onTheWay, row, type CauseRow } from './row.ts'

export const PATH = {
  'path.inbound-blocked': onTheWay({
    says: 'outside vantages cannot reach our public address',
    proof: 'From outside, no published endpoint accepts a connection, and attempts time out; from inside, the service answers. One vantage cannot prove it: seen from outside alone, it is peer.unreachable.',
    lookAlikes: [['path.inbound-refused', 'refused instead of timed out'], ['service.down', 'inside fails too']],
    remedy: [
      'Allow TCP 5269 inwards on the firewall, from any address, and map it to the XMPP server. With dialback outgoing messages need it too: the peer calls back.',
      'A counter of the firewall for the denied port shows at which box it ends; a provider or a cloud security group in front may be another one.',
      'Check from outside: dialtone check OURS.',
    ],
  }),
  'path.inbound-refused': onTheWay({
    says: 'our public address refuses connections from outside',
    proof: 'From outside, every published endpoint refuses or a router says unreachable; from inside, the service answers. Where one of them times out, and no router says that it is unreachable, it is path.inbound-blocked.',
    lookAlikes: [['path.inbound-blocked', 'timed out instead of refused'], ['service.down', 'inside fails too']],
    remedy: [
      'Correct the NAT rule: the inside address and port of the XMPP server. Refused is a closed port or a host without the service, unreachable an address that nobody has.',
      'Then the listener: it must listen on that address, not on loopback alone (ss -ltn | grep 5269).',
      'If the address that DNS gives is not yours, correct the record; name the right ones in the configuration (expectedAddresses), and it is told apart next time.',
    ],
  }),
  'path.outbound-blocked': onTheWay({
    says: 'inside vantages reach no peer',
    proof: 'From inside no peer at all accepts a connection, be it dropped, refused or unreachable; two of them, in different networks (/24, or /48 of IPv6), do from outside.',
    lookAlikes: [['path.peer-blocked', 'only one peer is out of reach'], ['dns.resolver-unavailable', 'the addresses of peers are not even known']],
    remedy: [
      'Allow TCP 5269, and what the SRV records of peers name besides, outwards from the XMPP server.',
      'It stops incoming messages as well, of peers that use dialback: our server must reach them to ask about their keys.',
      'Check from inside: dialtone check PEER, for any of the peers in the evidence.',
    ],
  }),
  'path.peer-blocked': onTheWay({
    says: 'only this peer is unreachable from inside',
    proof: 'From inside, no endpoint of this peer accepts a connection, and another peer is reached; from outside, this one is. Likely where no other peer was tried.',
    lookAlikes: [['peer.unreachable', 'no vantage reaches it']],
    remedy: ['Look for a rule about the addresses in the evidence, on our firewall and on the peer\'s.', 'Ask the peer whether it limits by address or country.'],
  }),
  'path.interfered': onTheWay({
    says: 'something on the way alters the stream',
    proof: 'The same address, or our own service behind it, gives outside and inside vantages different streams above TCP: STARTTLS is missing, the certificate comes from an authority that is not trusted, or the stream is swallowed or broken. Degraded where it works all the same. A stream error is the word of a server, and no interference.',
    lookAlikes: [['tls.not-offered', 'every vantage sees the same'], ['service.wrong-box', 'another server answers: it denies the domain, speaks no XMPP, or shows a certificate of another name'], ['degraded.endpoint-dead', 'the addresses differ, each answers alike from everywhere']],
    remedy: ['Switch off XMPP inspection, protocol fix-up and TLS interception for port 5269 on the firewall.', 'Compare the transcripts of two vantages: dialtone check DOMAIN --transcript.'],
  }),
  'peer.unreachable': row('down', 'peer', 'internet', 'peer-admin', {
    says: 'no advertised endpoint accepts a TCP connection',
    proof: 'Every target and address refuses, times out or is unreachable; the evidence says which. From one vantage the fault may lie on the way there.',
    lookAlikes: [['dns.port-unexpected', 'the same address answers on 5269'], ['path.outbound-blocked', 'nothing else can be reached from here either']],
    remedy: [
      'Check from another network; if it works there, the fault is between here and there.',
      'Refused: start the server and let it listen on that address (ss -ltnp | grep 5269). Timed out: let TCP 5269 in on its firewall. Unreachable: the address is not in use.',
    ],
  }),
  'peer.partition': row('degraded', 'path', 'internet', 'peer-admin', {
    says: 'vantages disagree: some reach it, some do not',
    proof: 'One vantage went through every stage with an endpoint, another of the same side tried and failed. Two vantages on one network are one witness; one whose resolver fails, or whose agent is unwell, does not count.',
    lookAlikes: [['degraded.endpoint-dead', 'every vantage sees the same endpoint fail'], ['dns.split-view', 'the vantages were sent to different addresses'], ['path.inbound-blocked', 'those inside get through, and nobody outside does']],
    remedy: ['Compare what each vantage reached: the addresses, the route, the firewall of the one that fails.'],
  }),
  'peer.busy': row('degraded', 'peer', 'peer-server', 'peer-admin', {
    says: 'it asks to come back later',
    proof: 'system-shutdown, resource-constraint, reset or connection-timeout as stream error; or one refusal, which only counts as policy when it is repeated after the retry window of 300 s.',
    lookAlikes: [['policy.refused-by-peer', 'it still refuses after five minutes']],
    remedy: ['Check again in five minutes: dialtone check DOMAIN --as OURS.', 'If it stays, its administrator must look at limits and load; if it is a refusal, whether OURS is allowed.'],
  }),
  'peer.protocol-error': row('down', 'peer', 'peer-server', 'peer-admin', {
    says: 'the stream ended for a protocol reason',
    proof: 'It sent what a stream may not contain, or ended ours with an error about the protocol; the bytes are in the evidence and the transcript.',
    lookAlikes: [['service.not-xmpp', 'not even a stream header came'], ['path.interfered', 'another vantage gets a right stream from the same address']],
    remedy: ['Keep the bytes: dialtone check DOMAIN --transcript. Show them to its administrator.', 'Look at its log for the same second, and at a proxy in front of it.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
