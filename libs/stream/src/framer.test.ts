import { describe, expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, type Limits } from './limits.ts'

const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='1' from='a.example'>"
const TRANSCRIPT = HEADER + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features> \n" +
  "<db:result from='a.example' to='b.example'>k&#233;y 😀<![CDATA[a<b]]></db:result><message to='é@b.example' xml:lang='de'/></stream:stream>"

it('delivers header, elements and end, with prefixes resolved and references replaced', () => {
  expect(frames(TRANSCRIPT)).toEqual([
    'header stream {http://etherx.jabber.org/streams} id=1',
    'features {http://etherx.jabber.org/streams}',
    'result {jabber:server:dialback} a.example > b.example',
    'message {jabber:server} > é@b.example',
    'end',
  ])
})

it('gives the same for every way to cut the bytes', () => {
  const bytes = encode(TRANSCRIPT)
  const whole = frames(bytes)
  expect(frames(bytes, 1)).toEqual(whole)
  for (let cut = 1; cut < bytes.length; cut++) expect(frames(bytes, cut)).toEqual(whole)
})

describe('refuses, and is dead afterwards', () => {
  for (const [name, text, condition] of [
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a processing instruction', '<?php x?>', 'restricted-xml'],
    ['a document type', '<!DOCTYPE x>', 'restricted-xml'],
    ['an entity that is not predefined', '<a>&lol;</a>', 'restricted-xml'],
    ['a late XML declaration', "<?xml version='1.0'?>", 'restricted-xml'],
    ['an attribute twice', "<a to='1' to='2'/>", 'not-well-formed'],
    ['an attribute twice by namespace', "<a xmlns:p='urn:x' xmlns:q='urn:x' p:to='1' q:to='2'/>", 'not-well-formed'],
    ['an undeclared prefix', '<x:a/>', 'not-well-formed'],
    ['a bare ampersand', '<a>b & c</a>', 'not-well-formed'],
    ["']]>' in text", '<a>]]></a>', 'not-well-formed'],
    ["'<' in a value", "<a b='<'/>", 'not-well-formed'],
    ['a value without quotes', '<a b=c/>', 'not-well-formed'],
    ['a control character', '<a>\u0001</a>', 'not-well-formed'],
    ['U+FFFE', '<a>\uFFFE</a>', 'not-well-formed'],
    ['a null character reference', '<a>&#0;</a>', 'not-well-formed'],
    ['the wrong end tag', '<a></b>', 'not-well-formed'],
    ['text between elements', 'hello', 'bad-format'],
    ['the prefix xml bound elsewhere', "<a xmlns:xml='urn:x'/>", 'not-well-formed'],
  ] as const) it(name, () => expect(frames(HEADER + text + '<b/>').at(-1)).toBe(`error ${condition}`))

  it('UTF-8 that is overlong, a surrogate or cut', () => {
    for (const bytes of [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xC3, 0x3C], [0xFF]]) {
      expect(frames(Uint8Array.from([...encode(HEADER + '<a>'), ...bytes, ...encode('</a>')])).at(-1)).toBe('error not-well-formed')
    }
  })

  it('another encoding', () => expect(frames("<?xml version='1.0' encoding='ISO-8859-1'?><a>").at(-1)).toBe('error unsupported-encoding'))
  it('what is no XML at all', () => expect(frames('HTTP/1.1 400 Bad Request\r\n')).toEqual(['error not-well-formed']))
})

describe('X3: each limit is enforced while the bytes arrive', () => {
  for (const [limit, text] of [
    ['element-bytes', `<a>${'x'.repeat(9000)}`],
    ['attribute-bytes', `<a b='${'x'.repeat(5000)}`],
    ['elements', `<a>${'<b/>'.repeat(100)}`],
    ['depth', '<b>'.repeat(20)],
    ['attributes', `<a ${Array.from({ length: 40 }, (_, i) => `b${i}=''`).join(' ')}/>`],
    ['name-bytes', `<${'a'.repeat(300)}/>`],
    ['namespace-bytes', `<a xmlns='${'u'.repeat(300)}'/>`],
    ['declarations', `<a>${Array.from({ length: 20 }, () => "<b xmlns='urn:x' xmlns:p='urn:y'/>").join('')}`],
    ['whitespace-bytes', ' '.repeat(2000)],
  ] as const) {
    it(limit, () => {
      const unlimited = Object.fromEntries(Object.keys(BEFORE_AUTHENTICATION).map(name => [name, Number.POSITIVE_INFINITY])) as Limits
      expect(frames(HEADER + text, 16_384, unlimited).some(frame => frame.startsWith('error'))).toBe(false)
      expect(frames(HEADER + text).at(-1)).toBe(`error policy-violation ${limit}`)
    })
  }
  it('header-bytes', () => expect(frames(`<stream:stream a='${'x'.repeat(3000)}' b='${'x'.repeat(3000)}'`)).toEqual(['error policy-violation header-bytes']))
})

it('takes a quarter of a million single bytes of one stanza in linear time and keeps only the stanza', () => {
  const bytes = encode(HEADER + `<message>${'x'.repeat(200_000)}</message>`)
  let seen = 0
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: () => undefined, element: ({ bytes }) => { seen = bytes.length }, end: () => undefined, error: () => undefined })
  for (let at = 0; at < bytes.length; at++) framer.write(bytes.subarray(at, at + 1))
  expect(seen).toBe(200_019)
  expect(framer.pending).toBe(0)
})

it('keeps nothing of white space between elements', () => {
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: () => undefined, element: () => undefined, end: () => undefined, error: () => undefined })
  framer.write(encode(HEADER))
  for (let i = 0; i < 10_000; i++) framer.write(encode(' '))
  expect(framer.pending).toBe(0)
})

it('consumes nothing after stop', () => {
  const bytes = encode(HEADER + '<a/>\u0016\u0003\u0001')
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, { header: () => undefined, element: () => framer.stop(), end: () => undefined, error: () => undefined })
  expect(framer.write(bytes)).toBe(bytes.length - 3)
  expect(framer.write(bytes)).toBe(0)
})

function frames (input: string | Uint8Array, cut = 65_536, limits = BEFORE_AUTHENTICATION): string[] {
  const bytes = typeof input === 'string' ? encode(input) : input
  const seen: string[] = []
  const framer = createFramer({ limits }, {
    header: ({ name, namespace, attributes }) => seen.push(`header ${name} {${namespace}} id=${attributes.find(({ name }) => name === 'id')?.value}`),
    element: ({ name, namespace, from, to }) => seen.push([name, `{${namespace}}`, ...(from === undefined ? [] : [from]), ...(to === undefined ? [] : ['>', to])].join(' ')),
    end: () => seen.push('end'),
    error: ({ condition, limit }) => seen.push(['error', condition, ...(limit === undefined ? [] : [limit])].join(' ')),
  })
  if (cut === 1 || cut >= bytes.length) for (let at = 0; at < bytes.length; at += cut) framer.write(bytes.subarray(at, at + cut))
  else for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) framer.write(part)
  return seen
}

function encode (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
