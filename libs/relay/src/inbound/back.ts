/**
 * The way back on a stream that its peer has opened (XEP-0288): stanzas for the peer, of the reversed pair of one that it has proved there. Bytes are collected and leave with `flush`,
 * as on a stream that we have opened; what they say is nobody's business here, and no answer about a key goes with them (row D2).
 */
import type { Failure, StreamCondition, StreamView } from '@dialtone/contracts'
import type { Connection } from '@dialtone/net'
import type { Pair } from '@dialtone/stream'
import { Batch } from '../outbound/batch.ts'
import type { OutStream } from '../seams.ts'
import type { Trace } from '../trace/trace.ts'

export type BackOptions = {
  id: string
  /** As its stanzas are: from us to the peer. */
  pair: Pair
  connection: Connection
  secured: boolean
  trace?: Trace
  /** Something was handed to the connection, in bytes. */
  sent: (bytes: number) => void
  /** The core wants the stream ended, for this reason. */
  close: (condition: StreamCondition, text: string) => void
  view: () => StreamView
}

export class Back implements OutStream {
  readonly id: string
  readonly pair: Pair
  readonly by = 'bidi'
  // Of our header, which has none.
  readonly lang = undefined
  readonly maxBytes = undefined
  // The peer may count what it takes; it is not asked.
  readonly acknowledged = undefined
  readonly ended: Promise<{ clean: boolean, because?: Failure }>
  drained: (() => void) | undefined
  ending: (() => void) | undefined
  acked: (() => void) | undefined
  open = true
  stanzas = 0
  private readonly options: BackOptions
  private readonly batch = new Batch()
  private settle: (how: { clean: boolean, because?: Failure }) => void = () => undefined

  constructor (options: BackOptions) {
    this.options = options
    this.id = options.id
    this.pair = options.pair
    this.ended = new Promise(resolve => { this.settle = resolve })
  }

  get unsent (): number { return this.options.connection.unsent + this.batch.length }

  write (data: Uint8Array, start: number, end: number, lasting: boolean): void {
    if (!this.open) return
    const { id, pair, options: { trace } } = this
    if (trace?.on === true) trace.wrote({ id, zone: this.view().zone, pairs: [pair], names: undefined }, data, start, end)
    this.batch.add(data, start, end, lasting)
    this.stanzas++
  }

  flush (): void {
    const { batch, options: { connection, secured, sent } } = this
    if (batch.length > 0 && this.open) sent(batch.send(connection, secured))
  }

  /** The peer has taken what there was. */
  taken (): void {
    this.batch.reclaim()
    this.drained?.()
  }

  /** Without a condition nothing more leaves here, and the stream goes on. */
  close (condition?: StreamCondition, text = ''): void {
    if (!this.open) return
    if (condition !== undefined) return this.options.close(condition, text)
    this.stop()
    this.end(true)
  }

  /** Its stream ends by itself; what was written there is not waited for. */
  abort (): void {
    this.end(false, { at: 'probe', why: 'cancelled' })
  }

  /** Nothing more is taken; what was collected leaves. */
  stop (): void {
    if (!this.open) return
    this.flush()
    this.open = false
    this.ending?.()
  }

  /** It is known whether what was written has arrived. */
  end (clean: boolean, because?: Failure): void {
    this.stop()
    this.settle({ clean, ...(because === undefined ? {} : { because }) })
  }

  view (): StreamView {
    return this.options.view()
  }
}
