/**
 * What is said on some streams, for some minutes, for an operator who looks for what two servers do not agree on. One at a time, redacted (`describe.ts`), in a ring of bounded size;
 * while there is none, a stream pays for it with one look at `on`.
 */
import type { GatewayEvent } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import type { ElementFrame, HeaderFrame, Pair } from '@dialtone/stream'
import { concerns } from '../inbound/selection.ts'
import type { Selection, World } from '../seams.ts'
import { describe, describeHeader, describeOwn } from './describe.ts'

/** Whose stream it is: as much of it as is known. */
export type Traced = { readonly id: string, readonly zone: string, readonly pairs: readonly Pair[], readonly names: Pair | undefined }

export const MOST_TRACE_SECONDS = 600
/** Lines that are kept, and that are given at once. */
const KEPT = 2000
const GIVEN = 500
const HEADED = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' version='1.0'>"

export class Trace {
  /** Whether somebody wants to know. */
  on = false
  private readonly world: () => World | undefined
  private readonly clock: Clock
  private selection: Selection = {}
  private until = 0
  private lines: string[] = []
  /** The number of the first line that is kept. */
  private first = 0

  constructor (world: () => World | undefined, clock: Clock) {
    this.world = world
    this.clock = clock
  }

  /** Instead of the one that there was. Times in seconds, at most `MOST_TRACE_SECONDS`. */
  start (selection: Selection, seconds: number): void {
    this.first += this.lines.length
    this.lines = []
    this.selection = selection
    this.until = this.clock.elapsed() + Math.min(seconds, MOST_TRACE_SECONDS) * 1000
    this.on = true
  }

  /** Lines from that number on, as many as are given at once; `next` is to be asked for then. */
  read (from: number): { lines: string[], next: number, left: number } {
    const at = Math.min(Math.max(from - this.first, 0), this.lines.length)
    const lines = this.lines.slice(at, at + GIVEN)
    return { lines, next: this.first + at + lines.length, left: this.on ? Math.max(0, Math.ceil((this.until - this.clock.elapsed()) / 1000)) : 0 }
  }

  get next (): number { return this.first + this.lines.length }

  /** To be called now and then. */
  tick (): void {
    if (this.on && this.clock.elapsed() >= this.until) this.on = false
  }

  header (of: Traced, header: HeaderFrame): void {
    if (this.wants(of)) this.note(of, 'in', describeHeader(header))
  }

  element (of: Traced, frame: ElementFrame, header: HeaderFrame): void {
    if (this.wants(of)) this.note(of, 'in', describe(frame, header))
  }

  /** Of ours, as text or as bytes that are one stanza. */
  said (of: Traced, text: string): void {
    if (this.wants(of)) for (const line of describeOwn(text, HEADED)) this.note(of, 'out', line)
  }

  wrote (of: Traced, data: Uint8Array, start: number, end: number): void {
    if (this.wants(of)) for (const line of describeOwn(new TextDecoder().decode(data.subarray(start, end)), HEADED)) this.note(of, 'out', line)
  }

  told ({ on, zone = '', from, to, stream = '', says }: Omit<GatewayEvent, 'gateway' | 'at'>): void {
    if (!this.on || from === undefined || to === undefined) return
    const of = { id: stream, zone, pairs: [{ from, to }], names: undefined }
    if (this.wants(of)) this.note(of, on, says)
  }

  private wants (of: Traced): boolean {
    const world = this.world()
    if (world === undefined || this.clock.elapsed() >= this.until) return false
    // Of a stream that we have opened, the pair is the other way round.
    return concerns(this.selection, world, of) || concerns(this.selection, world, { ...of, pairs: of.pairs.map(turned), names: of.names === undefined ? undefined : turned(of.names) })
  }

  private note ({ id, zone, pairs, names }: Traced, what: string, says: string): void {
    const pair = pairs[0] ?? names
    this.lines.push(`${new Date(this.clock.now()).toISOString()} ${zone} ${id === '' ? '-' : id} ${pair === undefined ? '-' : `${pair.from || '-'}>${pair.to || '-'}`} ${what}: ${says}`.slice(0, 900))
    if (this.lines.length <= KEPT) return
    this.lines.shift()
    this.first++
  }
}

function turned ({ from, to }: Pair): Pair {
  return { from: to, to: from }
}
