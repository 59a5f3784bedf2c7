/**
 * Drives the initiating table over one connection: bytes become events, commands are carried out, each stage gets its time, what was seen is kept.
 * Decides nothing: a stage fails with a Failure, what comes after it is not asked.
 */
import type { EndpointKind, EndpointObservation, Failure, FeaturesSeen, HeaderSeen, StoredCertificate } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Connection } from '@dialtone/net'
import {
  BEFORE_AUTHENTICATION, BIDI_REQUEST, FOOTER, STARTTLS, advance, begin, createFramer, dialbackKeyText, dialbackQuestionText, externalText, headerText, readEvent, readHeader, streamErrorText,
  type Command, type Event, type Framer, type HeaderFrame, type Plan, type State,
} from '@dialtone/stream'
import type { CheckRequest } from './request.ts'
import type { Steps } from './steps.ts'
import type { Transcript } from './transcript.ts'

/** What a stream says about itself: the claim question uses another `to` than the domain. */
export type Address = { from: string, to: string, sni: string }

/** What is kept of a stream, whatever it is for. */
export type StreamSeen = Partial<Pick<EndpointObservation, 'header' | 'features' | 'tls' | 'chain' | 'headerAgain' | 'featuresAgain' | 'strayBytes' | 'ended'>>

export type Conversation = {
  plan: Plan
  address: Address
  request: Pick<CheckRequest, 'anchors' | 'clientCertificate' | 'timeoutsMs'>
  steps: Steps
  transcript: Transcript
  seen: StreamSeen
  certificates: Record<string, StoredCertificate>
  /** Only of a stream that authenticates. */
  authenticate?: Authenticate
}

export type Authenticate = {
  /** The key for this stream; called once, before it is sent. */
  keyFor: (streamId: string, secured: boolean) => string
  /** Takes out of a text what the peer must not hand on to a reader: the key that was sent. */
  mask: (text: string) => string
  /** Milliseconds to wait for the answer to a key. */
  dialbackMs: number
  /** Hears each event before the table does. */
  heard: (event: Event, state: State) => void
  /** The stream is authenticated: may say something on it. It is closed when the signal aborts. */
  established: (say: (text: string) => void) => AbortSignal
}

/** More bytes than a check ever needs end it: a peer that floods is not read to the end. */
const MOST_BYTES = 262_144

/** Until the table says closed. Events come from one reader; commands are carried out in order before the next event. */
export async function converse (connection: Connection, about: Conversation): Promise<void> {
  const { steps, seen, plan, authenticate } = about
  const reading: Reading = { connection, about, events: [], surplus: 0, reader: undefined, header: undefined }
  const waiting = { state: undefined as State | undefined, until: 0 }
  let done: AbortSignal | undefined
  let [state, ...commands] = begin(plan)

  for (;;) {
    for (const command of commands) {
      const outcome = await carryOut(command, reading, about)
      if (outcome !== undefined) reading.events.push(outcome)
    }
    if (state.at === 'closed') break
    enterStage(state, steps)
    if (state.at === 'established') done ??= authenticate?.established(text => say(text, reading)) ?? AbortSignal.abort()
    // The time-out is the state's, not the chunk's: a peer that drips bytes does not stretch it.
    if (waiting.state !== state) Object.assign(waiting, { state, until: performance.now() + patience(state, about) })
    const event = reading.events.shift() ?? await next(reading, waiting.until, state.at === 'established' ? done : undefined)
    if (event === undefined) {
      commands = []
      continue
    }
    record(event, state, seen)
    authenticate?.heard(event, state)
    ;[state, ...commands] = advance(state, event)
    if (state.at === 'closing' && seen.ended === undefined) steps.enter('close')
    if (state.at === 'closed') close(state, event, about)
  }
}

type Reading = {
  connection: Connection
  about: Conversation
  events: Event[]
  /** Bytes that came in one packet with `<proceed/>` and are none of the stream's. */
  surplus: number
  reader: Framer | undefined
  header: HeaderFrame | undefined
}

function patience (state: State, { request: { timeoutsMs }, authenticate }: Conversation): number {
  if (state.at === 'closing') return timeoutsMs.close
  if (state.at === 'awaiting-dialback') return authenticate?.dialbackMs ?? timeoutsMs.stream
  return state.at === 'established' ? Number.POSITIVE_INFINITY : timeoutsMs.stream
}

