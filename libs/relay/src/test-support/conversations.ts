/**
 * Whole conversations of a peer with a whole gateway, as data: what it says, what it waits for before it goes on. They can be replayed with the bytes cut or changed anywhere; what is
 * said inside TLS is cut and changed before it is encrypted.
 */
import { createSecureContext, type SecureContext } from 'node:tls'
import type { PolicySpec } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { externalText, headerText } from '@dialtone/stream'
import { certificateFor, startDnsServer, trustedRoot } from '@dialtone/zoo'
import type { Place } from '../inbound/test-support/gateway.ts'
import { dial, type RawPeer } from '../inbound/test-support/raw-peer.ts'
import { startAnsweringServer, type AnsweringServer } from './answering-server.ts'
import { engine, type Engine } from './chain.ts'

export const OURS = 'inside.example'
export const PEER = 'partner.example'
export const SECOND = 'second.example'
/** What the gateway may bring inside: for these the authoritative server vouches. */
export const PAIRS: ReadonlySet<string> = new Set([`${PEER} ${OURS}`, `${SECOND} ${OURS}`])

/** `secures`: the TLS handshake follows what was waited for. */
export type Part = { says: string, until: RegExp, secures?: true }
export type Conversation = { name: string, parts: readonly Part[], /** Stanzas that come in when nothing is changed. */ brings: number }

const FEATURES = /<stream:features>.*?<\/stream:features>|<stream:features\/>/s
const END = /<\/stream:stream>/
const key = (from: string) => `<db:result from='${from}' to='${OURS}'>a key</db:result>`
const HEADER = headerText({ from: PEER, to: OURS })
/** Prefixes and a language that are declared on the stream. */
const DECLARING = HEADER.replace(" version='1.0'>", " xmlns:x='urn:x' xml:lang='de' version='1.0'>")
const VALID = /<db:result [^>]*type='(valid|invalid)'\/>|<db:result [^>]*type='error'.*?<\/db:result>/s

/** `who`: the user that speaks, by which its stanzas are found again; of one length. */
export function conversationsOf (who: string): readonly Conversation[] {
  const address = (domain = PEER) => `from='${who}@${domain}/r' to='b@${OURS}'`
  const plain = `<message ${address()} id='${who}'><body>hi &amp; é😀</body></message>`
  const spelled = `<message id="${who}" ${address()}\n type='unheard-of'><body><![CDATA[<&]]>&#x21;</body><x:y x:z='1' xmlns:q='urn:q' q:w="'"/></message>`
  return [
    { name: 'dialback in clear', brings: 2, parts: [{ says: DECLARING, until: FEATURES }, { says: key(PEER), until: VALID }, { says: `${plain}\n${spelled}</stream:stream>`, until: END }] },
    {
      name: 'EXTERNAL inside TLS', brings: 2, parts: [
        { says: `${HEADER}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, until: /<proceed [^>]*>/, secures: true }, { says: HEADER, until: FEATURES },
        { says: externalText('='), until: /<(success|failure) [^>]*>/ }, { says: `${DECLARING}${plain}${spelled}</stream:stream>`, until: END },
      ],
    },
    {
      name: 'a second domain on the stream of the first, acknowledged', brings: 2, parts: [
        { says: `${HEADER}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, until: /<proceed [^>]*>/, secures: true }, { says: `${HEADER}${key(PEER)}`, until: VALID }, { says: key(SECOND), until: VALID },
        { says: `<enable xmlns='urn:xmpp:sm:3'/>${plain}<iq type='get' id='${who}' ${address(SECOND)}><q xmlns='urn:q'/></iq><r xmlns='urn:xmpp:sm:3'/>`, until: /<a [^>]*>/ }, { says: '</stream:stream>', until: END },
      ],
    },
  ]
}

