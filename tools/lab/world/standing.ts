// Domains that are broken for good, as some always are, and what is to be said of each.
import type { CertificateKind, NetworkHost } from '@dialtone/testkit'
import { nft } from '@dialtone/testkit'
import type { Cause } from '@dialtone/contracts'
import type { Socket } from 'node:net'
import { AT } from './places.ts'

export const STANDING = [
  { domain: 'expired.test', says: 'certificate.expired' },
  { domain: 'wrongname.test', says: 'certificate.name-mismatch' },
  { domain: 'selfsigned.test', says: 'certificate.self-signed' },
  { domain: 'hostunknown.test', says: 'service.wrong-host' },
  { domain: 'dotsrv.test', says: 'dns.service-disabled' },
  { domain: 'notarget.test', says: 'dns.target-unresolvable' },
  { domain: 'norecords.test', says: 'dns.no-records' },
  { domain: 'nx.test', says: 'dns.nxdomain' },
  { domain: 'servfail.test', says: 'dns.servfail' },
  { domain: 'refused.test', says: 'peer.unreachable' },
  { domain: 'drop.test', says: 'peer.unreachable' },
  { domain: 'slow.test', says: 'service.silent' },
  { domain: 'halfopen.test', says: 'service.silent' },
  { domain: 'http.test', says: 'service.not-xmpp' },
  { domain: 'closes.test', says: 'service.not-xmpp' },
  { domain: 'unfinished.test', says: 'unknown' },
] as const satisfies readonly { domain: string, says: Cause }[]

export type StandingDomain = (typeof STANDING)[number]['domain']

/** What the server at AT.bad shows; hostunknown.test leads there too, and it does not serve it. */
export const BAD_CERTIFICATES = { 'expired.test': 'expired', 'wrongname.test': 'wrong-name', 'selfsigned.test': 'self-signed' } as const satisfies Record<string, CertificateKind>

const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='1' version='1.0'>"

/** What no real server does on purpose: listeners that say the wrong thing, nothing, or are not there for anybody. */
export async function listenOddly (host: NetworkHost): Promise<void> {
  nft(host.namespace, `table ip odd { chain input { type filter hook input priority filter; ip daddr ${AT.drop} drop; }; }\n`)
  const answers: readonly [string, (socket: Socket) => void][] = [
    // After the request, as a web server would.
    [AT.http, socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))],
    [AT.closes, socket => socket.end()],
    [AT.slow, () => undefined],
    [AT.halfopen, socket => socket.once('data', () => socket.write(HEADER))],
  ]
  for (const [address, answer] of answers) {
    const server = await host.listen({ address, port: 5269 })
    server.on('connection', socket => {
      socket.on('error', () => undefined).on('data', () => undefined)
      answer(socket)
    })
  }
}
