// Elements of @xmpp/xml, from frames that are proved already. The library never sees a byte that the framer has not.
import { Parser, type Element } from '@xmpp/xml'
import { decodeUtf8 } from './decode.ts'
import type { ElementFrame, HeaderFrame } from './frame.ts'

export type { Element }

/**
 * The tree of one first-level element, with the header's declarations around it so that every prefix resolves.
 * Costs a parse: for negotiation and small stanzas, not for what is only carried on.
 */
export function toElement (frame: ElementFrame, header: HeaderFrame): Element {
  const parser = new Parser()
  let found: Element | undefined
  parser.on('element', element => { found = element })
  parser.write(`<around${[...header.namespaces].map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escaped(uri)}"`).join('')}>`)
  parser.write(decodeUtf8(frame.bytes))
  if (found === undefined) throw new TypeError('a frame that is no element')
  return found
}

/** The children of an element, without its text. */
export function childrenOf (element: Element): Element[] {
  return element.children.filter((child): child is Element => typeof child === 'object')
}

/** Local name and namespace at once; prefixes do not count. */
export function isNamed (element: Element, namespace: string, name: string): boolean {
  return element.getName() === name && element.getNS() === namespace
}

/** Text for an attribute value in either kind of quotes, or for character data. */
export function escaped (text: string): string {
  return text.replace(/[&<>"']/g, character => ESCAPES[character] ?? character)
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
