// What may leave as it came: `canonical` is true only of bytes that the serialiser would write, however the stanza is spelled, mutated and cut.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { domainOf } from './domain.ts'
import { escapedText, escapedValue, toElement } from './element.ts'
import { createFramer } from './framer.ts'
import type { HeaderFrame } from './frame.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'
import { serialise } from './serialise.ts'

const DECLARED = new Map([['', 'jabber:server'], ['stream', 'http://etherx.jabber.org/streams'], ['db', 'jabber:server:dialback']])
const HEADER = `<stream:stream${[...DECLARED].map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}='${uri}'`).join('')}>`

describe('canonical', () => {
  for (const stanza of [
    "<message from='a@a.example/x' to='b@b.example' id='1' type='chat' xml:lang='en'><body>It&apos;s &lt;3 &amp; so\n\ton 😀 é</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<presence from='a' to='b'><c hash='sha-1' xmlns='http://jabber.org/protocol/caps' node='urn:x?a&amp;b' ver='x/+='/></presence>",
    "<iq type='result'><query xmlns='urn:a'><x/><y xmlns='urn:b&amp;c'><z xmlns='urn:a'/></y><w xmlns=''><v/><u xmlns='jabber:server'/></w></query></iq>",
    "<message __proto__='x' n1='&#x9;&#xA;&#xD;&quot;&gt;'>&#xD;<x-1 _='é'/>\n</message>",
    "<message id='ไทย'><body>हिन्दी 한국어 ＡＢＣ \uFFFD \uE000 𐍈 \u{10FFFF}</body></message>",
    '<a/>',
  ]) it(`is ${stanza.slice(0, 60)}`, () => expect(all(stanza)).toEqual([{ canonical: true, same: true }]))

  for (const [name, stanza] of [
    ['quotes', '<message from="a"/>'], ['a raw apostrophe', "<a>it's</a>"], ['a raw quote', '<a>"</a>'], ["a raw '>'", '<a>></a>'], ["a raw '>' in a value", "<a b='>'/>"], ["a raw '>' behind a reference", "<a b='&amp;>'/>"],
    ['a raw quote in a value', `<a b='"'/>`], ['another reference', '<a>&#38;</a>'], ['another one in a value', "<a b='&#38;'/>"], ['a capital X', '<a>&#x0D;</a>'], ['a line feed by number in text', '<a>&#xA;</a>'],
    ['a carriage return', '<a>\r\n</a>'], ['a tab in a value', "<a b='\t'/>"], ['a section', '<a><![CDATA[x]]></a>'], ['an empty section', '<a><![CDATA[]]></a>'], ['two tags for nothing', '<a></a>'], ['two tags for nothing inside', '<a><b></b></a>'],
    ['a blank before the end', "<a b='1' />"], ['a blank in an empty tag', '<a />'], ['two blanks', "<a  b='1'/>"], ['a line break', "<a\nb='1'/>"], ['a blank about the equals sign', "<a b ='1'/>"], ['a blank in an end tag', '<a>x</a >'],
    ['the default declared again', "<message xmlns='jabber:server'/>"], ['a default declared again inside', "<a><b xmlns='urn:x'><c xmlns='urn:x'/></b></a>"], ['no namespace twice', "<a xmlns=''><b xmlns=''/></a>"],
    ['a prefix', "<p:a xmlns:p='urn:p'/>"], ['a declaration that is not used', "<a xmlns:p='urn:p'/>"], ['a prefixed attribute', "<a xmlns:n1='urn:p' n1:b='1'/>"], ['a prefix of the stream', '<db:result/>'],
    ['a name beyond ASCII', '<ærlig/>'], ['a namespace of the stream as the default', "<result xmlns='jabber:server:dialback'/>"], ['another one', "<a><error xmlns='http://etherx.jabber.org/streams'/></a>"], ['the stream inside', '<a><stream:b/></a>'],
  ] as const) it(`is not ${name}`, () => expect(all(stanza)[0]?.canonical).toBe(false))

  it('is nothing on a stream whose default namespace is another, and nothing that uses a prefix of a strange header', () => {
    expect(all('<a/><p:a/><b><p:c/></b><d/>', HEADER.replace("xmlns='jabber:server'", "xmlns='jabber:client' xmlns:p='urn:p'")).map(each => each.canonical)).toEqual([false, false, false, false])
    expect(all('<a/><p:a/><b><p:c/></b><d/>', HEADER.replace('>', " xmlns:p='urn:p'>")).map(each => each.canonical)).toEqual([true, false, false, true])
  })

  it('is what the serialiser writes, of any tree with names of ASCII and namespaces without a prefix of ours', () => {
    fc.assert(fc.property(trees(false), tree => {
      const [seen] = all(spelled(tree, 'jabber:server'))
      expect(seen).toEqual({ canonical: true, same: true })
    }), { numRuns: 500 })
  })

  it('is never true of other bytes, in any spelling', { timeout: 60_000 }, () => {
    let canonical = 0
    let other = 0
    fc.assert(fc.property(trees(true), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...SPELLINGS)), { maxLength: 3 }), (tree, changes) => {
      let text = spelled(tree, 'jabber:server')
      for (const [at, [from, to]] of changes) text = replaceOne(text, from, to, at)
      for (const seen of all(text)) {
        if (seen.canonical) expect([text, seen.same]).toEqual([text, true])
        if (seen.canonical) canonical++
        else other++
      }
    }), { numRuns: 4000 })
    expect(canonical).toBeGreaterThan(300)
    expect(other).toBeGreaterThan(300)
  })

  it('is never true of other bytes, when bytes are changed, put in and taken out', { timeout: 60_000 }, () => {
    let canonical = 0
    fc.assert(fc.property(trees(true), fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2), fc.constantFrom(...Array.from(' \'"<>/&;=:axmlns#\t\r\n\u00e9]', sign => sign.codePointAt(0) ?? 0))), { minLength: 1, maxLength: 3 }), (tree, changes) => {
      const bytes = [...encode(spelled(tree, 'jabber:server'))]
      for (const [at, how, byte] of changes) bytes.splice(at % bytes.length, how === 0 ? 0 : 1, ...(how === 2 ? [] : [byte]))
      for (const seen of all(Uint8Array.from(bytes))) {
        if (!seen.canonical) continue
        canonical++
        expect(seen.same).toBe(true)
      }
    }), { numRuns: 6000 })
    expect(canonical).toBeGreaterThan(200)
  })

  it('is the same for every way to cut the bytes', { timeout: 60_000 }, () => {
    const bytes = encode(`${HEADER}<message to='é@b'><body>x &lt; 😀</body></message><a>it's</a> <presence from='a'><x xmlns='urn:x'/></presence>\n<b c="1"/><iq/>`)
    const whole = cut(bytes, [])
    expect(whole).toEqual([true, false, true, false, true])
    for (let one = 1; one < bytes.length; one++) {
      expect(cut(bytes, [one])).toEqual(whole)
      expect(cut(bytes, Array.from(bytes.keys()).filter(at => at % one === 0 && at > 0))).toEqual(whole)
    }
  })
})