/** The longest time that a timer takes. */
const LONGEST_MS = 2_147_483_647

/** The next event, or undefined when only part of one came. */
async function next (reading: Reading, until: number, done: AbortSignal | undefined): Promise<Event | undefined> {
  const { connection } = reading
  const left = until - performance.now()
  const chunk = left <= 0 ? { timeout: true } as const : await connection.read(Math.min(left, LONGEST_MS), done)
  if ('timeout' in chunk) return { on: 'silence', received: connection.received }
  if ('failure' in chunk) return { on: 'stopped', failure: chunk.failure }
  if ('end' in chunk) return { on: 'stopped', failure: { at: 'stream', why: 'closed', received: connection.received } }
  if (connection.received > MOST_BYTES) return { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'policy-violation', detail: `sent more than ${MOST_BYTES} bytes, and a check needs none of that` } }
  reading.reader ??= readerInto(reading)
  const consumed = reading.reader.write(chunk.bytes)
  reading.surplus += chunk.bytes.length - consumed
  return reading.events.shift()
}

function readerInto (reading: Reading): Framer {
  const { connection, events, about: { transcript, authenticate } } = reading
  const received = (bytes: Uint8Array) => transcript.received(authenticate?.mask(text(bytes)) ?? text(bytes))
  let headed = false
  const framer: Framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => {
      headed = true
      reading.header = frame
      received(frame.bytes)
      const read = readHeader(frame)
      if ('header' in read) events.push({ on: 'header', header: read.header })
      else {
        framer.stop()
        const failure: Failure = read.refused === 'bad-format'
          ? { at: 'stream', why: 'not-xmpp', received: connection.received, detail: `the root is <${quoted(frame.name, 60)}>` }
          : { at: 'stream', why: 'broke-protocol', condition: read.refused, detail: `the header is in the namespace ${quoted(frame.namespace, 160)}` }
        events.push({ on: 'stopped', failure })
      }
    },
    element: frame => {
      received(frame.bytes)
      const event = readEvent(frame, reading.header as HeaderFrame)
      if (event.on === 'proceed') framer.stop() // what follows in clear is no XML of ours (RFC 6120 §5.4.3.3)
      events.push(authenticate === undefined ? event : masked(event, authenticate.mask))
    },
    end: () => {
      transcript.received(FOOTER)
      events.push({ on: 'footer', received: connection.received })
    },
    error: ({ condition, limit, detail, offset }) => {
      const notXmpp = !headed && condition === 'not-well-formed'
      events.push({ on: 'stopped', failure: notXmpp
        ? { at: 'stream', why: 'not-xmpp', received: connection.received, detail: `${detail} (byte ${offset})` }
        : { at: 'stream', why: 'broke-protocol', condition, ...(limit === undefined ? {} : { limit }), detail: `${detail} (byte ${offset})` } })
    },
  })
  return framer
}

/** Every text of an event, through the mask. */
function masked<T> (value: T, mask: (text: string) => string): T {
  if (typeof value === 'string') return mask(value) as T
  if (Array.isArray(value)) return value.map(each => masked<unknown>(each, mask)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked<unknown>(inner, mask)])) as T
}

function say (what: string, { connection, about: { transcript } }: Reading): void {
  transcript.sent(what)
  connection.write(what)
}

/** Does what the table says; the handshake is the one command that brings an event of its own. */
async function carryOut (command: Command, reading: Reading, { address, plan, authenticate }: Conversation): Promise<Event | undefined> {
  switch (command.do) {
    // A new stream begins: whatever the old reader holds is none of it.
    case 'send-header': reading.reader = undefined; say(headerText({ from: address.from, to: address.to }), reading); return undefined
    case 'send-starttls': say(STARTTLS, reading); return undefined
    case 'send-bidi': say(BIDI_REQUEST, reading); return undefined
    case 'send-external': say(externalText(Buffer.from(address.from).toString('base64')), reading); return undefined
    case 'send-dialback-key': say(dialbackKeyText(address.from, address.to, authenticate?.keyFor(command.streamId, command.secured) ?? ''), reading); return undefined
    case 'send-dialback-question': say(dialbackQuestionText(command.question.from, command.question.to, command.question.id, command.question.key), reading); return undefined
    case 'send-error': say(streamErrorText(command.condition), reading); return undefined
    case 'send-footer': say(FOOTER, reading); return undefined
    case 'start-tls': return await secure(plan.kind, reading)
    case 'deliver': case 'close': return undefined
    // A check asks for neither stream management nor the way back, and so none of these is ever told.
    case 'answer-question': case 'send-dialback-result': case 'send-enable': case 'send-acknowledgement': case 'acknowledged': return undefined
    default: return command satisfies never
  }
}

