import { decodeUtf8 } from './decode.ts'
import type { ElementFrame } from './frame.ts'
import { SERVER } from './namespaces.ts'
import { NO_COLON, PLAIN, type Tag, VALUE, VALUE_END, spells } from './tag.ts'

const AT = 0x40, SLASH = 0x2F, AMPERSAND = 0x26
const NONE: Uint8Array = new Uint8Array(0)

/**
 * A first-level element as its listener sees it: a view of proved bytes, of which only what is asked for is decoded. A framer has one, which shows
 * one element after another. It shows nothing between callbacks, so that whoever keeps it keeps no chunk alive; reading it then is a bug and throws.
 */
export class ProvedElement implements ElementFrame {
  private shown = NONE
  private shownStart = 0
  private shownEnd = 0
  private tag: Tag
  private shownNamespace = ''
  private own: boolean | undefined = false
  private lasts = false
  /** The pair that it was last found to be of: who asks first and who writes it ask the same. */
  private provedFrom = NONE
  private provedTo = NONE
  private readonly isOwn: () => boolean

  /** `tag` stands in until something is shown; `isOwn` is asked of an element that is shown without it. */
  constructor (tag: Tag, isOwn: () => boolean) {
    this.tag = tag
    this.isOwn = isOwn
  }

  show (data: Uint8Array, start: number, end: number, tag: Tag, namespace: string, own: boolean | undefined, lasts: boolean): void {
    this.shown = data
    this.shownStart = start
    this.shownEnd = end
    this.tag = tag
    this.shownNamespace = namespace
    this.own = own
    this.lasts = lasts
    this.provedFrom = NONE
    this.provedTo = NONE
  }

  /** The callback has returned. */
  expire (): void {
    this.shown = NONE
  }

  get data (): Uint8Array {
    const { shown } = this
    if (shown === NONE) throw new TypeError('an element was read after its callback had returned: copy what is to be kept')
    return shown
  }

  get start (): number { return this.data === NONE ? 0 : this.shownStart }
  get end (): number { return this.data === NONE ? 0 : this.shownEnd }
  get lasting (): boolean { return this.data !== NONE && this.lasts }
  get canonical (): boolean { return this.data !== NONE && (this.own ??= this.isOwn()) }
  get namespace (): string { return this.data === NONE ? '' : this.shownNamespace }

  get bytes (): Uint8Array {
    const { data } = this
    return new Uint8Array(data.buffer, data.byteOffset + this.shownStart, this.shownEnd - this.shownStart)
  }

  get prefix (): string {
    const { nameStart, colon } = this.tag
    return colon === NO_COLON ? '' : this.text(nameStart, colon)
  }

  get name (): string {
    const { nameStart, colon, nameEnd } = this.tag
    return this.text(colon === NO_COLON ? nameStart : colon + 1, nameEnd)
  }

  get kind (): 'message' | 'presence' | 'iq' | undefined {
    const { data, tag } = this
    if (this.shownNamespace !== SERVER) return undefined
    const local = tag.colon === NO_COLON ? tag.nameStart : tag.colon + 1
    const at = this.shownStart + local
    switch (tag.nameEnd - local) {
      case 7: return spells(data, at, 'message') ? 'message' : undefined
      case 8: return spells(data, at, 'presence') ? 'presence' : undefined
      case 2: return spells(data, at, 'iq') ? 'iq' : undefined
      default: return undefined
    }
  }

  get id (): string | undefined { return this.value('id') }
  get from (): string | undefined { return this.value('from') }
  get to (): string | undefined { return this.value('to') }
  get type (): string | undefined { return this.value('type') }
  get lang (): string | undefined { return this.value('xml:lang') }

  typeIs (word: string): boolean {
    const { data, tag, shownStart } = this
    const at = tag.find(data, shownStart, 'type')
    if (at === -1) return false
    // A reference could spell the same word.
    if (tag.attributes[at + PLAIN] === 0) return this.type === word
    const from = tag.attributes[at + VALUE] as number
    return (tag.attributes[at + VALUE_END] as number) - from === word.length && spells(data, shownStart + from, word)
  }

  pairIs (from: Uint8Array, to: Uint8Array): boolean {
    if (this.data !== NONE && this.provedFrom === from && this.provedTo === to && from.length > 0) return true
    if (!this.domainIs('from', from) || !this.domainIs('to', to)) return false
    this.provedFrom = from
    this.provedTo = to
    return true
  }

  /** The domain of a JID is what stands between the first '@' and the first '/', if the '@' comes first (RFC 7622 §3.1). */
  private domainIs (attribute: string, domain: Uint8Array): boolean {
    const { data, tag, shownStart } = this
    const at = tag.find(data, shownStart, attribute)
    if (at === -1) return false
    const end = shownStart + (tag.attributes[at + VALUE_END] as number)
    let from = shownStart + (tag.attributes[at + VALUE] as number)
    let i = from
    for (; i < end; i++) {
      const c = data[i] as number
      if (c === AT) {
        from = i + 1
        break
      }
      if (c === SLASH) break
      // It could stand for either sign.
      if (c === AMPERSAND) return false
    }
    // A canonical domain has neither sign and no reference, so that what equals it and ends here is all of the domain.
    const { length } = domain
    const to = from + length
    if (length === 0 || to > end || (to < end && data[to] !== SLASH)) return false
    for (let k = 0; k < length; k++) if (data[from + k] !== domain[k]) return false
    return true
  }

  private text (from: number, to: number): string {
    return decodeUtf8(this.data, this.shownStart + from, this.shownStart + to)
  }

  private value (name: string): string | undefined {
    return this.tag.value(this.data, this.shownStart, name)
  }
}
