/** How much does the bus keep, and how much does it take at once? Every number of it that an operator may ask about. */
import type { StreamName } from '@dialtone/contracts'

export type StreamLimits = { maxAgeSeconds: number, maxBytes: number, maxMessages: number }
export type Limits = {
  streams: Readonly<Record<StreamName, StreamLimits>>
  /** A body as it is sent, compressed. NATS refuses a message above 1 MiB; the rest is for its headers. */
  mostBodyBytes: number
  /** A body after it was unpacked: what a few kilobytes may grow to. Reading one holds the loop. */
  mostUnpackedBytes: number
  /** The same of documents that are kept, which only control writes. */
  mostLastingBytes: number
  /** Unpacked bodies that a reader of a durable history is given at once; it is given at least one. */
  mostBatchBytes: number
  /** Of one bucket, on the disk of the server. */
  bucketBytes: number
  /** Of documents with a time to live, which agents write: one of them, as it is sent; and how many one bucket has, the oldest dropped. */
  mostPassingBytes: number
  mostPassing: number
  /** Documents that one reading of a bucket takes; one is asked for after the other. */
  mostRead: number
  /** Deliveries that wait for one subscriber; the oldest are dropped. */
  mailbox: number
  /** Commands that one server works on at a time; more are refused. */
  served: number
  /** A repetition within so long is not stored again. The embedded bus knows ids for as long as it keeps the event. */
  duplicateWindowSeconds: number
}

const DAY = 86_400
const MIB = 1024 * 1024

export const LIMITS: Limits = {
  streams: {
    observations: { maxAgeSeconds: 7 * DAY, maxBytes: 8192 * MIB, maxMessages: 20_000_000 },
    announcements: { maxAgeSeconds: 90 * DAY, maxBytes: 512 * MIB, maxMessages: 2_000_000 },
    audit: { maxAgeSeconds: 400 * DAY, maxBytes: 512 * MIB, maxMessages: 2_000_000 },
    facts: { maxAgeSeconds: 7 * DAY, maxBytes: 1024 * MIB, maxMessages: 5_000_000 },
  },
  mostBodyBytes: MIB - 16 * 1024,
  mostUnpackedBytes: 4 * MIB,
  mostLastingBytes: 64 * MIB,
  mostBatchBytes: 4 * MIB,
  bucketBytes: 64 * MIB,
  mostPassingBytes: 64 * 1024,
  mostPassing: 10_000,
  mostRead: 50_000,
  mailbox: 1000,
  served: 256,
  duplicateWindowSeconds: 120,
}

/** What the caller wants otherwise; `streams` replaces single limits. */
export type LimitChanges = Partial<Omit<Limits, 'streams'>> & { streams?: Partial<Record<StreamName, Partial<StreamLimits>>> }

export function limitsWith ({ streams = {}, ...rest }: LimitChanges = {}): Limits {
  const each = (name: StreamName): StreamLimits => ({ ...LIMITS.streams[name], ...streams[name] })
  return { ...LIMITS, ...rest, streams: { observations: each('observations'), announcements: each('announcements'), audit: each('audit'), facts: each('facts') } }
}

/** The nouns of each stream; nothing else is stored in it. */
export const NOUNS: Readonly<Record<StreamName, string>> = { observations: 'observation', announcements: 'announcement', audit: 'audit', facts: 'pair' }
