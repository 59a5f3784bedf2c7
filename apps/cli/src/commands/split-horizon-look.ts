// What the inside sees, as facts: answers of its resolver about foreign and inside domains, and what the gateway says when one comes as an inside server would.
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { DnsOutcome } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { connect, createResolver, type Resolver } from '@dialtone/net'
import { PRIVATE_NETS } from '@dialtone/routing'
import { BEFORE_AUTHENTICATION, FOOTER, canonicalDomain, createFramer, headerText, readHeader } from '@dialtone/stream'

export type Service = { outcome: DnsOutcome, targets: { target: string, port: number }[] }
export type AskedDomain = { domain: string, /** Made up for this check: no DNS knows it. */ invented: boolean, starttls: Service, direct: Service }
export type Met = { domain: string, at: string, outcome: 'answers' | 'other-name' | 'stream-error' | 'no-header' | 'unreachable', says: string }
export type Gateway = { name: string, port: number, addresses: string[], /** What the C library says, which some servers ask for addresses; undefined where another resolver was named. */ system?: string[] }
export type Look = { resolver: string, foreign: AskedDomain[], inside: AskedDomain[], gateway?: Gateway, met: Met[] }
export type LookOptions = {
  resolver: { address: string, port: number }
  /** Whether it is the one that this machine asks. */
  isSystem: boolean
  foreign: readonly string[]
  inside: readonly string[]
  gateway: string | undefined
  /** Connect to the gateway, too. */
  connects: boolean
  signal: AbortSignal
}

const DNS_MS = 3000
const STREAM_MS = 5000
/** Questions at once, and domains that the gateway is asked to be. */
const AT_ONCE = 8
const MOST_STREAMS = 3

/** A name of the documentation's top-level domain (RFC 2606), of which nobody has heard. */
export function inventedDomain (): string {
  return `split-horizon-${randomBytes(5).toString('hex')}.example`
}

/** Looks; rejects only when the signal aborts. */
export async function lookFromInside ({ resolver: place, isSystem, foreign, inside, gateway, connects, signal }: LookOptions): Promise<Look> {
  const resolver = createResolver({ ...place, timeoutMs: DNS_MS })
  const invented = inventedDomain()
  const asked = await inTurns([...foreign, invented, ...inside], domain => askAbout(resolver, domain, domain === invented, signal))
  const [about, ours] = [asked.slice(0, foreign.length + 1), asked.slice(foreign.length + 1)]
  const shown = about.at(-1)?.starttls.targets[0] ?? (gateway === undefined ? undefined : about.flatMap(({ starttls }) => starttls.targets).find(({ target }) => target === gateway))
  const name = gateway ?? (shown?.target === '.' ? undefined : shown?.target)
  const look: Look = { resolver: placeText(place.address, place.port), foreign: about, inside: ours, met: [] }
  if (name === undefined) return look
  const addresses = await addressesOf(resolver, name, signal)
  look.gateway = { name, port: shown?.port ?? 5269, addresses, ...(isSystem ? { system: await systemAddresses(name) } : {}) }
  const address = addresses[0]
  if (!connects || address === undefined) return look
  // The invented one last: it shows that the gateway is every domain, and not only those that it was told of.
  const wanted = [...foreign.slice(0, MOST_STREAMS - 1), invented]
  look.met = await inTurns(wanted, domain => meet({ address, port: look.gateway?.port ?? 5269, from: inside[0], domain, signal }))
  return look
}

async function askAbout (resolver: Resolver, domain: string, invented: boolean, signal: AbortSignal): Promise<AskedDomain> {
  const [starttls, direct] = await Promise.all([serviceOf(resolver, `_xmpp-server._tcp.${domain}`, signal), serviceOf(resolver, `_xmpps-server._tcp.${domain}`, signal)])
  return { domain, invented, starttls, direct }
}

async function serviceOf (resolver: Resolver, name: string, signal: AbortSignal): Promise<Service> {
  const { answer: { outcome, records } } = await resolver.ask({ name, type: 'SRV' }, signal)
  return { outcome, targets: records.flatMap(record => record.type === 'SRV' ? [{ target: record.target, port: record.port }] : []) }
}

async function addressesOf (resolver: Resolver, name: string, signal: AbortSignal): Promise<string[]> {
  if (isIP(name) !== 0) return [name]
  const replies = await Promise.all((['A', 'AAAA'] as const).map(type => resolver.ask({ name, type }, signal)))
  return replies.flatMap(({ answer: { records } }) => records.flatMap(record => 'address' in record ? [record.address] : []))
}

async function systemAddresses (name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}

async function meet ({ address, port, from, domain, signal }: { address: string, port: number, from: string | undefined, domain: string, signal: AbortSignal }): Promise<Met> {
  const at = placeText(address, port)
  const connected = await connect({ address, port, allowNets: PRIVATE_NETS, timeoutMs: STREAM_MS, signal })
  if ('failure' in connected) {
    const { failure } = connected
    return { domain, at, outcome: 'unreachable', says: 'detail' in failure && failure.detail !== undefined ? quoted(failure.detail, 120) : `${failure.at} ${failure.why}` }
  }
  const { connection } = connected
  let met: Met | undefined
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => {
      const read = readHeader(frame)
      const named = 'header' in read ? read.header.from : undefined
      if (canonicalDomain(named ?? '') === domain) met = { domain, at, outcome: 'answers', says: 'answers in its name' }
      else met = { domain, at, outcome: 'header' in read ? 'other-name' : 'no-header', says: 'header' in read ? `answers as ${quoted(named ?? 'nobody', 80)}` : 'answers with something else than a stream header' }
    },
    element: frame => {
      if (frame.name === 'error' && met?.outcome !== 'no-header') met = { domain, at, outcome: 'stream-error', says: `ends the stream: ${quoted(/<(?:\w+:)?([a-z-]+)[\s/>]/.exec(Buffer.from(frame.bytes).toString().replace(/^<[^>]*>/, ''))?.[1] ?? 'without a condition', 60)}` }
    },
    end: () => undefined,
    error: ({ detail }) => { met ??= { domain, at, outcome: 'no-header', says: `answers with something else than a stream header (${quoted(detail, 80)})` } },
  })
  connection.write(headerText({ to: domain, ...(from === undefined ? {} : { from }) }))
  const deadline = performance.now() + STREAM_MS
  let silence = 'says nothing within five seconds'
  // A refusal comes right behind the header.
  for (let left = STREAM_MS; left > 0 && framer.counts.elements === 0; left = deadline - performance.now()) {
    const chunk = await connection.read(left)
    if (!('bytes' in chunk)) {
      if (!('timeout' in chunk)) silence = 'closes the connection without a word: is this machine among those that may connect?'
      break
    }
    framer.write(chunk.bytes)
    if (framer.phase === 'dead' || framer.phase === 'ended') break
  }
  connection.write(FOOTER)
  await connection.end(1000)
  return met ?? { domain, at, outcome: 'no-header', says: silence }
}

/** A few at a time, in order. */
async function inTurns<T, R> (all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += AT_ONCE) results.push(...await Promise.all(all.slice(at, at + AT_ONCE).map(act)))
  return results
}

function placeText (address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}
