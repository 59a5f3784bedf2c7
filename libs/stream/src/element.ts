/**
 * Elements of @xmpp/xml, built from frames that the framer has proved. The library's own parser is not used: it loses text behind a CDATA
 * section, leaves line ends and white space as they were sent, and takes xmlns='' for no declaration, so that a child would be seen in
 * its parent's namespace. A second reader that sees another tree than the first is what stanza smuggling lives on.
 */
import { Element } from '@xmpp/xml'
import { NAME_BYTE, isSpace } from './characters.ts'
import { decodeCdata, decodeText, decodeUtf8, decodeValue } from './decode.ts'
import type { ElementFrame, HeaderFrame } from './frame.ts'
import { XML_NAMESPACE } from './scope.ts'

export type { Element }

/**
 * The tree of one first-level element; prefixes that the header declares resolve. Text in a row is one string. Namespace declarations stay
 * among the attributes, as the library has them. For negotiation and for stanzas that are looked into, not for what is only carried on.
 */
export function toElement (frame: ElementFrame, header: HeaderFrame): Element {
  const { bytes } = frame
  const around = new ProvedNode('around')
  for (const [prefix, uri] of header.namespaces) around.put(prefix === '' ? 'xmlns' : `xmlns:${prefix}`, uri)
  let top: ProvedNode | undefined
  let open: Element = around
  for (let i = 0; i < bytes.length;) {
    const following = bytes[i + 1]
    if (bytes[i] !== LT) {
      const end = next(bytes, i, LT)
      addText(open, decodeText(bytes, i, end))
      i = end
    } else if (following === SLASH) {
      open = open.parent as Element
      i = next(bytes, i, GT) + 1
    } else if (following === BANG) {
      const end = sectionEnd(bytes, i + CDATA_BEGINS)
      addText(open, decodeCdata(bytes, i + CDATA_BEGINS, end))
      i = end + CDATA_ENDS
    } else {
      const { node, end, empty } = readTag(bytes, i + 1)
      node.parent = open
      if (top === undefined) top = node
      else open.children.push(node)
      if (!empty) open = node
      i = end
    }
  }
  if (top === undefined) throw new TypeError('a frame that is no element')
  return top
}

/** The children of an element, without its text. */
export function childrenOf (element: Element): Element[] {
  return element.children.filter((child): child is Element => typeof child === 'object')
}

/** Local name and namespace at once; prefixes do not count. */
export function isNamed (element: Element, namespace: string, name: string): boolean {
  return element.getName() === name && element.getNS() === namespace
}

/** What a prefix stands for at an element; undefined when nobody declares it. */
export function findNamespace (element: Element, prefix: string): string | undefined {
  const name = prefix === '' ? 'xmlns' : `xmlns:${prefix}`
  for (let at: Element | null = element; at !== null; at = at.parent) {
    if (Object.hasOwn(at.attrs, name)) return String(at.attrs[name])
  }
  return prefix === 'xml' ? XML_NAMESPACE : undefined
}

/**
 * Text as character data, in the one spelling that is ours: the five predefined entities wherever they could be written, and a reference for the
 * carriage return, which would be read as a line feed (XML 1.0 §2.11). Prosody and ejabberd spell text the same way.
 */
export function escapedText (text: string): string {
  return text.replace(/[&<>"'\r]/g, escape)
}

/** An attribute value for either kind of quotes; a literal tab or line break would be read as a blank (XML 1.0 §3.3.3). */
export function escapedValue (text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, escape)
}

function escape (character: string): string {
  return ESCAPES[character] ?? character
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\t': '&#x9;', '\n': '&#xA;', '\r': '&#xD;',
}

const LT = 0x3C, GT = 0x3E, SLASH = 0x2F, BANG = 0x21, BRACKET = 0x5D
const CDATA_BEGINS = '<![CDATA['.length
const CDATA_ENDS = ']]>'.length

/** An element whose namespace is what Namespaces in XML says, and in which no attribute's name is special. */
class ProvedNode extends Element {
  put (name: string, value: string): void {
    // A plain assignment to __proto__ would be lost.
    Object.defineProperty(this.attrs, name, { value, writable: true, enumerable: true, configurable: true })
  }

  override findNS (prefix = ''): string {
    return findNamespace(this, prefix) ?? ''
  }
}

function addText (to: Element, text: string): void {
  const last = to.children.length - 1
  if (typeof to.children[last] === 'string') to.children[last] += text
  else if (text !== '') to.children.push(text)
}

/** The start tag whose name begins at `from`, and where it ends. */
function readTag (bytes: Uint8Array, from: number): { node: ProvedNode, end: number, empty: boolean } {
  let i = pastName(bytes, from)
  const node = new ProvedNode(decodeUtf8(bytes, from, i))
  while (i < bytes.length) {
    const c = bytes[i] as number
    if (c === GT) return { node, end: i + 1, empty: false }
    if (c === SLASH) return { node, end: i + 2, empty: true }
    i++
    if (isSpace(c)) continue
    const name = i - 1
    const nameEnd = pastName(bytes, name)
    const value = 1 + firstQuote(bytes, nameEnd)
    i = next(bytes, value, bytes[value - 1] as number)
    node.put(decodeUtf8(bytes, name, nameEnd), decodeValue(bytes, value, i))
    i++
  }
  throw new TypeError('a frame that is no element')
}

function pastName (bytes: Uint8Array, from: number): number {
  let i = from
  while (i < bytes.length && ((bytes[i] as number) >= 0x80 || NAME_BYTE[bytes[i] as number] !== 0)) i++
  return i
}

function firstQuote (bytes: Uint8Array, from: number): number {
  let i = from
  while (i < bytes.length && bytes[i] !== 0x22 && bytes[i] !== 0x27) i++
  return i
}

/** Where the byte is next; the framer has seen it there, and a byte of ASCII is no part of another character. */
function next (bytes: Uint8Array, from: number, byte: number): number {
  const found = bytes.indexOf(byte, from)
  return found === -1 ? bytes.length : found
}

function sectionEnd (bytes: Uint8Array, from: number): number {
  let i = next(bytes, from, GT)
  while (i < bytes.length && (i - from < 2 || bytes[i - 1] !== BRACKET || bytes[i - 2] !== BRACKET)) i = next(bytes, i + 1, GT)
  return i - 2
}
