// One start tag after its last byte: names, namespaces, duplicates (Namespaces in XML 1.0 §3 to §6). All positions are relative to the item.
import type { XmlLimit } from '@dialtone/contracts'
import { NAME_START_BYTE, isNameStart } from './characters.ts'
import { decodeUtf8, decodeValue } from './decode.ts'
import type { Attribute } from './frame.ts'
import type { Limits } from './limits.ts'

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'
/** The longest language tag that servers in use accept (RFC 5646 §4.4.1 recommends that room). */
const LANG_BYTES = 35
const COLON = 0x3A
const AMPERSAND = 0x26

/** Why a tag is refused: a limit, or a rule in words. */
export type TagProblem = { limit: XmlLimit } | { rule: string }

/** Where the attributes of first-level elements that routing needs are; -1 when absent. */
export type KeyPositions = { id: number, idEnd: number, from: number, fromEnd: number, to: number, toEnd: number, type: number, typeEnd: number, lang: number, langEnd: number }

/** The tag being read, and the namespace declarations in scope inside the item. */
export class Tag {
  nameStart = 0
  nameEnd = 0
  /** Four numbers an attribute: name start and end, value start and end. */
  readonly attributes: number[] = []
  /** Position of the colon in the element's name, -1 without a prefix. */
  colon = -1

  private readonly colons: number[] = []
  /** Five numbers a declaration: prefix start and end (equal for the default), value start and end, declared at depth. */
  private readonly scope: number[] = []
  private declared = 0
  private readonly outer: ReadonlyMap<string, string>

  /** `outer` holds the declarations of the stream header; empty while the header itself is read. */
  constructor (outer: ReadonlyMap<string, string>) {
    this.outer = outer
  }

  begin (nameStart: number): void {
    this.nameStart = nameStart
    this.attributes.length = 0
  }

  /** Checks the complete tag, which opens an element at `depth`, and brings its declarations into scope. */
  check (bytes: Uint8Array, base: number, depth: number, limits: Limits): TagProblem | undefined {
    const { attributes } = this
    if (this.nameEnd - this.nameStart > limits.nameBytes) return { limit: 'name-bytes' }
    this.colon = colonOf(bytes, base, this.nameStart, this.nameEnd)
    if (this.colon === -2) return { rule: 'a name with a misplaced colon' }

    for (let at = 0; at < attributes.length; at += 4) {
      const start = attributes[at] as number
      const end = attributes[at + 1] as number
      if (end - start > limits.nameBytes) return { limit: 'name-bytes' }
      const colon = colonOf(bytes, base, start, end)
      if (colon === -2) return { rule: 'a name with a misplaced colon' }
      this.colons[at >> 2] = colon
      if (isDeclaration(bytes, base, start, end, colon)) {
        const problem = this.enterScope(bytes, base, at, depth, limits)
        if (problem !== undefined) return problem
      }
    }
    if (this.colon !== -1 && this.lookup(bytes, base, this.nameStart, this.colon) === undefined) return { rule: 'an element with an undeclared prefix' }
    return this.checkAttributes(bytes, base)
  }

  /** Declarations of elements deeper than `depth` go out of scope. */
  leave (depth: number): void {
    const { scope } = this
    while (scope.length > 0 && (scope[scope.length - 1] as number) > depth) scope.length -= 5
  }

  /** A new first-level element: nothing is in scope but the header's declarations. */
  reset (): void {
    this.scope.length = 0
    this.declared = 0
  }

  /** The namespace of the element whose tag was checked last. */
  namespace (bytes: Uint8Array, base: number): string {
    return this.lookup(bytes, base, this.nameStart, this.colon === -1 ? this.nameStart : this.colon) ?? ''
  }