describe('bytes without a view', () => {
  it('are the element, and last until write returns where they lie in the chunk', () => {
    const stanza = `<message>${'x'.repeat(600)}</message>`
    const bytes = encode(HEADER + stanza + stanza + stanza)
    const kept: { data: Uint8Array, start: number, end: number }[] = []
    const lasting: boolean[] = []
    const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
      header: () => undefined,
      element: ({ data, start, end, lasting: lasts, bytes }) => {
        expect(text(data.subarray(start, end))).toBe(stanza)
        expect(text(bytes)).toBe(stanza)
        lasting.push(lasts)
        if (lasts) kept.push({ data, start, end })
      },
      end: () => undefined,
      error: ({ detail }) => { throw new Error(detail) },
    })
    framer.write(bytes.subarray(0, HEADER.length + 300))
    framer.write(bytes.subarray(HEADER.length + 300))
    expect(lasting).toEqual([false, true, true])
    for (const { data, start, end } of kept) expect([text(data.subarray(start, end)), data.buffer]).toEqual([stanza, bytes.buffer])
    framer.write(encode(stanza))
    expect(lasting.at(-1)).toBe(true)
    framer.write(encode('<a/>').subarray(0, 2))
    for (const { data, start, end } of kept) expect(text(data.subarray(start, end))).toBe(stanza)
  })
})

