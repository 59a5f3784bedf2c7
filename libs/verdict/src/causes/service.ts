// A connection opens, and what answers is not the server of the domain.
import type { Cause } from '@dialtone/contracts'
import { atOurs, atPeer, row, type CauseRow } from './row.ts'

export const SERVICE = {
  'service.down': atOurs({
    says: 'our own service does not listen',
    proof: 'An address that is ours refuses connections, our internal address is not reached from inside either, or our server says that it speaks to no other server. Likely where a server with our certificate answers outside all the same: a gateway before a dead service. Or a gateway of ours gets no stream to the server behind it.',
    lookAlikes: [['path.inbound-refused', 'inside vantages reach it']],
    remedy: ['Start the XMPP server and its S2S listener: `prosodyctl status`, `ejabberdctl status`, and ss -ltnp | grep 5269.', 'Prosody: mod_s2s must not be in modules_disabled. ejabberd: a listener with module ejabberd_s2s_in. CUPS: XMPP federation must be on, and its service running.'],
  }),
  'service.not-xmpp': atPeer('down', {
    says: 'what listens on the port does not speak XMPP',
    proof: 'The connection was accepted, and then closed without a byte, or bytes came that are no stream header.',
    lookAlikes: [['service.silent', 'the connection stays open and nothing comes'], ['peer.protocol-error', 'a stream header came, and then something wrong']],
    remedy: ['Check which program holds the port: ss -ltnp | grep 5269. A web server, a port for clients, or direct TLS on the plain port are the usual finds.', 'Then what a load balancer or NAT rule points at. A refusal by tcp wrappers or a limit per address also closes without a byte.'],
  }),
  'service.silent': atPeer('down', {
    says: 'the connection opens, and what is due does not come in time',
    proof: 'Nothing, or nothing complete, came within the time-out of the stage: at the start or after the stream header.',
    lookAlikes: [['peer.unreachable', 'the connection does not even open'], ['path.interfered', 'another vantage gets an answer from the same address']],
    remedy: ['Check whether the XMPP server hangs: does it answer on its own host (dialtone check DOMAIN --endpoint 127.0.0.1:5269 --allow-net 127.0.0.0/8)?', 'If it does, a firewall with protocol inspection or a proxy swallows the stream.', 'A server that serves direct TLS there waits for a handshake: its SRV record must be _xmpps-server.'],
  }),
  'service.wrong-host': atPeer('down', {
    says: 'the server at the published address does not serve this domain',
    proof: 'host-unknown or host-gone in answer to the domain, at an address about which nothing is expected.',
    lookAlikes: [['service.wrong-box', 'the address is known to be ours']],
    remedy: ['Add the domain to the server: Prosody VirtualHost "DOMAIN", ejabberd hosts: [DOMAIN]; then reload.', 'Or correct the SRV record or address: after a move it often still names the former server or provider.'],
  }),
  'service.wrong-box': row('down', 'ours', 'gateway', 'server-admin', {
    says: 'our address is answered by a server that does not serve this domain',
    proof: 'host-unknown or host-gone at an address that is configured as ours; or outside vantages are answered by another server than inside ones: it speaks no XMPP, shows a certificate of another name, or answers while ours does not listen.',
    lookAlikes: [['service.wrong-host', 'nothing is known about whose the address is']],
    remedy: ['Correct the NAT or proxy rule for this address: it leads to another XMPP server.', 'Or add the domain to that server as a virtual host.'],
  }),
} as const satisfies Partial<Record<Cause, CauseRow>>
