/**
 * Whether two who look at one server see the same above TCP. What differs was altered on the way, or another server answered; which of the two, the
 * certificate tells as far as anything does. Differences that servers have among themselves (another valid certificate, another limit) are none.
 */
import { identity } from '@dialtone/checks'
import type { EndpointObservation, Failure, Observation } from '@dialtone/contracts'
import { isAbsent, sameAddress } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { connected } from './reach.ts'
import type { Testimony } from './testimony.ts'

/** What one sees otherwise. `another`: another server rather than something on the way. `stops`: no federation through it. */
export type Difference = { endpoint: string, text: string, another: boolean, stops: boolean }

/**
 * What one sees worse than all of the others who get through or are shown the right certificate, at each endpoint to which it connected; nothing where one of them is as it should be: then that
 * endpoint, and not the way, is the matter. Our internal address is the same service as the public one; else only equal addresses are compared.
 */
export function differencesOf ({ observation, view }: Testimony, others: readonly Testimony[]): Difference[] {
  const tried = new Set(observation.endpoints.filter(e => e.source !== 'port-probe' && connected(e) === true && (view !== 'works' || through(e))).map(({ id }) => id))
  const stopped = view !== 'works'
  const each = others.map(other => worseThan(observation, other.observation, { stopped, anyAddress: other.job === 'own-internal' }).filter(({ stops, endpoint }) => stops === stopped && tried.has(endpoint)))
  return tried.size === 0 ? [] : each.find(differences => differences.length === tried.size) ?? []
}

function worseThan (here: Observation, there: Observation, { stopped, anyAddress }: { stopped: boolean, anyAddress: boolean }): Difference[] {
  return here.endpoints.filter(e => e.source !== 'port-probe' && connected(e) === true).flatMap(e => {
    const same = there.endpoints.filter(other => other.kind === e.kind && (anyAddress || (other.port === e.port && sameAddress(other.address, e.address))))
    const well = same.filter(through)
    return (well.length === 0 ? undefined : differenceOf(e, well)) ?? otherCertificate(e, here, { same, there, stops: stopped }) ?? []
  })
}

const AFTER_TLS: ReadonlySet<string> = new Set(['starttls', 'tls', 'certificate', 'features-again'])

function differenceOf (e: EndpointObservation, same: readonly EndpointObservation[]): Difference | undefined {
  const found = (text: string, more: Partial<Difference> = {}): Difference => ({ endpoint: e.id, text, another: false, stops: true, ...more })
  const failed = e.steps.find(({ outcome, stage }) => outcome === 'failed' && stage !== 'close')
  const cut = failed?.failure === undefined ? undefined : cutBy(failed.failure)
  // A server that demands the encryption which it does not offer has offered it, and somebody took it out.
  if (e.kind === 'starttls' && e.tls === undefined && e.features?.starttls === 'absent' && same.every(({ tls }) => tls !== undefined)) return found('no STARTTLS is offered', { stops: failed !== undefined })
  // Who never spoke TLS tells nothing about a handshake that fails elsewhere.
  if (failed !== undefined && AFTER_TLS.has(failed.stage) && same.every(({ tls }) => tls === undefined)) return undefined
  return failed === undefined || cut === undefined ? undefined : found(`${failed.stage}: ${cut.text}`, { another: cut.another })
}

/** The certificate is shown before a server that demands one of its peer turns us away, so that it can be compared even where nobody gets through. */
function otherCertificate (e: EndpointObservation, here: Observation, { same, there, stops }: { same: readonly EndpointObservation[], there: Observation, stops: boolean }): Difference | undefined {
  const leaf = e.chain?.sent[0]
  if (leaf === undefined || sound(e, here) || same.some(({ chain }) => chain?.sent[0] === leaf) || !same.some(other => sound(other, there))) return undefined
  const named = identity(e, here)?.match !== 'none'
  return { endpoint: e.id, text: `another certificate, ${named ? 'from an authority that is not trusted' : 'which does not name the domain'}`, another: !named, stops }
}