async function secure (kind: EndpointKind, reading: Reading): Promise<Event> {
  const { connection, about: { address, request, steps, transcript, seen, certificates } } = reading
  steps.enter('tls')
  const result = await connection.secure({
    sni: address.sni, ...(kind === 'direct' ? { alpn: ['xmpp-server'] } : {}), anchors: request.anchors, timeoutMs: request.timeoutsMs.tls,
    ...(request.clientCertificate === undefined ? {} : { clientCertificate: request.clientCertificate }),
  })
  reading.reader = undefined
  const stray = result.stray + reading.surplus
  if (stray > 0) {
    seen.strayBytes = stray
    transcript.note(`${stray} bytes in clear before the handshake, discarded`)
  }
  if ('failure' in result) return { on: 'stopped', failure: result.failure }
  const { tls, chain, certificates: found } = result.secured
  transcript.note(`${tls.protocol} ${tls.cipher}`)
  steps.enter('certificate')
  seen.tls = tls
  seen.chain = chain
  Object.assign(certificates, found)
  return { on: 'secured', identity: false }
}

function enterStage (state: State, steps: Steps): void {
  switch (state.at) {
    case 'awaiting-proceed': return steps.enter('starttls')
    case 'awaiting-sasl': return steps.enter('external')
    case 'awaiting-dialback': return steps.enter('dialback')
    case 'awaiting-answer': return steps.enter('question')
    case 'awaiting-header': case 'awaiting-features': {
      // After SASL the stream begins once more: that is part of EXTERNAL (RFC 6120 §6.4.6).
      if (state.authenticated) return
      const again = state.secured && state.plan.kind === 'starttls'
      return steps.enter(again ? 'features-again' : state.at === 'awaiting-header' ? 'header' : 'features')
    }
    default:
  }
}

function record (event: Event, state: State, seen: StreamSeen): void {
  if ((state.at !== 'awaiting-header' && state.at !== 'awaiting-features') || state.authenticated) return
  const again = state.secured && state.plan.kind === 'starttls'
  const put = (header: HeaderSeen | undefined, features: FeaturesSeen | undefined) => {
    if (header !== undefined) seen[again ? 'headerAgain' : 'header'] = header
    if (features !== undefined) seen[again ? 'featuresAgain' : 'features'] = features
  }
  if (event.on === 'header') put(event.header, undefined)
  if (event.on === 'features') put(undefined, event.features)
}

/** The last event decides how it ended: once everything was asked, a missing goodbye is a fact, not a failure. */
function close (state: Extract<State, { at: 'closed' }>, event: Event, { steps, seen, plan }: Conversation): void {
  if (steps.current !== 'close') {
    // It offers nothing that we were to use: that is told by its features, and no stage failed.
    if (event.on === 'features' && plan.authenticate !== 'none') steps.finish()
    else if (state.because !== undefined || state.answer !== undefined) steps.fail(state.because)
    return
  }
  const failure = event.on === 'stopped' ? event.failure : undefined
  seen.ended = event.on === 'footer' ? 'clean' : event.on === 'silence' ? 'timeout' : event.on === 'stream-error' || failure?.at === 'stream' && failure.why === 'broke-protocol' ? 'error' : failure?.at === 'stream' && failure.why === 'closed' ? 'no-footer' : 'reset'
  if (seen.ended === 'clean' || seen.ended === 'no-footer' || seen.ended === 'timeout') steps.finish()
  else steps.fail(state.because ?? { at: 'stream', why: 'reset', received: 0 })
}

function text (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('utf8')
}
