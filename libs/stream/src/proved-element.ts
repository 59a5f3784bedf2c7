import { decodeUtf8 } from './decode.ts'
import type { ElementFrame } from './frame.ts'
import { NO_COLON, type Tag } from './tag.ts'

/**
 * A first-level element as its listener sees it: a view of proved bytes, of which only what is asked for is decoded. It ends with the
 * callback that it was given to, so that whoever keeps it keeps no chunk alive; reading it later is a bug and throws.
 */
export class ProvedElement implements ElementFrame {
  readonly namespace: string
  private data: Uint8Array | undefined
  private readonly tag: Tag
  private readonly start: number
  private readonly end: number

  constructor (data: Uint8Array, start: number, end: number, tag: Tag, namespace: string) {
    this.data = data
    this.start = start
    this.end = end
    this.tag = tag
    this.namespace = namespace
  }

  get bytes (): Uint8Array {
    const data = this.held()
    return new Uint8Array(data.buffer, data.byteOffset + this.start, this.end - this.start)
  }

  get prefix (): string {
    const { nameStart, colon } = this.tag
    return colon === NO_COLON ? '' : this.text(nameStart, colon)
  }

  get name (): string {
    const { nameStart, colon, nameEnd } = this.tag
    return this.text(colon === NO_COLON ? nameStart : colon + 1, nameEnd)
  }

  get id (): string | undefined { return this.value('id') }
  get from (): string | undefined { return this.value('from') }
  get to (): string | undefined { return this.value('to') }
  get type (): string | undefined { return this.value('type') }
  get lang (): string | undefined { return this.value('xml:lang') }

  /** The callback has returned. */
  expire (): void {
    this.data = undefined
  }

  private text (from: number, to: number): string {
    return decodeUtf8(this.held(), this.start + from, this.start + to)
  }

  private value (name: string): string | undefined {
    return this.tag.value(this.held(), this.start, name)
  }

  private held (): Uint8Array {
    if (this.data === undefined) throw new TypeError('an element was read after its callback had returned: copy what is to be kept')
    return this.data
  }
}