/** Somewhere it was shown a certificate that is right. */
export function showsSound ({ observation }: Testimony): boolean {
  return observation.endpoints.some(e => e.source !== 'port-probe' && sound(e, observation))
}

/** What cuts or swallows a stream, where a server that answers others does not. A stream error is the word of the server, and no cut; so is an alert about our certificate. */
function cutBy (f: Failure): { text: string, another: boolean } | undefined {
  if (f.at === 'stream') {
    switch (f.why) {
      case 'not-xmpp': return { text: 'bytes that are no stream header', another: true }
      case 'closed': case 'ended': case 'reset': return { text: `${f.why} after ${f.received} bytes`, another: false }
      case 'went-silent': return { text: `no answer after ${f.received} bytes`, another: false }
      case 'broke-protocol': return { text: `what came breaks the protocol (${f.condition})`, another: false }
      case 'stream-error': return f.condition === 'host-unknown' || f.condition === 'host-gone' ? { text: `stream error ${f.condition}`, another: true } : undefined
    }
  }
  if (f.at === 'starttls') return { text: 'STARTTLS is answered with a failure', another: false }
  if (f.at === 'tls' && f.why !== 'alert-from-peer') return { text: `the TLS handshake fails (${f.why})`, another: false }
  return undefined
}

/** Every stage went well. */
export function through (e: EndpointObservation): boolean {
  return e.source !== 'port-probe' && connected(e) === true && e.header !== undefined && !e.steps.some(({ outcome, stage }) => outcome === 'failed' && stage !== 'close')
}

/** Its certificate leads to a trusted authority and names the domain. */
export function sound (e: EndpointObservation, o: Observation): boolean {
  return e.chain?.trust === 'trusted' && identity(e, o)?.match !== 'none'
}

/** A server's word reached us: it is alive, whatever it says. */
export function alive ({ endpoints }: Observation): boolean {
  return endpoints.some(({ source, header, tls, steps }) => source !== 'port-probe' && (header !== undefined || tls !== undefined || steps.some(({ failure }) => failure?.at === 'stream' && failure.why === 'stream-error')))
}

/** Something answers that is no XMPP server. */
export function foreign ({ endpoints }: Observation): boolean {
  return endpoints.some(({ source, steps }) => source !== 'port-probe' && steps.some(({ failure }) => failure?.at === 'stream' && failure.why === 'not-xmpp' && failure.received > 0))
}

/** Questions that both asked and that were answered otherwise, in words for who asked inside and outside; sorted. */
export function otherRecords (inside: Observation, outside: Observation): string[] {
  const answers = (o: Observation) => new Map(o.dns.filter(({ purpose, outcome }) => READ.has(purpose) && (outcome === 'answer' || outcome === 'nodata' || outcome === 'nxdomain')).map(answer => [`${answer.type} ${answer.name}`, answer]))
  const others = answers(outside)
  return [...answers(inside)].flatMap(([question, answer]) => {
    const other = others.get(question)
    if (other === undefined) return []
    const [mine, theirs] = [shown(answer), shown(other)]
    return mine === theirs ? [] : [`${quoted(question, 120)}: ${mine} inside, ${theirs} outside`]
  }).toSorted()
}

const READ: ReadonlySet<string> = new Set(['xmpp-server', 'xmpps-server', 'target', 'fallback'])

/** Records that a text tells; differences beyond it are still seen, by their number. */
const TOLD = 4

function shown (answer: Observation['dns'][number]): string {
  if (isAbsent(answer)) return 'none'
  const records = [...new Set(answer.records.flatMap(record => record.type === 'SRV' ? [`${record.target}:${record.port}`] : record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))].toSorted()
  const cut = records.slice(0, TOLD).map(each => quoted(each, 80)).join(', ')
  return records.length === 0 ? 'none' : records.length > TOLD ? `${cut} and ${records.length - TOLD} more (${fold(records.join())})` : cut
}

/** A few letters that differ when the text does, for lists that are too long to tell. */
function fold (text: string): string {
  let sum = 0
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) >>> 0
  return sum.toString(36)
}
