/** A pull consumer of JetStream as a cursor: batches of what is there, asked for ahead, until the connection, the server or the consumer is gone. */
import type { Msg } from 'nats'
import type { Kept } from '../batches.ts'
import { headOf } from './heads.ts'
import type { JetStream } from './jetstream.ts'
import type { Link } from './link.ts'

export type Cursor = {
  /** What came since, at most so many; waits for the first. Empty when the cursor is at its end and another has to be made. */
  next: () => Promise<Kept[]>
  close: () => void
}
export type CursorOptions = { stream: string, start: { seq: number } | { time: string }, most: number, signal: AbortSignal }

const NANO = 1_000_000
const EXPIRES_MS = 30_000
const HEARTBEAT_MS = 5000
const SILENT_MS = 3 * HEARTBEAT_MS
/** More than one message, and little to hold. */
const PULL_BYTES = 8 * 1024 * 1024
/** The server forgets a consumer that nobody pulls from. */
const FORGOTTEN_MS = 60_000

export async function openCursor (link: Link, jetstream: JetStream, { stream, start, most, signal }: CursorOptions): Promise<Cursor> {
  const inbox = link.inbox()
  let held: Kept[] = []
  let asked = 0
  let delivered = 0
  let over = false
  let heard = performance.now()
  let wake = (): void => undefined

  const end = (): void => {
    over = true
    wake()
  }
  const hear = (message: Msg): void => {
    heard = performance.now()
    const head = headOf(message)
    const place = placeOf(message.reply)
    // What has a place is stored, and whoever stored it wrote its header: a status in it is not the server's.
    if (place === undefined) {
      const { code } = head
      if (code === 100) return
      // 404 nothing, 408 its time is over, 409 its bytes are: ask again. Everything else, and what 409 says else, is the end of the consumer.
      asked = 0
      if (code === 404 || code === 408 || (code === 409 && /maxbytes|batch completed/i.test(head.description))) return wake()
      return end()
    }
    delivered++
    if (place.delivery !== delivered) return end() // one is missing
    asked--
    held.push({ seq: place.seq, id: head.last('Nats-Msg-Id'), at: place.at, subject: message.subject, body: message.data })
    wake()
  }
  const subscription = await link.subscribe(inbox, hear)
  const forget = link.onChange(end)
  signal.addEventListener('abort', end, { once: true })
  const guard = setInterval(() => {
    if (performance.now() - heard > SILENT_MS && asked > 0) end()
  }, HEARTBEAT_MS).unref()
  let consumer: string | undefined
  const close = (): void => {
    over = true
    clearInterval(guard)
    forget()
    signal.removeEventListener('abort', end)
    void subscription.stop()
    if (consumer !== undefined && link.connected) link.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`, new Uint8Array(), undefined, link.inbox())
  }
  try {
    const made = await jetstream.api<{ name: string }>(`CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config: {
        ...('seq' in start ? { deliver_policy: 'by_start_sequence', opt_start_seq: start.seq } : { deliver_policy: 'by_start_time', opt_start_time: start.time }),
        ack_policy: 'none', replay_policy: 'instant', inactive_threshold: FORGOTTEN_MS * NANO, mem_storage: true, num_replicas: 1, max_waiting: 8,
      },
    })
    consumer = made.name
  } catch (error) {
    close()
    throw error
  }
  const pull = (): void => {
    asked = most
    heard = performance.now()
    link.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, Buffer.from(JSON.stringify({ batch: most, max_bytes: PULL_BYTES, expires: EXPIRES_MS * NANO, idle_heartbeat: HEARTBEAT_MS * NANO })), undefined, inbox)
  }
  return {
    next: async () => {
      for (;;) {
        if (over) return []
        if (asked === 0) pull()
        if (held.length > 0) {
          const batch = held.slice(0, most)
          held = held.slice(most)
          return batch
        }
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
    close,
  }
}

/** Of `$JS.ACK.<stream>.<consumer>.<tries>.<seq>.<delivery>.<nanoseconds>.<pending>`; newer servers put domain and account before the stream. */
function placeOf (reply = ''): { seq: number, delivery: number, at: number } | undefined {
  const tokens = reply.split('.')
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined
  const at = tokens.length > 9 ? 7 : 5
  return { seq: Number(tokens[at]), delivery: Number(tokens[at + 1]), at: Math.floor(Number(tokens[at + 2]) / NANO) }
}
