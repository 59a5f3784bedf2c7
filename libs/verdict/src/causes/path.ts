// Packets do not arrive, or not as they were sent. Most of these need two vantages.
import type { Cause } from '@dialtone/contracts'
import { onTheWay, row, type CauseRow } from './row.ts'

export const PATH = {
  'path.inbound-blocked': onTheWay({
    says: 'outside vantages cannot reach our public address',
    proof: 'From outside, connections to the published address time out on every endpoint; from inside, the service answers. One vantage cannot prove it.',
    lookAlikes: [['path.inbound-refused', 'refused instead of timed out'], ['service.down', 'inside fails too']],
    remedy: ['Allow TCP 5269 inwards on the firewall, and map it to the XMPP server.', 'Check from outside: dialtone check OURS.'],
  }),
  'path.inbound-refused': onTheWay({
    says: 'our public address refuses connections from outside',
    proof: 'From outside, the published address refuses or a router says unreachable; from inside, the service answers.',
    lookAlikes: [['path.inbound-blocked', 'timed out instead of refused'], ['service.down', 'inside fails too']],
    remedy: ['Correct the NAT rule: the inside address and port of the XMPP server.', 'Then the listener: it must listen on that address, not on loopback alone.'],
  }),
  'path.outbound-blocked': onTheWay({
    says: 'inside vantages reach no peer',
    proof: 'From inside, at least two peers in different networks cannot be reached; from outside, they can.',
    lookAlikes: [['path.peer-blocked', 'only one peer is out of reach']],
    remedy: ['Allow TCP 5269, and what the SRV records of peers name besides, outwards from the XMPP server.'],
  }),
  'path.peer-blocked': onTheWay({
    says: 'only this peer is unreachable from inside',
    proof: 'From inside, this peer cannot be reached and others can; from outside, this one can.',
    lookAlikes: [['peer.unreachable', 'no vantage reaches it']],
    remedy: ['Look for a rule about the addresses in the evidence, on our firewall and on the peer\'s.', 'Ask the peer whether it limits by address or country.'],
  }),
  'path.interfered': onTheWay({
    says: 'something on the way alters the stream',
    proof: 'The same address offers STARTTLS, or shows a certificate, to one vantage and not to another.',
    lookAlikes: [['tls.not-offered', 'every vantage sees the same'], ['degraded.endpoint-dead', 'the addresses differ, each answers alike from everywhere']],
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
    proof: 'One vantage went through every stage with an endpoint, another tried and failed. A vantage whose resolver fails does not count.',
    lookAlikes: [['degraded.endpoint-dead', 'every vantage sees the same endpoint fail'], ['dns.split-view', 'the vantages were sent to different addresses']],
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
