import { Element, Parser } from '@xmpp/xml'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findNamespace, toElement } from './element.ts'
import { createFramer } from './framer.ts'
import type { HeaderFrame } from './frame.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'
import { serialise } from './serialise.ts'

const DECLARED = new Map([['', 'jabber:server'], ['stream', 'http://etherx.jabber.org/streams'], ['db', 'jabber:server:dialback']])
const HEADER = `<stream:stream${[...DECLARED].map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}='${uri}'`).join('')}>`

describe('the tree is the one that XML says, where the library reads another', () => {
  it('text behind a CDATA section is there', () => {
    const text = '<a>one<![CDATA[ <two> ]]]]><![CDATA[> ]]>three<b/>four</a>'
    expect(library(text).getText()).toBe('one <two> ]]> four')
    expect(read(text).children.map(child => typeof child === 'object' ? child.name : child)).toEqual(['one <two> ]]> three', 'b', 'four'])
  })

  it("xmlns='' takes an element out of its parent's namespace", () => {
    const text = "<a xmlns='urn:x'><required xmlns=''/></a>"
    expect((library(text).children[0] as Element).getNS()).toBe('urn:x')
    expect((read(text).children[0] as Element).getNS()).toBe('')
  })

  it('line ends become line feeds, white space in a value becomes blanks, references stay what they say', () => {
    const text = "<a b='1\r\n2\t3&#10;4'>x\r\ny\rz&#13;</a>"
    expect(library(text).attrs).toEqual({ b: '1\r\n2\t3\n4' })
    expect(read(text).attrs).toEqual({ b: '1 2 3\n4' })
    expect(read(text).getText()).toBe('x\ny\nz\r')
  })

  it('no name of an attribute is special', () => {
    const text = "<a __proto__='x' constructor='y' toString='z'/>"
    expect(Object.keys(library(text).attrs)).toEqual(['constructor', 'toString'])
    expect(Object.entries(read(text).attrs)).toEqual([['__proto__', 'x'], ['constructor', 'y'], ['toString', 'z']])
    expect(read("<a xmlns:toString='urn:x'><toString:b/></a>").children.map(child => (child as Element).getNS())).toEqual(['urn:x'])
  })
})

it('resolves prefixes that the header declares, that the element rebinds, and xml', () => {
  const element = read("<db:result xml:lang='de'><stream:x xmlns:stream='urn:other'/><y/></db:result>")
  expect([element.getName(), element.getNS(), element.findNS('xml')]).toEqual(['result', 'jabber:server:dialback', 'http://www.w3.org/XML/1998/namespace'])
  expect(element.children.map(child => (child as Element).getNS())).toEqual(['urn:other', 'jabber:server'])
})

describe('serialise', () => {
  for (const [name, sent, written] of [
    ['uses the prefixes of the stream', "<r:result xmlns:r='jabber:server:dialback' to='b.example'>key</r:result>", "<db:result to='b.example'>key</db:result>"],
    ['leaves out what the stream declares', "<message xmlns='jabber:server'><body>x</body></message>", '<message><body>x</body></message>'],
    ['declares a namespace where it begins, once', "<x:a xmlns:x='urn:a'><x:b/><c/></x:a>", "<a xmlns='urn:a'><b/><c xmlns='jabber:server'/></a>"],
    ['makes stream: mean the stream again', "<message xmlns:stream='urn:x'><stream:error/></message>", "<message><error xmlns='urn:x'/></message>"],
    ['gives namespaced attributes prefixes of ours', "<a xmlns:evil='urn:e' evil:b='1' xml:lang='de' evil:c='2'/>", "<a xmlns:n1='urn:e' n1:b='1' xml:lang='de' n1:c='2'/>"],
    ['spells every special character as a reference', `<a b='"&apos;&lt;>&amp;&#9;'>&gt;&#13;'</a>`, "<a b='&quot;&apos;&lt;&gt;&amp;&#x9;'>&gt;&#xD;&apos;</a>"],
  ] as const) {
    it(name, () => {
      expect(serialise(read(sent), DECLARED)).toBe(written)
      expect(tree(read(written))).toEqual(tree(read(sent)))
    })
  }

  it('refuses characters that XML does not have', () => {
    for (const text of ['\u0000', '\u001F', '\uFFFE', '\uD800']) expect(() => serialise(new Element('a', { b: text }))).toThrow('may not stand in XML')
  })

  it('X4: any element, written and read again, is the same element', () => {
    fc.assert(fc.property(elements(), element => { expect(tree(read(serialise(element, DECLARED)))).toEqual(tree(element)) }), { numRuns: 300 })
  })
})

function read (text: string): Element {
  let header: HeaderFrame | undefined
  let element: Element | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { element = toElement(frame, header as HeaderFrame) },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(`${detail}: ${text}`) },
  })
  framer.write(new TextEncoder().encode(HEADER + text))
  if (element === undefined) throw new Error(`no element: ${text}`)
  return element
}

function library (text: string): Element {
  let element: Element | undefined
  const parser = new Parser()
  parser.on('element', found => { element = found })
  parser.write(HEADER)
  parser.write(text)
  if (element === undefined) throw new Error(`no element: ${text}`)
  return element
}

type Tree = { name: string, attributes: Record<string, string>, children: (Tree | string)[] }

/** The element without prefixes: names with their namespaces, text in a row as one. */
function tree (element: Element): Tree {
  const children: (Tree | string)[] = []
  for (const child of element.children) {
    if (typeof child === 'object') children.push(tree(child))
    else if (typeof children.at(-1) === 'string') children.push(`${children.pop() as string}${child}`)
    else if (child !== '') children.push(child)
  }
  const attributes = Object.entries(element.attrs as Record<string, string>).filter(([name]) => !/^xmlns(:|$)/.test(name)).map(([name, value]) => {
    const [local = '', prefix] = name.split(':').toReversed()
    return [prefix === undefined ? local : `{${findNamespace(element, prefix) ?? ''}}${local}`, value]
  })
  return { name: `{${element.getNS() ?? ''}}${element.getName()}`, attributes: Object.fromEntries(attributes), children }
}

function elements (): fc.Arbitrary<Element> {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map(string => string.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''))
  const spaces = fc.constantFrom('urn:a', 'urn:b&c', 'jabber:server', 'jabber:server:dialback')
  const names = fc.constantFrom('a', 'body', 'ærlig', 'x-1')
  const attributes = fc.dictionary(fc.constantFrom('to', 'p:to', 'q:from', 'xml:lang', 'n1'), text.map(value => Array.from(value).slice(0, 5).join('')), { maxKeys: 3 })
  const { element } = fc.letrec<{ element: Element }>(tie => ({
    element: fc.tuple(names, spaces, spaces, attributes, fc.array(fc.oneof({ depthSize: 'small' }, text, tie('element')), { maxLength: 3 })).map(([name, own, other, attrs, children]) => {
      const made = new Element(name, { xmlns: own, 'xmlns:p': other, 'xmlns:q': 'urn:q', ...attrs })
      for (const child of children) {
        if (typeof child === 'string') made.t(child)
        else made.append(child)
      }
      return made
    }),
  }))
  return element
}
