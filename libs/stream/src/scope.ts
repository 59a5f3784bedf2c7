// Namespace declarations in scope inside one first-level element (Namespaces in XML 1.0 §3, §6), on top of the stream header's.
import { decodeUtf8, decodeValue } from './decode.ts'
import { SERVER } from './namespaces.ts'
import { spells } from './tag.ts'

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'

/** Numbers that are kept of a declaration: its prefix (empty for the default), its value, and the depth that it was made at. */
const STRIDE = 5
/** Declarations that there is room for from the start. */
const ROOM = 8
const PREFIX = 0, PREFIX_END = 1, VALUE = 2, VALUE_END = 3, DEPTH = 4

/** Positions are relative to the item, as in `Tag`. */
export class Scope {
  /** How many declarations the item has made so far, those out of scope again included. */
  declared = 0
  /** The default namespace of the stream header; '' without one. */
  readonly outerDefault: string
  private entries = new Int32Array(STRIDE * ROOM)
  private used = 0
  private readonly outer: ReadonlyMap<string, string>

  /** `outer` holds the declarations of the stream header; empty while the header itself is read. */
  constructor (outer: ReadonlyMap<string, string>) {
    this.outer = outer
    const outerDefault = outer.get('') ?? ''
    // The constant itself, so that comparing a namespace with it need not look at its characters.
    this.outerDefault = outerDefault === SERVER ? SERVER : outerDefault
  }

  /** A new first-level element. */
  reset (): void {
    this.used = 0
    this.declared = 0
  }

  declare (prefix: number, prefixEnd: number, value: number, valueEnd: number, depth: number): void {
    const { used } = this
    if (used === this.entries.length) {
      const more = new Int32Array(2 * used)
      more.set(this.entries)
      this.entries = more
    }
    const { entries } = this
    entries[used + PREFIX] = prefix
    entries[used + PREFIX_END] = prefixEnd
    entries[used + VALUE] = value
    entries[used + VALUE_END] = valueEnd
    entries[used + DEPTH] = depth
    this.used = used + STRIDE
    this.declared++
  }

  /** Declarations of elements deeper than `depth` go out of scope. */
  leave (depth: number): void {
    while (this.used > 0 && (this.entries[this.used - STRIDE + DEPTH] as number) > depth) this.used -= STRIDE
  }

  /** Whether the declaration that was made last names `namespace`, which needs no reference. */
  lastIs (bytes: Uint8Array, base: number, namespace: string): boolean {
    const at = this.used - STRIDE
    return isSpelled(bytes, base + (this.entries[at + VALUE] as number), base + (this.entries[at + VALUE_END] as number), namespace)
  }

  /** Whether it is written like the one before it, or else like `outer`. Meant for an item that declares default namespaces alone. */
  lastRepeats (bytes: Uint8Array, base: number, outer: string): boolean {
    const { entries } = this
    const at = this.used - STRIDE
    const before = at - STRIDE
    if (before < 0) return this.lastIs(bytes, base, outer)
    return sameBytes(bytes, base + (entries[at + VALUE] as number), base + (entries[at + VALUE_END] as number), base + (entries[before + VALUE] as number), base + (entries[before + VALUE_END] as number))
  }

  /** The namespace that a prefix stands for; '' and undefined differ: no default namespace, and no such prefix. */
  lookup (bytes: Uint8Array, base: number, start: number, end: number): string | undefined {
    const found = this.find(bytes, base, start, end)
    if (found !== -1) return decodeValue(bytes, base + (this.entries[found + VALUE] as number), base + (this.entries[found + VALUE_END] as number))
    if (start === end) return this.outerDefault
    return isXml(bytes, base, start, end) ? XML_NAMESPACE : this.outer.get(decodeUtf8(bytes, base + start, base + end))
  }

  /** Whether a prefix may be used here. */
  knows (bytes: Uint8Array, base: number, start: number, end: number): boolean {
    return isXml(bytes, base, start, end) || this.find(bytes, base, start, end) !== -1 || this.outer.has(decodeUtf8(bytes, base + start, base + end))
  }

  /** The declarations in scope, innermost winning, by prefix. */
  all (bytes: Uint8Array, base: number): Map<string, string> {
    const { entries, used } = this
    const found = new Map<string, string>()
    for (let at = 0; at < used; at += STRIDE) {
      const prefix = decodeUtf8(bytes, base + (entries[at + PREFIX] as number), base + (entries[at + PREFIX_END] as number))
      found.set(prefix, decodeValue(bytes, base + (entries[at + VALUE] as number), base + (entries[at + VALUE_END] as number)))
    }
    return found
  }

  private find (bytes: Uint8Array, base: number, start: number, end: number): number {
    const { entries } = this
    for (let at = this.used - STRIDE; at >= 0; at -= STRIDE) {
      if (sameBytes(bytes, base + start, base + end, base + (entries[at + PREFIX] as number), base + (entries[at + PREFIX_END] as number))) return at
    }
    return -1
  }
}

function isSpelled (bytes: Uint8Array, from: number, to: number, word: string): boolean {
  return to - from === word.length && spells(bytes, from, word)
}

function isXml (bytes: Uint8Array, base: number, start: number, end: number): boolean {
  return end - start === 3 && spells(bytes, base + start, 'xml')
}

export function sameBytes (bytes: Uint8Array, from: number, to: number, otherFrom: number, otherTo: number): boolean {
  if (to - from !== otherTo - otherFrom) return false
  for (let at = from, other = otherFrom; at < to; at++, other++) if (bytes[at] !== bytes[other]) return false
  return true
}