export type Site = {
  gateway: Engine
  /** Where peers connect. */
  place: Place
  inside: AnsweringServer
  outside: AnsweringServer
  /** Stanzas that came inside, by the user that sent them. */
  came: (who: string) => string[]
  /** Stanzas that went outside, by the domain that they were for. */
  returned: (domain: string) => string[]
  /** What the gateway said of itself that should not be. */
  faults: unknown[]
  /** Resolves with what was heard. Whoever says something else than it should (`instead`, for each part) does not wait for long. */
  replay: (conversation: Conversation, change: { cut: number } | { instead: readonly Buffer[] }) => Promise<string>
  stop: () => Promise<void>
}

/** How long a peer waits whose words were changed: then it goes on, or away. What comes of it is right in either case. */
const PATIENCE_MS = 500

/** `pair`: the limits of each pair. */
export async function startSite ({ pair = {} }: { pair?: PolicySpec['limits'] } = {}): Promise<Site> {
  const came = new Map<string, string[]>()
  const inside = await startAnsweringServer((from, _, text) => {
    const who = from.slice(0, from.indexOf('@'))
    came.set(who, [...came.get(who) ?? [], text])
  })
  const returned = new Map<string, string[]>()
  const outside = await startAnsweringServer((_, to, text) => {
    const domain = domainOf(to)
    returned.set(domain, [...returned.get(domain) ?? [], text])
  })
  const stopping = new AbortController()
  // Nobody else is known, and that is said at once.
  const dns = await startDnsServer({ records: [] }, '127.0.0.1', stopping.signal)
  const [own, theirs, root] = await Promise.all([certificateFor({ names: { dns: [OURS] } }), certificateFor({ names: { dns: [PEER] } }), trustedRoot()])
  const secureContext = createSecureContext({ cert: theirs.chain, key: theirs.key, ecdhCurve: 'X25519' })
  const faults: unknown[] = []
  const common = { resolver: { address: dns.address, port: dns.port }, anchors: { system: false, given: ['file:/root.pem'] }, allowNets: ['127.0.0.0/8'] }
  const gateway = engine('gateway', {
    secret: 'file:/secret', limits: { connections: 100_000, connectionsPerAddress: 100_000, acceptsPerSecond: 100_000 },
    zones: [
      { name: 'outside', side: 'external', tls: 'optional', dialback: 'always', listen: [{ address: '127.0.0.1', port: 0 }], certificates: [{ certificate: 'file:/own.pem', key: 'file:/own.key' }], ...common },
      { name: 'inside', side: 'internal', tls: 'none', dialback: 'always', listen: [], domains: [OURS], ...common },
    ],
  }, { 'file:/own.pem': own.chain, 'file:/own.key': own.key, 'file:/root.pem': root, 'file:/secret': 'e3a5'.repeat(16) }, NO_METER, { ...NO_LOGGER, error: (...all: unknown[]) => { faults.push(all) } })
  const endpoints = [{ host: outside.address, port: outside.port }]
  await gateway.apply({
    domains: { [OURS]: { internal: [{ host: inside.address, port: inside.port }] } }, peers: { [PEER]: { endpoints }, [SECOND]: { endpoints } },
    policies: { many: { ours: '*', peer: '*', action: 'allow', limits: { streams: 1000, ...pair }, reason: 'a test' } },
  })
  const place = { address: '127.0.0.1', port: gateway.port('outside', 'starttls') }
  return {
    gateway, place, inside, outside, faults,
    came: who => came.get(who) ?? [], returned: domain => returned.get(domain) ?? [],
    replay: async (conversation, change) => {
      const peer = await dial(place)
      try {
        return await said(peer, conversation, change, secureContext)
      } finally {
        peer.leave()
      }
    },
    stop: async () => {
      await gateway.relay.stop(AbortSignal.abort())
      await Promise.all([inside.close(), outside.close()])
      stopping.abort()
      await dns.close()
    },
  }
}

