// What leaves a whole gateway is, for Expat, what came in: stanzas of random trees in random spellings, on streams that declare what they like, go through real sockets, and both ends
// are read by Expat, which the gateway does not use. On both paths: as they are, and written again (row X4; gateways.md 5.1).
import { externalText, headerText } from '@dialtone/stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from './test-support/chain.ts'
import { OURS, PAIRS, PEER, conversationOf, domainOf, generator, missing, mutatedParts, startSite, type Site } from './test-support/conversations.ts'
import { inParallel } from './test-support/matrix.ts'
import { sorted, startExpat, type Expat, type Tree } from './test-support/expat.ts'

const STREAMS = 300
const MUTATED = 400
const STANZAS = 20

let site: Site
let expat: Expat
beforeEach(async () => { [site, expat] = await Promise.all([startSite(), startExpat()]) })
afterEach(async () => {
  expat.stop()
  await site.stop()
})

it('is the same tree, as it came or written again', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const random = generator(seed)
  const counts = { asItIs: 0, again: 0 }
  const sent = new Map<string, Tree[]>()
  const texts = new Map<string, { sent: string[], came: string[] }>()
  for (let number = 0; number < STREAMS; number++) {
    const who = `e${String(number).padStart(5, '0')}`
    const stream = streamOf(random, who)
    const says = `${stream.header}${stream.stanzas.join(random() < 0.3 ? '\n ' : '')}</stream:stream>`
    const heard = await site.replay({
      name: who, brings: STANZAS, parts: [
        { says: `${headerText({ from: PEER, to: OURS })}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, until: /<proceed [^>]*>/, secures: true }, { says: headerText({ from: PEER, to: OURS }), until: /<\/stream:features>/ },
        { says: externalText('='), until: /<success [^>]*>/ }, { says, until: /<\/stream:stream>/ },
      ],
    }, { cut: 0 })
    const why = () => `seed ${seed}: of ${says}\nonly ${JSON.stringify(site.came(who))} came; heard: ${heard}`
    await until(() => site.came(who).length >= STANZAS, why)
    const came = site.came(who)
    expect(came).toHaveLength(STANZAS)
    for (const [at, text] of came.entries()) counts[text === stream.stanzas[at] ? 'asItIs' : 'again']++
    texts.set(who, { sent: stream.stanzas, came })
    const [before] = await expat.see([Buffer.from(says)])
    if (before === null || before === undefined) throw new Error(`seed ${seed}: Expat does not take what was sent: ${says}`)
    sent.set(who, stanzasOf(before))
  }
  expect(counts.asItIs).toBeGreaterThan(100)
  expect(counts.again).toBeGreaterThan(100)
  const received = new Map<string, Tree[]>()
  for (const whole of await leftInside(seed)) {
    for (const tree of stanzasOf(whole)) {
      const who = (tree[1]['from'] ?? '').split('@', 1)[0] ?? ''
      received.set(who, [...received.get(who) ?? [], tree])
    }
  }
  for (const [who, trees] of sent) {
    const seen = received.get(who) ?? []
    for (const [at, tree] of trees.entries()) {
      const [one, other] = [JSON.stringify(sorted(tree)), JSON.stringify(sorted(seen[at] ?? ''))]
      if (one !== other) throw new Error(`seed ${seed}: ${texts.get(who)?.sent[at] ?? ''}\nbecame ${texts.get(who)?.came[at] ?? ''}\n${one}\n${other}`)
    }
    expect(seen).toHaveLength(STANZAS)
  }
  expect(missing(site.gateway)).toBe(0)
  expect(site.faults).toEqual([])
})

it('is well-formed and of proved pairs, whatever came', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  await inParallel(Array.from({ length: MUTATED }, (_, number) => number), 48, async number => {
    const { conversation } = conversationOf('m', number, number % 3)
    await site.replay(conversation, { instead: mutatedParts(conversation, seed + number) })
  })
  const { who, conversation } = conversationOf('w', 0, 1)
  await site.replay(conversation, { cut: 0 })
  await until(() => site.came(who).length === conversation.brings, () => `seed ${seed}: nothing comes in any more`)
  await until(() => site.gateway.relay.streams({ zone: 'outside' }).streams.every(({ direction }) => direction === 'outbound'), () => JSON.stringify(site.gateway.relay.streams({ zone: 'outside' })))
  const stanzas = (await leftInside(seed)).flatMap(whole => stanzasOf(whole))
  expect(stanzas).toHaveLength(site.inside.streams.reduce((sum, stream) => sum + stream.stanzas.length, 0))
  for (const [, { from = '', to = '' }] of stanzas) expect(PAIRS, `seed ${seed}`).toContain(`${domainOf(from)} ${domainOf(to)}`)
  expect(site.faults).toEqual([])
})

/** All that the server inside was sent, whole: each stream is one well-formed document. */
async function leftInside (seed: number): Promise<Tree[]> {
  const documents = site.inside.streams.map(({ bytes }) => Buffer.concat(bytes)).map(bytes => bytes.toString().endsWith(FOOTER) ? bytes : Buffer.concat([bytes, Buffer.from(FOOTER)]))
  return (await expat.see(documents)).map((whole, at) => {
    if (whole === null) throw new Error(`seed ${seed}: Expat does not take what left: ${documents[at]?.toString().slice(-2000) ?? ''}`)
    return whole
  })
}

const LANG = 'http://www.w3.org/XML/1998/namespace\flang'

const FOOTER = '</stream:stream>'

/** The stanzas of a stream, each with the language that it has there and its domains as they are compared (RFC 7622 §3.2). */
function stanzasOf ([, { [LANG]: lang }, children]: Tree): Tree[] {
  return children.filter(child => typeof child === 'object').filter(([name]) => /^jabber:server\f(message|presence|iq)$/.test(name)).map(tree => {
    const [name, attributes, inner] = inheriting(tree, lang)
    return [name, { ...attributes, from: (attributes['from'] ?? '').toLowerCase() }, inner]
  })
}

/** With the language of its stream, where it has none of its own (RFC 6120 §4.7.4). */
function inheriting ([name, attributes, children]: Tree, lang: string | undefined): Tree {
  const own = attributes[LANG] ?? lang ?? ''
  const { [LANG]: _, ...rest } = attributes
  return [name, own === '' ? rest : { ...rest, [LANG]: own }, children]
}

type Random = () => number
type Scope = { namespace: string, prefixes: ReadonlyMap<string, string> }

function pick<T> (random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

const URIS = ['urn:a', 'urn:b', 'urn:xmpp:carbons:2', 'http://jabber.org/protocol/muc', 'jabber:client', 'jabber:server', 'http://www.w3.org/1999/xhtml']
const WORDS = ['hello', 'é', '日本語', '😀', ' ', '\n', 'a b', ']]', '1 < 2', "it's", 'say "so"', 'R&D', '>', '\t', 'ﬁ', '\u0301x', '']
const NAMES = ['a', 'body', 'x', 'query', 'étage', 'b-c.d_e', 'message', 'error']

/** A header that may declare prefixes and a language, and stanzas: some as we write them, some as nobody does. */
function streamOf (random: Random, who: string): { header: string, stanzas: string[] } {
  const declared = new Map([['stream', 'http://etherx.jabber.org/streams'], ...(random() < 0.5 ? [['x', 'urn:x'] as const] : []), ...(random() < 0.3 ? [['db', 'jabber:server:dialback'] as const] : []), ...(random() < 0.3 ? [['srv', 'jabber:server'] as const] : [])])
  const namespaces = [...declared].map(([prefix, uri]) => ` xmlns:${prefix}='${uri}'`).join('')
  const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:server'${namespaces} from='${PEER}' to='${OURS}'${random() < 0.5 ? ` xml:lang='${pick(random, ['de', 'en', 'pt-BR'])}'` : ''} version='1.0'>`
  const stanzas = Array.from({ length: STANZAS }, (_, at) => {
    const address = ` from='${who}@${pick(random, random() < 0.2 ? ['PARTNER.example', 'partner.EXAMPLE'] : [PEER])}/r${at}' to='b@${OURS}'`
    const plain = random() < 0.4
    // A stanza of the prefix that the stream has for jabber:server is one, too.
    const prefix = !plain && declared.has('srv') && random() < 0.3 ? 'srv:' : ''
    const name = `${prefix}${pick(random, ['message', 'presence', 'iq'])}`
    const type = random() < 0.5 ? '' : ` type='${pick(random, ['chat', 'get', 'set', 'headline', 'unheard-of'])}'`
    const lang = random() < 0.2 ? ` xml:lang='${pick(random, ['fr', ''])}'` : ''
    if (plain) return `<${name}${address}${type}><body>${pick(random, ['hello', 'é', 'R&amp;D', '&lt;b'])}</body></${name}>`
    const scope: Scope = { namespace: 'jabber:server', prefixes: declared }
    return `<${name}${address}${type}${lang}${attributes(random, scope)}>${children(random, scope, 3)}</${name}>`
  })
  return { header, stanzas }
}

function children (random: Random, scope: Scope, depth: number): string {
  return Array.from({ length: Math.floor(random() * 4) }, () => random() < 0.4 || depth === 0 ? text(random) : element(random, scope, depth)).join('')
}

function element (random: Random, outer: Scope, depth: number): string {
  const prefixes = new Map(outer.prefixes)
  let { namespace } = outer
  let declarations = ''
  if (random() < 0.5) {
    namespace = pick(random, [...URIS, ''])
    declarations += ` xmlns=${quotedValue(random, namespace)}`
  }
  if (random() < 0.3) {
    const [prefix, uri] = [pick(random, ['p', 'q', 'x']), pick(random, URIS)]
    prefixes.set(prefix, uri)
    declarations += ` xmlns:${prefix}=${quotedValue(random, uri)}`
  }
  const scope: Scope = { namespace, prefixes }
  // The prefix of streams is for streams.
  const usable = [...prefixes.keys()].filter(each => each !== 'stream' && each !== 'db')
  const name = `${usable.length > 0 && random() < 0.3 ? `${pick(random, usable)}:` : ''}${pick(random, NAMES)}`
  const content = children(random, scope, depth - 1)
  const tag = `${name}${declarations}${attributes(random, scope)}`
  return content === '' && random() < 0.5 ? `<${tag}${pick(random, ['', ' '])}/>` : `<${tag}>${content}</${name}${pick(random, ['', ' ', '\n'])}>`
}

function attributes (random: Random, { prefixes }: Scope): string {
  const usable = [...prefixes.keys()].filter(each => each !== 'stream' && each !== 'db')
  const names = new Set<string>()
  // No two prefixes of one namespace on one tag.
  if (usable.length > 0 && random() < 0.3) names.add(`${pick(random, usable)}:${pick(random, ['k', 'étage'])}`)
  for (let count = Math.floor(random() * 3); count > 0; count--) names.add(pick(random, ['n1', 'n2', 'été', 'jid']))
  return [...names].map(name => `${pick(random, [' ', '\n', '  '])}${name}${pick(random, ['=', ' = '])}${quotedValue(random, Array.from({ length: Math.floor(random() * 3) }, () => pick(random, WORDS)).join(''))}`).join('')
}

function quotedValue (random: Random, value: string): string {
  const quote = pick(random, ["'", '"'])
  return quote + spelled(random, value).replaceAll(quote, quote === "'" ? '&apos;' : '&quot;') + quote
}

function text (random: Random): string {
  const words = pick(random, WORDS)
  return random() < 0.15 ? `<![CDATA[${words}]]>` : spelled(random, words)
}

/** With references where there must be, and where there may be. What comes before may end in brackets. */
function spelled (random: Random, words: string): string {
  return Array.from(words, (character, at) => {
    const code = character.codePointAt(0) ?? 0
    if (random() < 0.1) return random() < 0.5 ? `&#${code};` : `&#x${code.toString(16).toUpperCase()};`
    return character === '&' ? '&amp;' : character === '<' ? '&lt;' : character === '>' && (at === 0 || words[at - 1] === ']' || random() < 0.5) ? '&gt;' : character
  }).join('')
}