describe('what is asked of a stanza', () => {
  it('its kind, in jabber:server alone, whatever the prefix', () => {
    expect(kinds("<message/><presence/><iq/><messages/><ix/><body/><message xmlns='jabber:client'/><s:iq xmlns:s='jabber:server'/><iq xmlns=''/>")).toEqual([
      'message', 'presence', 'iq', undefined, undefined, undefined, undefined, 'iq', undefined,
    ])
  })

  it('whether its type is a word, however it is spelled', () => {
    const seen: boolean[] = []
    each("<a type='error'/><a type='&#101;rror'/><a type='errors'/><a type=''/><a/><a xmlns:p='urn:p' p:type='error'/><a type='Error'/>", frame => seen.push(frame.typeIs('error')))
    expect(seen).toEqual([true, true, false, false, false, false, false])
  })

  for (const [from, is] of [
    ['a.example', true], ['x@a.example', true], ['x@a.example/y', true], ['a.example/y', true], ['a.example/x@y', true], ['a.example/é&amp;', true], ['é@a.example', true], ["it&apos;s@a.example", false], ['x@y@a.example', false],
    ['a.example@b.example', false], ['x/a.example', false], ['x/@a.example', false], ['A.example', false], ['a.example.', false], ['xa.example', false], ['a.examplex', false], ['a&#46;example', false], ['a.example&#47;x', false],
    ['a.example&#64;b.example', false], ['x&#64;a.example', false], ['x&#47;y@a.example', false], ['', false], ['@a.example', true], ['/a.example', false], ['@', false], ['x@', false], ['a.example ', false], ['a.exampl\u00e9', false],
  ] as const) {
    it(`whether ${JSON.stringify(from)} is of a domain`, () => {
      const seen: boolean[] = []
      each(`<a from='${from}' to='b.example'/><a to='${from}' from='b.example'/>`, frame => {
        seen.push(frame.pairIs(encode('a.example'), encode('b.example')), frame.pairIs(encode('b.example'), encode('a.example')))
        // Never true of another domain than domainOf gives; an empty local part is no better there.
        if (seen.includes(true)) expect([domainOf(frame.from ?? ''), domainOf(frame.to ?? '')]).toContain('a.example')
      })
      expect(seen).toEqual([is, false, false, is])
    })
  }

  it('the pair of domains, never another than domainOf gives', { timeout: 60_000 }, () => {
    const unit = fc.constantFrom('a', 'b', '.', '@', '/', '&#64;', '&#x2F;', '&amp;', 'é', ' ', 'A', '\t', 'a.b')
    const jid = fc.oneof(fc.string({ unit, maxLength: 7 }), fc.tuple(fc.constantFrom('', 'a@', '&#64;', 'é@'), fc.constantFrom('a', 'a.b'), fc.constantFrom('', '/', '/a@b', '&#47;')).map(parts => parts.join('')))
    let found = 0
    fc.assert(fc.property(jid, jid, fc.constantFrom('a', 'b', 'a.b', 'b.a'), fc.constantFrom('a', 'a.b'), (from, to, one, two) => {
      each(`<a from='${from}' to="${to}"/>`, frame => {
        if (!frame.pairIs(encode(one), encode(two))) return
        found++
        expect([domainOf(frame.from ?? ''), domainOf(frame.to ?? '')]).toEqual([one, two])
      })
    }), { numRuns: 10_000 })
    expect(found).toBeGreaterThan(50)
  })

  it('nothing, when one of the addresses is missing', () => {
    each("<a from='a'/><a to='a'/><a/>", frame => expect([frame.pairIs(encode('a'), encode('a')), frame.pairIs(encode(''), encode(''))]).toEqual([false, false]))
  })
})

type Seen = { canonical: boolean, same: boolean }

/** For every element that the framer takes: what it says, and whether the bytes are those that the serialiser writes. */
function all (stanzas: string | Uint8Array, opening = HEADER): Seen[] {
  const seen: Seen[] = []
  let header: HeaderFrame | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { seen.push({ canonical: frame.canonical, same: text(frame.bytes) === serialise(toElement(frame, header as HeaderFrame), DECLARED) }) },
    end: () => undefined,
    error: () => undefined,
  })
  framer.write(Buffer.concat([encode(opening), typeof stanzas === 'string' ? encode(stanzas) : stanzas]))
  return seen
}