async function said (peer: RawPeer, { parts }: Conversation, change: { cut: number } | { instead: readonly Buffer[] }, secureContext: SecureContext): Promise<string> {
  let at = 0
  for (const [which, { says, until, secures }] of parts.entries()) {
    const bytes = Buffer.from(says)
    if ('instead' in change) peer.say(change.instead[which] ?? bytes)
    else {
      const cut = change.cut - at
      if (cut > 0 && cut < bytes.length) {
        peer.say(bytes.subarray(0, cut))
        // What was written is read before the rest is.
        await turns(3)
        peer.say(bytes.subarray(cut))
      } else peer.say(bytes)
      at += bytes.length
    }
    if ('cut' in change) await peer.until(until)
    else if (!await inTime(peer.until(until))) break
    if (secures !== true) continue
    const secured = peer.startTls(undefined, { secureContext, servername: OURS })
    if ('cut' in change) await secured
    else if (!await inTime(secured)) break
  }
  if ('instead' in change) peer.leave()
  return await peer.closed
}

/** Whether it was so within the patience of the peer. */
async function inTime (what: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => { timer = setTimeout(() => resolve(false), PATIENCE_MS) })
  const is = await Promise.race([what.then(() => true, () => false), late])
  clearTimeout(timer)
  return is
}

async function turns (count: number): Promise<void> {
  for (let at = 0; at < count; at++) await new Promise(resolve => { setImmediate(resolve) })
}

/** Of all stanzas since the start, those that are in no outcome, no queue and no stream: always 0. */
export function missing ({ relay }: Engine): number {
  const { accepted, outcomes, queued, onStream } = relay.presence().stanzas
  return accepted - queued - onStream - Object.values(outcomes).reduce((sum, count) => sum + count, 0)
}

/** The conversation of one user of many. */
export function conversationOf (letter: string, number: number, which: number): { who: string, conversation: Conversation } {
  const who = `${letter}${String(number).padStart(5, '0')}`
  const conversation = conversationsOf(who)[which]
  if (conversation === undefined) throw new Error('there is no such conversation')
  return { who, conversation }
}

/** What the peer says instead, the same for the same seed. */
export function mutatedParts ({ parts }: Conversation, seed: number): Buffer[] {
  const random = generator(Math.imul(seed, 2_654_435_761))
  const bytes = parts.map(({ says }) => Buffer.from(says))
  const total = bytes.reduce((sum, { length }) => sum + length, 0)
  return bytes.map(part => mutated(part, random, total))
}

/** One change and a half, on average, in a conversation of so many bytes. */
function mutated (bytes: Buffer, random: () => number, total: number): Buffer {
  const out = [...bytes]
  const changes = Math.floor(random() + 1.5 * bytes.length / total)
  for (let change = 0; change < changes && out.length > 0; change++) {
    const at = Math.floor(random() * out.length)
    const kind = random()
    if (kind < 0.3) out[at] = Math.floor(random() * 256)
    else if (kind < 0.5) out.splice(at, 1 + Math.floor(random() * 4))
    else if (kind < 0.7) out.splice(at, 0, ...out.slice(at, at + 1 + Math.floor(random() * 40)))
    else out.splice(at, 0, ...Buffer.from(PIECES[Math.floor(random() * PIECES.length)] ?? ''))
  }
  return Buffer.from(out)
}

const PIECES = ['<', '>', '/>', '&', "'", '"', '<a>', '</a>', '</message>', '<!--', '<?x?>', ']]>', '&#0;', 'xmlns=\'\'', "<message from='mallory@victim.example' to='b@inside.example'/>", "<db:result from='victim.example' to='inside.example' type='valid'/>", '</stream:stream>', '\u0000', 'é', 'x'.repeat(9000)]

/** As domains are compared. */
export function domainOf (jid: string): string {
  const [bare = ''] = jid.split('/', 1)
  return bare.slice(bare.indexOf('@') + 1).toLowerCase()
}

/** Numbers between 0 and 1, the same for the same seed. */
export function generator (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
