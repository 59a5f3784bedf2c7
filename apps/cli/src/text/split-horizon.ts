// What a look from the inside means: whether every foreign domain leads to the gateway and none of ours does, and what to change. Pure.
import type { State } from '@dialtone/contracts'
import type { AskedDomain, Look, Service } from '../commands/split-horizon-look.ts'
import { wrap, type Terminal } from '../terminal.ts'

/** `refused`: of a domain of ours, by a resolver that leads foreign domains to the gateway: it answers for those alone. */
export type Leads = 'gateway' | 'internet' | 'nowhere' | 'refused' | 'unanswered'
export type Row = { domain: string, leads: Leads, ok: boolean, says: string }
export type Judged = { state: State, says: string, foreign: (Row & { invented: boolean })[], inside: Row[], gateway: Row[], remedies: string[] }

/** The verdict of one look. */
export function judgeSplitHorizon (look: Look): Judged {
  const name = look.gateway?.name
  const foreign = look.foreign.map(asked => ({ ...foreignRow(asked, name), invented: asked.invented }))
  const inside = look.inside.map(asked => insideRow(asked, name, foreign.some(({ leads }) => leads === 'gateway')))
  const gateway = gatewayRows(look)
  const remedies = remediesOf(look, foreign, inside, gateway)
  const given = foreign.filter(({ invented }) => !invented)
  const invented = foreign.find(row => row.invented)
  const away = given.filter(({ leads }) => leads === 'internet' || leads === 'nowhere')
  const unanswered = [...foreign, ...inside].filter(({ leads }) => leads === 'unanswered')
  const verdict = (state: State, says: string): Judged => ({ state, says, foreign, inside, gateway, remedies })
  if (unanswered.length === foreign.length + inside.length) return verdict('unknown', `the resolver ${look.resolver} answers nothing that was asked`)
  if (away.length > 0) return verdict('down', `the view is not effective: ${listed(away)} ${away.length === 1 ? 'does' : 'do'} not lead to the gateway`)
  const caught = inside.filter(({ leads }) => leads === 'gateway')
  if (caught.length > 0) return verdict('down', `${listed(caught)} ${caught.length === 1 ? 'is' : 'are'} inside and ${caught.length === 1 ? 'leads' : 'lead'} to the gateway`)
  if (name === undefined || (given.length === 0 && invented?.leads !== 'gateway')) return verdict('down', 'the view is not effective: a foreign domain does not lead to the gateway')
  const broken = gateway.find(({ ok }) => !ok)
  if (broken !== undefined) return verdict('down', `names lead to the gateway, and it does not serve them: ${broken.domain} ${broken.says}`)
  if (unanswered.length > 0) return verdict('unknown', `the resolver did not answer about ${listed(unanswered)}`)
  const leaking = given.filter(({ ok }) => !ok)
  if (leaking.length > 0) return verdict('degraded', `${listed(leaking)} can still be reached past the gateway by direct TLS`)
  if (invented?.leads !== 'gateway') return verdict('degraded', 'the view covers the domains that it was given, and no other')
  const refused = inside.some(({ leads }) => leads === 'refused')
  if (invented.ok) return verdict('up', `the view is effective: every foreign domain leads to the gateway, and none of ours does${refused ? '; the resolver answers for foreign domains alone, which is enough for a server that learns the rest elsewhere' : ''}`)
  return verdict('degraded', 'direct TLS to foreign domains leads past the gateway')
}

function leadsTo ({ outcome, targets }: Service, gateway: string | undefined): Leads {
  if (outcome === 'nodata' || outcome === 'nxdomain') return 'nowhere'
  if (outcome !== 'answer') return 'unanswered'
  if (targets.every(({ target }) => target === '.')) return 'nowhere'
  return gateway !== undefined && targets.every(({ target }) => target === gateway || target === '.') ? 'gateway' : 'internet'
}

function foreignRow ({ domain, invented, starttls, direct }: AskedDomain, gateway: string | undefined): Row {
  const leads = leadsTo(starttls, gateway)
  const shown = invented ? `${domain} (made up)` : domain
  if (leads === 'unanswered') return { domain: shown, leads, ok: false, says: unansweredSays(starttls.outcome) }
  if (leads === 'nowhere') return { domain: shown, leads, ok: false, says: starttls.outcome === 'answer' ? "its service is said not to be there ('.')" : `has no SRV record (${starttls.outcome}): a server would try the domain itself, on the Internet` }
  if (leads === 'internet') return { domain: shown, leads, ok: false, says: `leads to ${targetsOf(starttls)}` }
  const bypass = leadsTo(direct, gateway) === 'internet'
  return { domain: shown, leads, ok: !bypass, says: bypass ? `leads to the gateway, but direct TLS to ${targetsOf(direct)}` : `leads to the gateway, port ${starttls.targets[0]?.port ?? 5269}` }
}

function insideRow ({ domain, starttls }: AskedDomain, gateway: string | undefined, view: boolean): Row {
  const found = leadsTo(starttls, gateway)
  const leads = found === 'unanswered' && starttls.outcome === 'refused' && view ? 'refused' : found
  switch (leads) {
    case 'gateway': return { domain, leads, ok: false, says: 'leads to the gateway: what is for our own server would leave it and come back' }
    case 'refused': return { domain, leads, ok: true, says: 'is refused, as by a responder that forwards nothing: it does not lead to the gateway' }
    case 'unanswered': return { domain, leads, ok: false, says: unansweredSays(starttls.outcome) }
    case 'nowhere': return { domain, leads, ok: true, says: 'has no SRV record here, and so does not lead to the gateway' }
    default: return { domain, leads, ok: true, says: `leads to ${targetsOf(starttls)}` }
  }
}