function each (stanzas: string, hear: Parameters<typeof createFramer>[1]['element']): void {
  let count = 0
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: () => undefined, element: frame => { count++; hear(frame) }, end: () => undefined, error: ({ detail }) => { throw new Error(detail) },
  })
  framer.write(encode(HEADER + stanzas))
  expect(count).toBeGreaterThan(0)
}

function kinds (stanzas: string): (string | undefined)[] {
  const seen: (string | undefined)[] = []
  each(stanzas, frame => seen.push(frame.kind))
  return seen
}

function cut (bytes: Uint8Array, where: readonly number[]): boolean[] {
  const seen: boolean[] = []
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: () => undefined, element: frame => seen.push(frame.canonical), end: () => undefined, error: ({ detail }) => { throw new Error(detail) } })
  const edges = [0, ...where, bytes.length]
  for (let k = 0; k + 1 < edges.length; k++) framer.write(bytes.subarray(edges[k], edges[k + 1]))
  return seen
}

type Tree = { name: string, namespace: string, attributes: [string, string][], at: number, children: (Tree | string)[] }

/** `any`: also with names beyond ASCII, and in namespaces that have a prefix on our header. */
function trees (any: boolean): fc.Arbitrary<Tree> {
  const content = fc.string({ unit: fc.constantFrom('a', ' ', '&', '<', '>', "'", '"', '\t', '\n', '\r', 'é', '😀', ']]>', 'long enough to be read in steps of eight'), maxLength: 5 })
  const namespace = fc.constantFrom('jabber:server', 'urn:a', 'urn:b&c', '', 'http://www.w3.org/1999/xhtml', ...(any ? ['jabber:server:dialback', 'http://etherx.jabber.org/streams'] : []))
  const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
    tree: fc.record({
      name: fc.constantFrom('a', 'body', 'x-1', 'message', ...(any ? ['ærlig'] : [])),
      namespace,
      attributes: fc.uniqueArray(fc.tuple(fc.constantFrom('to', 'from', 'id', 'xml:lang', 'n1', 'x', ...(any ? ['xø'] : [])), content), { maxLength: 4, selector: ([name]) => name }).map(list => list.map(([name, value]): [string, string] => [name, name === 'xml:lang' ? 'en' : value])),
      at: fc.nat(4),
      children: fc.array(fc.oneof({ depthSize: 'small' }, content, tie('tree')), { maxLength: 3 }),
    }),
  }))
  return tree
}

/** As the serialiser writes it, by other means. */
function spelled ({ name, namespace, attributes, at, children }: Tree, inherited: string): string {
  const written = attributes.map(([name, value]) => ` ${name}='${escapedValue(value)}'`)
  if (namespace !== inherited) written.splice(at, 0, ` xmlns='${escapedValue(namespace)}'`)
  const content = children.map(child => typeof child === 'string' ? escapedText(child) : spelled(child, namespace)).join('')
  return `<${name}${written.join('')}${content === '' ? '/>' : `>${content}</${name}>`}`
}

const SPELLINGS: [string, string][] = [
  ["'", '"'], ["'", "' "], ["='", "= '"], ['/>', ' />'], ['>', ' >'], [' ', '  '], [' ', '\n'], ['&apos;', "'"], ['&quot;', '"'], ['&gt;', '>'], ['&amp;', '&#38;'], ['&#xD;', '&#13;'], ['&#xA;', '\n'], ['\n', '&#xA;'], ['&lt;', '&#x3c;'],
  ['<a', '<p:a'], ['<a', "<a xmlns:p='urn:p'"], ['<a', "<a xmlns='urn:a'"], ['<a', "<a xmlns=''"], ['<body', "<body xmlns='jabber:server'"], ['<a/>', '<a></a>'], ['>', '><![CDATA[]]>'], ['a', '<![CDATA[a]]>'], ["xmlns='", "xmlns:p='"],
  [' to', ' p:to'], [' to', ' xml:to'], ['a', '<a/>'], ['urn:a', 'urn:&#97;'], ['&', '<b/>&'], ['é', '&#233;'],
]

function replaceOne (text: string, from: string, to: string, which: number): string {
  const parts = text.split(from)
  if (parts.length < 2) return text
  const at = 1 + which % (parts.length - 1)
  return parts.slice(0, at).join(from) + to + parts.slice(at).join(from)
}

function encode (string: string): Uint8Array {
  return new TextEncoder().encode(string)
}

function text (bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
