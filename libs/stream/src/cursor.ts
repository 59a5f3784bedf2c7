// Where the reading is: the item, how far it may go, and what stopped it. The lexer's ground.
import type { StreamCondition, XmlLimit } from '@dialtone/contracts'
import type { Limits } from './limits.ts'
import type { Problem } from './tag-rules.ts'

/** Why the lexer stopped, and where in the data. */
export type LexerError = { at: number, condition: StreamCondition, limit?: XmlLimit, detail: string }

/** An item is the XML declaration, the stream header, a first-level element or the last end tag. */
export class Cursor {
  /** Where the item that is being read begins in the data; -1 between items. */
  start = -1
  /** Nothing more is read: set here on an error, by the lexer at the end, by the listener to stop. */
  halted = false
  error: LexerError | undefined

  protected limits: Limits
  /** Where the item is over its limit. */
  protected stopAt = 0
  /** The stream header has been read. */
  protected rooted = false

  constructor (limits: Limits) {
    this.limits = limits
  }

  raise (limits: Limits): void {
    this.limits = limits
    if (this.start >= 0) this.stopAt = this.start + this.itemLimit()
  }

  /** The item was moved within its buffer or to another one. */
  moveTo (start: number): void {
    this.stopAt += start - this.start
    this.start = start
  }

  protected begin (at: number): void {
    this.start = at
    this.stopAt = at + this.itemLimit()
  }

  protected overLimit (at: number): number {
    return this.rooted
      ? this.fail(at, { detail: 'an element is too long', limit: 'element-bytes' })
      : this.fail(at, { detail: 'the stream header is too long', limit: 'header-bytes' })
  }

  protected malformed (at: number, detail: string): number {
    return this.fail(at, { detail })
  }

  /** Returns `at`, where the reading ends. */
  protected fail (at: number, { limit, detail }: Problem, condition: StreamCondition = limit === undefined ? 'not-well-formed' : 'policy-violation'): number {
    this.halted = true
    this.error = { at, condition, ...(limit === undefined ? {} : { limit }), detail }
    return at
  }

  private itemLimit (): number {
    return this.rooted ? this.limits.elementBytes : this.limits.headerBytes
  }
}