  /** The positions that routing needs, from the tag that was checked last. */
  keys (bytes: Uint8Array, base: number): KeyPositions {
    const into = { id: -1, idEnd: 0, from: -1, fromEnd: 0, to: -1, toEnd: 0, type: -1, typeEnd: 0, lang: -1, langEnd: 0 }
    const { attributes } = this
    for (let at = 0; at < attributes.length; at += 4) {
      const start = base + (attributes[at] as number)
      const length = (attributes[at + 1] as number) - (attributes[at] as number)
      const value = attributes[at + 2] as number
      const end = attributes[at + 3] as number
      if (length === 2) {
        if (bytes[start] === 0x69 && bytes[start + 1] === 0x64) { into.id = value; into.idEnd = end }
        else if (bytes[start] === 0x74 && bytes[start + 1] === 0x6F) { into.to = value; into.toEnd = end }
      } else if (length === 4) {
        if (spells(bytes, start, 'from')) { into.from = value; into.fromEnd = end }
        else if (spells(bytes, start, 'type')) { into.type = value; into.typeEnd = end }
      } else if (length === 8 && spells(bytes, start, 'xml:lang')) { into.lang = value; into.langEnd = end }
    }
    return into
  }

  /** All attributes of the tag that was checked last, decoded; declarations are left out. */
  decoded (bytes: Uint8Array, base: number): Attribute[] {
    const { attributes, colons } = this
    const found: Attribute[] = []
    for (let at = 0; at < attributes.length; at += 4) {
      const start = attributes[at] as number
      const end = attributes[at + 1] as number
      const colon = colons[at >> 2] as number
      if (isDeclaration(bytes, base, start, end, colon)) continue
      found.push({
        prefix: colon === -1 ? '' : decodeUtf8(bytes, base + start, base + colon),
        name: decodeUtf8(bytes, base + (colon === -1 ? start : colon + 1), base + end),
        namespace: colon === -1 ? '' : this.lookup(bytes, base, start, colon) ?? '',
        value: decodeValue(bytes, base + (attributes[at + 2] as number), base + (attributes[at + 3] as number)),
      })
    }
    return found
  }

  /** The declarations in scope, innermost winning, by prefix. */
  declarations (bytes: Uint8Array, base: number): Map<string, string> {
    const found = new Map<string, string>()
    for (let at = 0; at < this.scope.length; at += 5) {
      const [start, end, value, valueEnd] = this.scope.slice(at, at + 4) as [number, number, number, number]
      found.set(decodeUtf8(bytes, base + start, base + end), decodeValue(bytes, base + value, base + valueEnd))
    }
    return found
  }

  private checkAttributes (bytes: Uint8Array, base: number): TagProblem | undefined {
    const { attributes, colons } = this
    for (let at = 0; at < attributes.length; at += 4) {
      const start = attributes[at] as number
      const end = attributes[at + 1] as number
      const colon = colons[at >> 2] as number
      const declaration = isDeclaration(bytes, base, start, end, colon)
      if (colon !== -1 && !declaration) {
        const namespace = this.lookup(bytes, base, start, colon)
        if (namespace === undefined) return { rule: 'an attribute with an undeclared prefix' }
        if (namespace === XML_NAMESPACE && (attributes[at + 3] as number) - (attributes[at + 2] as number) > LANG_BYTES && spells(bytes, base + colon + 1, 'lang')) return { rule: 'an xml:lang longer than any language tag' }
      }
      for (let other = 0; other < at; other += 4) {
        const otherColon = colons[other >> 2] as number
        if (sameBytes(bytes, base + start, base + end, base + (attributes[other] as number), base + (attributes[other + 1] as number))) return { rule: 'an attribute twice' }
        if (colon === -1 || otherColon === -1 || declaration) continue
        if (!sameBytes(bytes, base + colon + 1, base + end, base + otherColon + 1, base + (attributes[other + 1] as number))) continue
        if (this.lookup(bytes, base, start, colon) === this.lookup(bytes, base, attributes[other] as number, otherColon)) return { rule: 'an attribute twice, under two prefixes of one namespace' }
      }
    }
    return undefined
  }

