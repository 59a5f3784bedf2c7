/**
 * Elements to text in our own spelling, whatever spelling they came in: what one hop reads, the next reads too (invariant I4 of the gateway). One
 * tree has one text, the order of its attributes being part of the tree. Where XML leaves the spelling open, it is that of Prosody and ejabberd,
 * so that most of what they send is in it already; `WholeReader` finds that out while it reads.
 */
import { escapedText, escapedValue, findNamespace, type Element } from './element.ts'
import { XML_NAMESPACE } from './scope.ts'

/**
 * The element as text for a stream that declares `declared` (prefix to namespace name, '' for the default). Prefixes of the stream are used
 * for its namespaces, any other namespace becomes the default one where it begins; namespaced attributes get prefixes of ours. Read again by
 * the framer it is the same tree. Throws a TypeError for a character that XML does not have and for a prefix that is declared nowhere: both
 * are bugs of whoever built the element.
 */
export function serialise (element: Element, declared: ReadonlyMap<string, string> = new Map()): string {
  const prefixes = new Map([...declared].filter(([prefix]) => prefix !== '').map(([prefix, uri]) => [uri, prefix]))
  return write(element, declared.get('') ?? '', prefixes)
}

function write (element: Element, inherited: string, prefixes: ReadonlyMap<string, string>): string {
  const namespace = known(element, element.name.includes(':') ? element.name.slice(0, element.name.indexOf(':')) : '')
  const prefix = namespace === '' || namespace === inherited ? undefined : prefixes.get(namespace)
  const current = prefix === undefined ? namespace : inherited
  const name = prefix === undefined ? element.getName() : `${prefix}:${element.getName()}`
  const declaration = current === inherited ? '' : ` xmlns='${value(current)}'`
  const tag = name + (Object.hasOwn(element.attrs, 'xmlns') ? '' : declaration) + attributes(element, prefixes, declaration)
  const content = element.children.map(child => typeof child === 'object' ? write(child, current, prefixes) : text(child)).join('')
  return content === '' ? `<${tag}/>` : `<${tag}>${content}</${name}>`
}

/** In the order that they have; the declaration of the default namespace stands where the element has its own. */
function attributes (element: Element, prefixes: ReadonlyMap<string, string>, declaration: string): string {
  const taken = new Set(prefixes.values())
  const own = new Map<string, string>()
  let written = ''
  for (const [qualified, content] of Object.entries<string | number | null | undefined>(element.attrs)) {
    if (qualified === 'xmlns') written += declaration
    if (content === undefined || content === null || qualified === 'xmlns' || qualified.startsWith('xmlns:')) continue
    const colon = qualified.indexOf(':')
    const local = qualified.slice(colon + 1)
    let name = local
    if (colon !== -1) {
      const namespace = known(element, qualified.slice(0, colon))
      let prefix = namespace === XML_NAMESPACE ? 'xml' : prefixes.get(namespace) ?? own.get(namespace)
      if (prefix === undefined) {
        prefix = free(taken)
        own.set(namespace, prefix)
        written += ` xmlns:${prefix}='${value(namespace)}'`
      }
      name = `${prefix}:${local}`
    }
    written += ` ${name}='${value(String(content))}'`
  }
  return written
}

function known (element: Element, prefix: string): string {
  const namespace = findNamespace(element, prefix)
  if (namespace === undefined && prefix !== '') throw new TypeError(`the prefix ${prefix} of an element is declared nowhere`)
  return namespace ?? ''
}

function free (taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const prefix = `n${number}`
    if (!taken.has(prefix)) {
      taken.add(prefix)
      return prefix
    }
  }
}

function text (content: string): string {
  return escapedText(legal(content))
}

function value (content: string): string {
  return escapedValue(legal(content))
}

function legal (content: string): string {
  const found = ILLEGAL.exec(content)
  if (found !== null) throw new TypeError(`U+${(found[0].codePointAt(0) as number).toString(16).padStart(4, '0')} may not stand in XML`)
  return content
}

/** What is outside of the Char production (XML 1.0 §2.2). */
const ILLEGAL = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u
