// Which scene acts out the cause of a runbook: a scenario of the zoo, or a break of the site with real servers. All data.
import type { Socket } from 'node:net'
import type { Cause } from '@dialtone/contracts'
import { DOMAIN, HOST, afterHeader, starttlsServer, type Scenario } from '@dialtone/zoo'
import { SITE_ADDRESSES, type OrganisationSite } from '@dialtone/testkit'
import type { SiteBreak } from './site-scenes.ts'

export type ZooScene = { zoo: string | Scenario }
export type SiteScene = { breaks: SiteBreak, values?: Readonly<Record<string, string>> }

const USUAL = { type: 'SRV', service: 'xmpp-server', target: HOST } as const

/** A way to show a cause for which the zoo has no scenario. */
function scenario (name: string, cause: Cause, title: string, parts: Pick<Scenario, 'hosts'> & Partial<Scenario>): Scenario {
  return { name: `runbook-${name}`, title, expects: { cause, state: 'down' }, records: [USUAL], counterpart: { none: 'of a runbook' }, ...parts }
}

export const ZOO_SCENES: Partial<Record<Cause, ZooScene>> = {
  'healthy': { zoo: 'healthy' },
  'degraded.endpoint-dead': { zoo: 'second-target-refuses' },
  'degraded.certificate-expiring': { zoo: 'certificate-expiring' },
  'degraded.records': { zoo: 'target-is-an-alias' },
  'degraded.weak-authentication': { zoo: 'no-tls' },
  'degraded.slow': { zoo: scenario('slow', 'degraded.slow', 'the header comes after two seconds', { hosts: [{ name: HOST, addresses: [{ usual: [{ do: 'await', what: 'header' }, { do: 'pause', ms: 2000 }, ...starttlsServer().slice(1)] }] }] }) },
  'dns.nxdomain': { zoo: 'no-such-domain' },
  'dns.servfail': { zoo: 'dnssec-bogus' },
  'dns.service-disabled': { zoo: 'service-disabled' },
  'dns.target-unresolvable': { zoo: 'target-without-address' },
  'dns.port-unexpected': { zoo: 'wrong-port' },
  'dns.no-records': { zoo: 'no-records' },
  'peer.busy': { zoo: 'overloaded' },
  'peer.protocol-error': { zoo: 'bad-xml' },
  'service.not-xmpp': { zoo: 'http' },
  'service.silent': { zoo: 'silent' },
  'service.wrong-host': { zoo: 'wrong-host-prosody' },
  'tls.required-by-peer': { zoo: scenario('tls-required', 'tls.required-by-peer', 'insists on TLS', { hosts: [{ name: HOST, addresses: [{ usual: starttlsServer() }] }] }) },
  'tls.not-offered': { zoo: 'tls-not-offered' },
  'tls.handshake-failed': { zoo: 'no-common-cipher' },
  'certificate.expired': { zoo: 'certificate-expired' },
  'certificate.not-yet-valid': { zoo: 'certificate-not-yet-valid' },
  'certificate.name-mismatch': { zoo: 'certificate-wrong-name' },
  'certificate.purpose': { zoo: 'certificate-client-only' },
  'certificate.self-signed': { zoo: 'certificate-self-signed' },
  'certificate.untrusted': { zoo: 'certificate-missing-intermediate' },
  'auth.none-offered': { zoo: 'nothing-offered' },
  'auth.external-refused': { zoo: 'certificate-not-accepted-tls12' },
  'dialback.callback-aborted': { zoo: scenario('distrusted', 'dialback.callback-aborted', 'our own certificate, of an authority that nobody knows', { hosts: [{ name: HOST, addresses: [{ usual: starttlsServer({ certificate: { names: { dns: [DOMAIN] }, issuer: 'unknown' } }) }] }] }) },
  'policy.refused-by-peer': { zoo: 'policy-at-open' },
  'unknown': { zoo: scenario('unknown', 'unknown', 'refuses a stranger, and nobody asked in our name', { hosts: [{ name: HOST, addresses: [{ usual: afterHeader([{ do: 'error', condition: 'policy-violation' }]) }] }] }) },
}

/** Lines of a zone that lead past our own address. */
const MISLED = ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${SITE_ADDRESSES.partner}`]

const blocked: SiteBreak = site => {
  site.translation().lift()
  return () => { site.translateAgain() }
}

export const SITE_SCENES: Partial<Record<Cause, SiteScene>> = {
  'dns.resolver-unavailable': { breaks: site => site.blockResolver().lift },
  'dns.address-unexpected': { breaks: misled },
  'dns.split-view': { breaks: async site => {
    await site.publishOutside(MISLED)
    return async () => { await site.publish(site.records) }
  } },
  'path.inbound-blocked': { breaks: blocked },
  'path.inbound-refused': { breaks: site => site.network.block('ours', { how: 'refuse', port: 5269, from: 'amsterdam' }).lift },
  'path.outbound-blocked': { breaks: site => site.blockOutbound().lift },
  'path.peer-blocked': { breaks: site => site.network.block('partner', { how: 'drop', port: 5269, from: 'inside' }).lift },
  'path.interfered': { breaks: stripped },
  'peer.unreachable': { breaks: site => site.network.block('partner', { how: 'refuse', port: 5269 }).lift },
  'peer.partition': { breaks: site => site.network.block('partner', { how: 'drop', port: 5269, from: 'frankfurt' }).lift },
  'service.down': { breaks: async site => {
    await site.stopService()
    return async () => { await site.startService() }
  } },
  'service.wrong-box': { breaks: misled },
  'dialback.domain-claimed': { breaks: async site => {
    await site.claim(true)
    return async () => { await site.claim(false) }
  } },
  'dialback.callback-blocked': { breaks: blocked },
  'dialback.callback-misdirected': { breaks: misled },
  'dialback.denied': { breaks: () => () => undefined, values: { SECRET: 'open sesame', ID: 'id1' } },
}

/** The translation leads over a host that takes the offer of STARTTLS out of what our server says. */
async function stripped (site: OrganisationSite): Promise<() => void> {
  const middle = site.host('inside')
  const server = await middle.listen({ port: 5269 })
  server.on('connection', (outer: Socket) => { void through(outer, middle.connect({ address: SITE_ADDRESSES.ours, port: 5269 })) })
  site.translation().lift()
  site.translateAgain('inside')
  return () => {
    site.translation().lift()
    site.translateAgain()
    server.close()
  }
}

async function through (outer: Socket, connecting: Promise<Socket>): Promise<void> {
  outer.on('error', () => outer.destroy())
  try {
    const inner = await connecting
    inner.on('error', () => outer.destroy()).setEncoding('utf8').on('data', (text: string) => outer.write(text.replaceAll(/<starttls[^>]*\/>/g, ''))).once('close', () => outer.end())
    outer.pipe(inner)
  } catch {
    outer.destroy()
  }
}

async function misled (site: OrganisationSite): Promise<() => Promise<void>> {
  await site.publish(MISLED)
  return async () => { await site.publish(site.records) }
}
