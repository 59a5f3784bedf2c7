/**
 * The requests to JetStream that the bus makes, and the streams and buckets that it keeps there. Raw requests: of the client's JetStream we would use
 * little, and what a user may do is a list of their subjects.
 */
import { STREAMS, type StreamName } from '@dialtone/contracts'
import type { Logger } from '@dialtone/kernel'
import { headers } from 'nats'
import { NOUNS, type Limits } from '../limits.ts'
import { documentSubject, eventSubject } from '../subjects.ts'
import { JetStreamError, NAME_IN_USE, STREAM_NOT_FOUND, toldAs } from './failures.ts'
import type { Link } from './link.ts'

/** `created`: of this one; another when it was made anew. */
export type StreamInfo = { created: string, config: Record<string, unknown>, state: { first_seq: number, last_seq: number, messages: number, subjects?: Record<string, number> } }

export type JetStream = {
  /** The answer of an API subject; rejects with a JetStreamError, or what the link rejects with. */
  api: <R>(subject: string, body?: unknown) => Promise<R>
  info: (stream: string, subjects?: string) => Promise<StreamInfo>
  /** Stores; resolves when it is stored. */
  store: (stream: string, subject: string, bytes: Uint8Array, more: Readonly<Record<string, string>>) => Promise<{ seq: number, duplicate: boolean }>
  /** Resolves when the stream is there; makes it if we are to. Once for each connection. */
  stream: (name: StreamName) => Promise<void>
  bucket: (name: string, ttlSeconds: number | undefined) => Promise<void>
}

const API_MS = 5000
const NANO = 1_000_000_000

export const streamNames: Readonly<Record<StreamName, string>> = { observations: 'dialtone-observations', announcements: 'dialtone-announcements', audit: 'dialtone-audit', facts: 'dialtone-facts' }
export function bucketStream (bucket: string): string {
  return `KV_${bucket}`
}
export function bucketSubject (bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`
}

export function createJetStream (link: Link, { limits, replicas, createStreams, logger }: { limits: Limits, replicas: number | undefined, createStreams: boolean, logger: Logger }): JetStream {
  const made = new Map<string, Promise<void>>()
  /** Once for each connection: after it was lost the server may be another, or have lost its disk. */
  const once = (name: string, make: () => Promise<void>): Promise<void> => {
    const known = made.get(name)
    if (known !== undefined) return known
    const making = make()
    made.set(name, making)
    making.catch(() => made.delete(name))
    return making
  }
  const api = async <R>(subject: string, body?: unknown): Promise<R> => {
    const message = await link.ask(`$JS.API.${subject}`, Buffer.from(body === undefined ? '' : JSON.stringify(body)), { timeoutMs: API_MS })
    return answerOf(message.data) as R
  }
  const info = (stream: string, subjects?: string): Promise<StreamInfo> => api<StreamInfo>(`STREAM.INFO.${stream}`, subjects === undefined ? undefined : { subjects_filter: subjects }).catch((error: unknown) => {
    if (isMissing(error)) made.delete(stream) // an operator deleted it: whoever asks for it next makes it
    throw error
  })
  const ensure = async (name: string, config: Record<string, unknown>): Promise<void> => {
    const wanted = { name, retention: 'limits', storage: 'file', discard: 'old', deny_delete: true, allow_rollup_hdrs: false, ...(replicas === undefined ? {} : { num_replicas: replicas }), ...config }
    try {
      const { config: is } = await info(name).catch(async error => {
        if (isMissing(error)) return api<StreamInfo>(`STREAM.CREATE.${name}`, wanted)
        throw error
      }).catch(error => {
        if (error instanceof JetStreamError && error.number === NAME_IN_USE) return info(name) // another was faster
        throw error
      })
      const differs = Object.entries(wanted).filter(([field, value]) => JSON.stringify(is[field] ?? defaultOf(value)) !== JSON.stringify(value)).map(([field]) => field)
      if (differs.length === 0) return
      logger.info({ stream: name, differs }, 'the limits of a stream are brought up to date')
      await api(`STREAM.UPDATE.${name}`, { ...is, ...wanted })
    } catch (error) {
      throw toldAs(error, name)
    }
  }
  const stream = (name: StreamName): Promise<void> => once(streamNames[name], () => ensure(streamNames[name], streamConfig(name, limits)))

  link.onChange(connected => {
    made.clear()
    if (!connected || !createStreams) return
    for (const name of STREAMS) stream(name).catch((error: unknown) => logger.error({ stream: name, error: String(error) }, 'a stream could not be made; it is tried again with the next event'))
  })
  return {
    api,
    info,
    store: async (stream, subject, bytes, more) => {
      const header = headers()
      for (const [name, value] of Object.entries({ 'Nats-Expected-Stream': stream, ...more })) header.set(name, value)
      const { data } = await link.ask(subject, bytes, { timeoutMs: API_MS, headers: header })
      const { seq, duplicate = false } = answerOf(data) as { seq: number, duplicate?: boolean }
      return { seq, duplicate }
    },
    stream: name => createStreams ? stream(name) : Promise.resolve(),
    bucket: (name, ttlSeconds) => once(bucketStream(name), () => ensure(bucketStream(name), bucketConfig(name, ttlSeconds, limits))),
  }
}

function streamConfig (name: StreamName, limits: Limits): Record<string, unknown> {
  const { maxAgeSeconds, maxBytes, maxMessages } = limits.streams[name]
  const subject = eventSubject(NOUNS[name], [])
  return {
    subjects: [subject, `${subject}.>`],
    max_age: maxAgeSeconds * NANO, max_bytes: maxBytes, max_msgs: maxMessages, max_msg_size: limits.mostBodyBytes + 16 * 1024,
    duplicate_window: Math.min(limits.duplicateWindowSeconds, maxAgeSeconds) * NANO,
  }
}

/**
 * As the KV of NATS lays it out, so that its tools show it, but for two things. No roll-up, with which whoever may write one key could delete them all.
 * And what is stored is said again on a subject of its own, with its revision: who watches needs no consumer, with which a user could have
 * the server speak on any subject.
 */
function bucketConfig (name: string, ttlSeconds: number | undefined, limits: Limits): Record<string, unknown> {
  const age = (ttlSeconds ?? 0) * NANO
  // What is written again and again, by many: whoever fills the bucket keeps nobody out of it. What is kept is never dropped for something new.
  const bounds = ttlSeconds === undefined ? { discard: 'new', max_msg_size: limits.mostBodyBytes + 16 * 1024 } : { discard: 'old', max_msg_size: limits.mostPassingBytes + 4096, max_msgs: limits.mostPassing }
  return {
    subjects: [bucketSubject(name, '>')],
    max_msgs_per_subject: 1, allow_direct: true, max_bytes: limits.bucketBytes, max_age: age, ...bounds,
    duplicate_window: age === 0 ? 120 * NANO : Math.min(age, 120 * NANO),
    republish: { src: bucketSubject(name, '>'), dest: documentSubject(name, '>') },
  }
}

function answerOf (bytes: Uint8Array): object {
  const answer = JSON.parse(Buffer.from(bytes).toString()) as { error?: { code: number, err_code?: number, description?: string } }
  if (answer.error !== undefined) throw new JetStreamError(answer.error.err_code ?? answer.error.code, answer.error.description ?? 'no reason given')
  return answer
}

function isMissing (error: unknown): boolean {
  return error instanceof JetStreamError && error.number === STREAM_NOT_FOUND
}

/** What the server leaves out of its answer. */
function defaultOf (value: unknown): unknown {
  return typeof value === 'number' ? 0 : typeof value === 'boolean' ? false : undefined
}
