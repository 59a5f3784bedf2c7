// Elements to text in our own spelling, whatever spelling they came in: what one hop reads, the next reads too (gateway invariant: no byte is copied).
import { isXmlCharacter } from './characters.ts'
import { escaped, findNamespace, type Element } from './element.ts'
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
  const tag = name + (current === inherited ? '' : ` xmlns='${safe(current)}'`) + attributes(element, prefixes)
  const content = element.children.map(child => typeof child === 'object' ? write(child, current, prefixes) : safe(child)).join('')
  return content === '' ? `<${tag}/>` : `<${tag}>${content}</${name}>`
}

function attributes (element: Element, prefixes: ReadonlyMap<string, string>): string {
  const taken = new Set(prefixes.values())
  const own = new Map<string, string>()
  let text = ''
  for (const [written, value] of Object.entries<string | number | null | undefined>(element.attrs)) {
    if (value === undefined || value === null || written === 'xmlns' || written.startsWith('xmlns:')) continue
    const colon = written.indexOf(':')
    const local = written.slice(colon + 1)
    let name = local
    if (colon !== -1) {
      const namespace = known(element, written.slice(0, colon))
      let prefix = namespace === XML_NAMESPACE ? 'xml' : prefixes.get(namespace) ?? own.get(namespace)
      if (prefix === undefined) {
        prefix = free(taken)
        own.set(namespace, prefix)
        text += ` xmlns:${prefix}='${safe(namespace)}'`
      }
      name = `${prefix}:${local}`
    }
    text += ` ${name}='${safe(String(value))}'`
  }
  return text
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

function safe (text: string): string {
  for (const character of text) {
    if (!isXmlCharacter(character.codePointAt(0) as number)) throw new TypeError(`U+${(character.codePointAt(0) as number).toString(16).padStart(4, '0')} may not stand in XML`)
  }
  return escaped(text)
}
