// What goes wrong with servers: ours, its certificate, the one behind the gateway, and the gateway itself.
import { certificateOf, type CertificateKind } from '@dialtone/testkit'
import { OURS } from '../seams.ts'
import { AT, GATEWAY } from '../world/places.ts'
import { defineBreak, type Doing } from './define.ts'

const shows = (kind: CertificateKind): Doing => async ({ servers, by }) => await servers.differences.ours.lay(by, { certificate: await certificateOf(kind, OURS) })

export const SERVER_BREAKS = [
  defineBreak('service', 'the federation service of our server is stopped; its users can still log in', ({ servers, by }) => servers.differences.ours.lay(by, { alone: true })),
  defineBreak('cert', 'the certificate of our server has expired', shows('expired')),
  defineBreak('cert-xmppaddr', 'the certificate of our server names it as an xmppAddr, too; ejabberd 23.01 ends the stream over it', shows('xmpp-addr')),
  defineBreak('cert-srvname', 'the certificate of our server names it as an SRVName, too, which nobody minds', shows('srv-name')),
  defineBreak('edge-down', 'the server behind the gateway is not running', ({ servers, by }) => servers.differences.edge.lay(by, { stopped: true })),
  defineBreak('gateway-cut', 'the firewall drops what the gateway sends to the server behind it', ({ filter }) => filter('firewall', { forward: [`ip saddr ${GATEWAY.inside} ip daddr ${AT.edge} tcp dport 5269 drop`] })),
  defineBreak('gateway-drained', 'the gateway drains, because we told it to', async (_, { fleets }) => {
    if (fleets === undefined) throw new Error('there is no gateway: the lab was started without fleets')
    await fleets.ask('shared', '/v1/gateways/edge/drain', { method: 'POST', body: { reason: 'the lab tries it' } })
    return async () => { await fleets.ask('shared', '/v1/gateways/edge/start', { method: 'POST', body: { reason: 'the lab tried it' } }) }
  }),
] as const
