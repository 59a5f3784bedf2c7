// What makes a start tag namespace-well-formed (Namespaces in XML 1.0 §2 to §6) and unambiguous: no attribute twice under any name.
import type { XmlLimit } from '@dialtone/contracts'
import { decodeUtf8, decodeValue } from './decode.ts'
import type { Attribute } from './frame.ts'
import type { Limits } from './limits.ts'
import { XMLNS_NAMESPACE, XML_NAMESPACE, sameBytes, type Scope } from './scope.ts'
import { COLON_AT, DEFAULT, HASH, KEY, MISPLACED, NAME, NAME_END, NOTHING, NO_COLON, PLAIN, STRIDE, VALUE, VALUE_END, spells, type Tag } from './tag.ts'

/** Why something is refused: a limit in `limit`, or a rule of XML. */
export type Problem = { limit?: XmlLimit, detail: string }

const AMPERSAND = 0x26
/** How both reserved namespace names begin. */
const RESERVED = 'http://www.w3.org/'

/** Checks a complete start tag, which opens an element at `depth`, and brings its declarations into scope. */
export function tagProblem (tag: Tag, scope: Scope, bytes: Uint8Array, base: number, depth: number, limits: Limits): Problem | undefined {
  if (tag.special === NOTHING) return tag.used > STRIDE ? twice(tag, bytes, base) : undefined
  if (tag.special === DEFAULT) return declare(tag, tag.declaration, scope, bytes, base, depth, limits) ?? (tag.used > STRIDE ? twice(tag, bytes, base) : undefined)
  const { attributes, used } = tag
  if (tag.colon === MISPLACED) return { detail: 'a name with a misplaced colon' }
  let prefixed = 0
  for (let at = 0; at < used; at += STRIDE) {
    const colon = attributes[at + COLON_AT] as number
    if (colon === MISPLACED) return { detail: 'a name with a misplaced colon' }
    if (isDeclaration(tag, at, bytes, base)) {
      const problem = declare(tag, at, scope, bytes, base, depth, limits)
      if (problem !== undefined) return problem
    } else if (colon !== NO_COLON) prefixed++
  }
  if (tag.colon !== NO_COLON && !scope.knows(bytes, base, tag.nameStart, tag.colon)) return { detail: 'an element with an undeclared prefix' }
  if (used > STRIDE) {
    const problem = twice(tag, bytes, base)
    if (problem !== undefined) return problem
  }
  return prefixed === 0 ? undefined : prefixedProblem(tag, scope, bytes, base, limits)
}

/** The attributes, decoded, without the namespace declarations; of a tag that `tagProblem` passed. */
export function attributesOf (tag: Tag, scope: Scope, bytes: Uint8Array, base: number): Attribute[] {
  const { attributes, used } = tag
  const found: Attribute[] = []
  for (let at = 0; at < used; at += STRIDE) {
    if (isDeclaration(tag, at, bytes, base)) continue
    const start = attributes[at + NAME] as number
    const colon = attributes[at + COLON_AT] as number
    found.push({
      prefix: colon === NO_COLON ? '' : decodeUtf8(bytes, base + start, base + colon),
      name: decodeUtf8(bytes, base + (colon === NO_COLON ? start : colon + 1), base + (attributes[at + NAME_END] as number)),
      namespace: colon === NO_COLON ? '' : scope.lookup(bytes, base, start, colon) ?? '',
      value: decodeValue(bytes, base + (attributes[at + VALUE] as number), base + (attributes[at + VALUE_END] as number)),
    })
  }
  return found
}

/** The element's namespace; of a tag that `tagProblem` passed. */
export function namespaceOf (tag: Tag, scope: Scope, bytes: Uint8Array, base: number): string {
  return scope.lookup(bytes, base, tag.nameStart, tag.colon === NO_COLON ? tag.nameStart : tag.colon) ?? ''
}

/** Of up to so many attributes the keys are compared, pair by pair; of more the hashes, since a peer can choose names with one key. */
const FEW = 8

/** The same name twice, as written. */
function twice (tag: Tag, bytes: Uint8Array, base: number): Problem | undefined {
  const { attributes, used } = tag
  const few = used <= STRIDE * FEW
  if (!few) hash(tag, bytes, base)
  const by = few ? KEY : HASH
  for (let at = STRIDE; at < used; at += STRIDE) {
    const value = attributes[at + by] as number
    for (let other = 0; other < at; other += STRIDE) {
      if (attributes[other + by] === value && sameName(attributes, at, other, bytes, base)) return { detail: 'an attribute twice' }
    }
  }
  return undefined
}