  private enterScope (bytes: Uint8Array, base: number, at: number, depth: number, limits: Limits): TagProblem | undefined {
    const { attributes } = this
    const colon = this.colons[at >> 2] as number
    const end = attributes[at + 1] as number
    const prefix = colon === -1 ? end : colon + 1
    const value = attributes[at + 2] as number
    const valueEnd = attributes[at + 3] as number
    if (valueEnd - value > limits.namespaceBytes) return { limit: 'namespace-bytes' }
    if (++this.declared > limits.declarations) return { limit: 'declarations' }

    if (prefix < end) {
      if (value === valueEnd) return { rule: 'a prefix declared as nothing' }
      if (end - prefix === 5 && spells(bytes, base + prefix, 'xmlns')) return { rule: 'a declaration of the prefix xmlns' }
    }
    const isXml = end - prefix === 3 && spells(bytes, base + prefix, 'xml')
    if (isXml || mayBeReserved(bytes, base + value, base + valueEnd)) {
      const namespace = decodeValue(bytes, base + value, base + valueEnd)
      if (isXml !== (namespace === XML_NAMESPACE) || namespace === XMLNS_NAMESPACE) return { rule: 'a declaration of a reserved prefix or namespace' }
    }
    this.scope.push(prefix, end, value, valueEnd, depth)
    return undefined
  }

  /** The namespace that a prefix stands for; '' and undefined differ: no default namespace, and no such prefix. */
  private lookup (bytes: Uint8Array, base: number, start: number, end: number): string | undefined {
    const { scope } = this
    if (end - start === 3 && spells(bytes, base + start, 'xml')) return XML_NAMESPACE
    for (let at = scope.length - 5; at >= 0; at -= 5) {
      if (sameBytes(bytes, base + start, base + end, base + (scope[at] as number), base + (scope[at + 1] as number))) return decodeValue(bytes, base + (scope[at + 2] as number), base + (scope[at + 3] as number))
    }
    if (start === end) return this.outer.get('') ?? ''
    return this.outer.get(decodeUtf8(bytes, base + start, base + end))
  }
}

/** Whether a namespace name could be a reserved one: only those lengths, or a reference that hides another. */
function mayBeReserved (bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from
  if (length === XMLNS_NAMESPACE.length || length === XML_NAMESPACE.length) return true
  return length > XMLNS_NAMESPACE.length && bytes.subarray(from, to).includes(AMPERSAND)
}

/** Where the colon of a qualified name is: -1 without one, -2 when the name is none. */
function colonOf (bytes: Uint8Array, base: number, start: number, end: number): number {
  let colon = -1
  for (let at = start; at < end; at++) {
    if (bytes[base + at] !== COLON) continue
    if (colon !== -1 || at === start || at === end - 1) return -2
    colon = at
  }
  if (colon === -1) return -1
  const first = bytes[base + colon + 1] as number
  if (first < 0x80 ? NAME_START_BYTE[first] === 0 : !isNameStart(decodeUtf8(bytes, base + colon + 1, base + end).codePointAt(0) ?? 0)) return -2
  return colon
}

function isDeclaration (bytes: Uint8Array, base: number, start: number, end: number, colon: number): boolean {
  return (colon === -1 ? end - start === 5 : colon - start === 5) && spells(bytes, base + start, 'xmlns')
}

function spells (bytes: Uint8Array, at: number, word: string): boolean {
  for (let k = 0; k < word.length; k++) if (bytes[at + k] !== word.charCodeAt(k)) return false
  return true
}

function sameBytes (bytes: Uint8Array, from: number, to: number, otherFrom: number, otherTo: number): boolean {
  if (to - from !== otherTo - otherFrom) return false
  for (let at = from, other = otherFrom; at < to; at++, other++) if (bytes[at] !== bytes[other]) return false
  return true
}