function gatewayRows ({ gateway, met }: Look): Row[] {
  if (gateway === undefined) return []
  const { name, addresses, system } = gateway
  const rows: Row[] = [{ domain: name, leads: 'gateway', ok: addresses.length > 0, says: addresses.length > 0 ? `has the address ${addresses.join(', ')}` : 'has no address' }]
  // ejabberd asks for SRV with one resolver and for addresses with the other.
  if (system !== undefined && addresses.length > 0 && !system.some(address => addresses.includes(address))) {
    rows.push({ domain: name, leads: 'gateway', ok: false, says: `is ${system.length === 0 ? 'not known' : system.join(', ')} to getaddrinfo, by which some servers ask for addresses` })
  }
  return [...rows, ...met.map(({ domain, at, outcome, says }) => ({ domain: at, leads: 'gateway' as const, ok: outcome === 'answers', says: `for ${domain}: ${says}` }))]
}

function remediesOf ({ resolver, gateway }: Look, foreign: readonly (Row & { invented: boolean })[], inside: readonly Row[], rows: readonly Row[]): string[] {
  const remedies: string[] = []
  const away = foreign.filter(({ leads }) => leads === 'internet' || leads === 'nowhere')
  if (foreign.some(({ leads }) => leads === 'unanswered')) remedies.push(`See that ${resolver} runs and takes questions from this machine: a responder answers only the networks in its 'clients'.`)
  if (away.some(({ invented }) => !invented)) remedies.push("Have the XMPP server ask the gateway's responder: name its address in the server's resolv.conf (and nothing else), or put the records of 'dialtone split-horizon zone' into the resolver that it asks.")
  else if (away.length > 0) remedies.push("Records for single domains have to be written again for every new peer. The gateway's responder answers for all: give it as resolver to the XMPP server.")
  if (foreign.some(({ leads, ok }) => leads === 'gateway' && !ok)) remedies.push("Answer '_xmpps-server._tcp' of foreign domains, too: with '.', or with the gateway's port for direct TLS.")
  if (inside.some(({ leads }) => leads === 'gateway')) remedies.push("Add these domains to 'domains' of the gateway's internal zone, subdomains with '*.': then they are answered by the resolvers in 'forwardTo', which must know their inside address.")
  if (inside.some(({ leads }) => leads === 'refused')) remedies.push("If the XMPP server asks nobody else: name a resolver in 'forwardTo' of the responder, for domains of ours and whatever else is no XMPP service of a foreign domain. Empty, it refuses all of that.")
  if (rows.some(({ ok, says }) => !ok && says.includes('getaddrinfo'))) remedies.push('Let both ways of asking reach the same resolver: look at hosts in /etc/nsswitch.conf, and at /etc/hosts.')
  if (rows.some(({ ok, says }) => !ok && says.includes('has no address'))) remedies.push(`Give ${gateway?.name ?? 'the gateway'} an address in the inside DNS, or in 'gateway.addresses' of the responder.`)
  if (rows.some(({ ok, says }) => !ok && says.startsWith('for '))) remedies.push("See that the gateway's internal zone listens there, that 'from' of the zone has this machine's network, and that no firewall is between them.")
  return remedies
}

function unansweredSays (outcome: Service['outcome']): string {
  return outcome === 'timeout' || outcome === 'unreachable' ? `got no answer (${outcome})` : `got the answer ${outcome}`
}

function targetsOf ({ targets }: Service): string {
  const shown = targets.slice(0, 3).map(({ target, port }) => `${target}:${port}`).join(', ')
  return targets.length > 3 ? `${shown} and ${targets.length - 3} more` : shown
}

function listed (rows: readonly Row[]): string {
  const names = rows.slice(0, 3).map(({ domain }) => domain)
  return rows.length > 3 ? `${names.join(', ')} and ${rows.length - 3} more` : names.join(', ')
}

/** What a person reads: the verdict, every row, what to change. */
export function splitHorizonText (judged: Judged, look: Look, { columns, paint, shapes }: Terminal): string {
  const shape = { up: shapes.up, degraded: shapes.degraded, down: shapes.down, unknown: shapes.unknown }[judged.state]
  const colour = { up: 'green', degraded: 'yellow', down: 'red', unknown: 'cyan' } as const
  const rows = (title: string, all: readonly Row[]) => all.length === 0 ? [] : ['', `  ${title}`, ...all.map(({ domain, ok, says }) => `    ${paint(ok ? 'green' : 'red', ok ? shapes.ok : shapes.failed)} ${wrap(`${domain} ${says}`, columns - 8, ' '.repeat(8))}`)]
  return [
    `${paint(colour[judged.state], `${shape} ${judged.state}`)}  ${wrap(judged.says, columns - 10, '  ')}`,
    ...rows(`foreign domains, as ${look.resolver} answers`, judged.foreign),
    ...rows('domains of ours', judged.inside),
    ...rows('the gateway', judged.gateway),
    ...(judged.remedies.length === 0 ? [] : ['', '  what to change', ...judged.remedies.map((remedy, at) => `    ${at + 1}. ${wrap(remedy, columns - 7, ' '.repeat(7))}`)]),
    '',
  ].join('\n')
}