function hash ({ attributes, used }: Tag, bytes: Uint8Array, base: number): void {
  for (let at = 0; at < used; at += STRIDE) {
    const end = base + (attributes[at + NAME_END] as number)
    let value = 0
    for (let i = base + (attributes[at + NAME] as number); i < end; i++) value = (Math.imul(value, 31) + (bytes[i] as number)) | 0
    attributes[at + HASH] = value
  }
}

function sameName (attributes: Int32Array, at: number, other: number, bytes: Uint8Array, base: number): boolean {
  return sameBytes(
    bytes, base + (attributes[at + NAME] as number), base + (attributes[at + NAME_END] as number), base + (attributes[other + NAME] as number), base + (attributes[other + NAME_END] as number),
  )
}

function prefixedProblem (tag: Tag, scope: Scope, bytes: Uint8Array, base: number, limits: Limits): Problem | undefined {
  const { attributes, used } = tag
  let seen: Map<string, Set<string>> | undefined
  for (let at = 0; at < used; at += STRIDE) {
    const start = attributes[at + NAME] as number
    const colon = attributes[at + COLON_AT] as number
    if (colon === NO_COLON || isDeclaration(tag, at, bytes, base)) continue
    const length = (attributes[at + NAME_END] as number) - start
    if (length === 8 && spells(bytes, base + start, 'xml:lang')) {
      // Its namespace has no other prefix, so that it is no duplicate of anything but itself.
      if ((attributes[at + VALUE_END] as number) - (attributes[at + VALUE] as number) > limits.langBytes) return { limit: 'attribute-bytes', detail: 'an xml:lang longer than any language tag' }
      continue
    }
    const namespace = scope.lookup(bytes, base, start, colon)
    if (namespace === undefined) return { detail: 'an attribute with an undeclared prefix' }
    seen ??= new Map()
    const names = seen.get(namespace)
    const local = decodeUtf8(bytes, base + colon + 1, base + (attributes[at + NAME_END] as number))
    if (names === undefined) seen.set(namespace, new Set([local]))
    else if (names.size === names.add(local).size) return { detail: 'an attribute twice, under two prefixes of one namespace' }
  }
  return undefined
}

function declare (tag: Tag, at: number, scope: Scope, bytes: Uint8Array, base: number, depth: number, limits: Limits): Problem | undefined {
  const { attributes } = tag
  const colon = attributes[at + COLON_AT] as number
  const end = attributes[at + NAME_END] as number
  const prefix = colon === NO_COLON ? end : colon + 1
  const value = attributes[at + VALUE] as number
  const valueEnd = attributes[at + VALUE_END] as number
  if (valueEnd - value > limits.namespaceBytes) return { limit: 'namespace-bytes', detail: 'over the limit of namespace-bytes' }
  if (scope.declared >= limits.declarations) return { limit: 'declarations', detail: 'over the limit of declarations' }

  if (prefix < end) {
    if (value === valueEnd) return { detail: 'a prefix declared as nothing' }
    if (end - prefix === 5 && spells(bytes, base + prefix, 'xmlns')) return { detail: 'a declaration of the prefix xmlns' }
  }
  const isXml = end - prefix === 3 && spells(bytes, base + prefix, 'xml')
  // Without a reference in it, a name of another length is another name.
  const length = valueEnd - value
  const mayBeReserved = length === XML_NAMESPACE.length || length === XMLNS_NAMESPACE.length || attributes[at + PLAIN] === 0
  if (isXml || (mayBeReserved && beginsReserved(bytes, base + value, base + valueEnd))) {
    const namespace = decodeValue(bytes, base + value, base + valueEnd)
    if (isXml !== (namespace === XML_NAMESPACE) || namespace === XMLNS_NAMESPACE) return { detail: 'a declaration of a reserved prefix or namespace' }
  }
  scope.declare(prefix, end, value, valueEnd, depth)
  return undefined
}

/** Whether a namespace name could be a reserved one: written as they begin, up to a reference that may hide the rest. */
function beginsReserved (bytes: Uint8Array, from: number, to: number): boolean {
  for (let k = 0; k < RESERVED.length && from + k < to; k++) {
    const byte = bytes[from + k] as number
    if (byte !== RESERVED.charCodeAt(k)) return byte === AMPERSAND
  }
  return true
}

function isDeclaration ({ attributes }: Tag, at: number, bytes: Uint8Array, base: number): boolean {
  const start = attributes[at + NAME] as number
  const colon = attributes[at + COLON_AT] as number
  return (colon === NO_COLON ? attributes[at + NAME_END] as number : colon) - start === 5 && spells(bytes, base + start, 'xmlns')
}
