/**
 * One endpoint from the TCP connect to the close: drives the negotiation table over a connection, gives each stage its time, and keeps what was
 * seen. Decides nothing: a stage fails with a Failure, what comes after it is not asked.
 */
import type { EndpointObservation, Failure, FeaturesSeen, HeaderSeen, Step, StoredCertificate } from '@dialtone/contracts'
import type { PlannedEndpoint } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { connect, type Connection } from '@dialtone/net'
import {
  BEFORE_AUTHENTICATION, FOOTER, STARTTLS, advance, begin, createFramer, headerText, readEvent, readHeader, streamErrorText,
  type Command, type Event, type Framer, type HeaderFrame, type Plan, type State,
} from '@dialtone/stream'
import type { CheckRequest } from './request.ts'
import { createSteps, type Steps } from './steps.ts'
import { createTranscript, type Transcript } from './transcript.ts'

/** What a stream says about itself: the claim question uses another `to` than the domain. */
export type Address = { from: string, to: string, sni: string }

export type Given = { request: CheckRequest, signal: AbortSignal, since: () => number, step?: (step: Step) => void }
export type Observed = { endpoint: EndpointObservation, certificates: Record<string, StoredCertificate> }

/** More bytes than a light check ever needs end it: a peer that floods is not read to the end. */
const MOST_BYTES = 262_144

export async function observeEndpoint (planned: PlannedEndpoint, address: Address, given: Given, tls: Plan['tls'] = 'offered'): Promise<Observed> {
  const { request, since } = given
  const steps = createSteps(planned.kind, since, step => given.step?.(step))
  const transcript = createTranscript(since)
  const seen: Partial<EndpointObservation> = {}
  const certificates: Record<string, StoredCertificate> = {}
  let received = 0

  if (!request.families.includes(planned.family)) {
    steps.enter('tcp')
    steps.fail({ at: 'probe', why: 'no-address-family', detail: `this vantage has no IPv${planned.family}` })
  } else {
    steps.enter('tcp')
    const opened = await connect({ address: planned.address, port: planned.port, allowNets: request.allowNets, timeoutMs: request.timeoutsMs.tcp, signal: given.signal })
    if ('failure' in opened) steps.fail(opened.failure)
    else {
      steps.finish()
      await converse(opened.connection, { kind: planned.kind, tls, authenticate: 'none' }, { address, given, steps, transcript, seen, certificates })
      received = opened.connection.received
      opened.connection.destroy()
    }
  }
  const endpoint: EndpointObservation = {
    id: endpointId(planned),
    kind: planned.kind,
    source: planned.source,
    target: planned.target,
    port: planned.port,
    ...(planned.priority === undefined ? {} : { priority: planned.priority }),
    ...(planned.weight === undefined ? {} : { weight: planned.weight }),
    address: planned.address,
    family: planned.family,
    steps: steps.list(),
    ...seen,
    received,
    transcript: transcript.lines(),
  }
  return { endpoint, certificates }
}

/** kind/target:port/address, unique in an observation. */
export function endpointId ({ kind, target, port, address }: PlannedEndpoint): string {
  return `${kind}/${target}:${port}/${address}`
}

type Conversation = { address: Address, given: Given, steps: Steps, transcript: Transcript, seen: Partial<EndpointObservation>, certificates: Record<string, StoredCertificate> }

/** Until the table says closed. Events come from one reader; commands are carried out in order before the next event. */
async function converse (connection: Connection, plan: Plan, about: Conversation): Promise<void> {
  const { steps, transcript, seen, given: { request } } = about
  const events: Event[] = []
  let header: HeaderFrame | undefined
  let [state, ...commands] = begin(plan)
  let reader = readerInto(events, connection, transcript, frame => { header = frame }, () => header)

  for (;;) {
    for (const command of commands) {
      const outcome = await carryOut(command, connection, plan.kind, about)
      if (outcome !== undefined) events.push(outcome)
      if (command.do === 'start-tls' || command.do === 'send-header') reader = readerInto(events, connection, transcript, frame => { header = frame }, () => header)
    }
    if (state.at === 'closed') break
    enterStage(state, steps)
    const event = events.shift() ?? await next(connection, reader, events, state, request)
    if (event === undefined) {
      commands = []
      continue
    }
    record(event, state, seen)
    ;[state, ...commands] = advance(state, event)
    if (state.at === 'closing' && seen.ended === undefined) steps.enter('close')
    if (state.at === 'closed') close(state, event, steps, seen)
  }
}

/** The next event, or undefined when only part of one came. */
async function next (connection: Connection, reader: Framer, events: Event[], state: State, { timeoutsMs }: CheckRequest): Promise<Event | undefined> {
  // The time-out is the stage's, not the chunk's: a peer that drips bytes does not stretch it.
  const key = state as object
  const deadline = deadlines.get(key) ?? performance.now() + (state.at === 'closing' ? timeoutsMs.close : timeoutsMs.stream)
  deadlines.set(key, deadline)
  const left = deadline - performance.now()
  const chunk = left <= 0 ? { timeout: true } as const : await connection.read(left)
  if ('timeout' in chunk) return { on: 'silence', received: connection.received }
  if ('failure' in chunk) return { on: 'stopped', failure: chunk.failure }
  if ('end' in chunk) return { on: 'stopped', failure: { at: 'stream', why: 'closed', received: connection.received } }
  if (connection.received > MOST_BYTES) return { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'policy-violation', detail: `sent more than ${MOST_BYTES} bytes before any authentication` } }
  const consumed = reader.write(chunk.bytes)
  if (consumed < chunk.bytes.length) surplus.set(connection, (surplus.get(connection) ?? 0) + chunk.bytes.length - consumed)
  return events.shift()
}

const deadlines = new WeakMap<object, number>()
/** Bytes that came in one packet with `<proceed/>` and are none of the stream's. */
const surplus = new WeakMap<Connection, number>()

function readerInto (events: Event[], connection: Connection, transcript: Transcript, keep: (frame: HeaderFrame) => void, header: () => HeaderFrame | undefined): Framer {
  let headed = false
  const framer: Framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => {
      headed = true
      keep(frame)
      transcript.received(text(frame.bytes))
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
      transcript.received(text(frame.bytes))
      const event = readEvent(frame, header() as HeaderFrame)
      if (event.on === 'proceed') framer.stop() // what follows in clear is no XML of ours (RFC 6120 §5.4.3.3)
      events.push(event)
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

/** Does what the table says; the handshake is the one command that brings an event of its own. */
async function carryOut (command: Command, connection: Connection, kind: Plan['kind'], { address, given: { request }, steps, transcript, seen, certificates }: Conversation): Promise<Event | undefined> {
  const send = (text: string) => {
    transcript.sent(text)
    connection.write(text)
  }
  switch (command.do) {
    case 'send-header': send(headerText({ from: address.from, to: address.to })); return undefined
    case 'send-starttls': send(STARTTLS); return undefined
    case 'send-error': send(streamErrorText(command.condition)); return undefined
    case 'send-footer': send(FOOTER); return undefined
    case 'close': return undefined
    case 'start-tls': {
      steps.enter('tls')
      const result = await connection.secure({
        sni: address.sni, ...(kind === 'direct' ? { alpn: ['xmpp-server'] } : {}), anchors: request.anchors, timeoutMs: request.timeoutsMs.tls,
        ...(request.clientCertificate === undefined ? {} : { clientCertificate: request.clientCertificate }),
      })
      const stray = result.stray + (surplus.get(connection) ?? 0)
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
    // A light check authenticates nobody: the table never asks for these.
    case 'send-bidi': case 'send-external': case 'send-dialback-key': case 'send-dialback-question': case 'deliver': return undefined
    default: return command satisfies never
  }
}

function enterStage (state: State, steps: Steps): void {
  if (state.at === 'awaiting-proceed') steps.enter('starttls')
  if (state.at !== 'awaiting-header' && state.at !== 'awaiting-features') return
  const again = state.secured && state.plan.kind === 'starttls'
  steps.enter(again ? 'features-again' : state.at === 'awaiting-header' ? 'header' : 'features')
}

function record (event: Event, state: State, seen: Partial<EndpointObservation>): void {
  if (state.at !== 'awaiting-header' && state.at !== 'awaiting-features') return
  const again = state.secured && state.plan.kind === 'starttls'
  const put = (header: HeaderSeen | undefined, features: FeaturesSeen | undefined) => {
    if (header !== undefined) seen[again ? 'headerAgain' : 'header'] = header
    if (features !== undefined) seen[again ? 'featuresAgain' : 'features'] = features
  }
  if (event.on === 'header') put(event.header, undefined)
  if (event.on === 'features') put(undefined, event.features)
}

/** The last event decides how it ended: once everything was asked, a missing goodbye is a fact, not a failure. */
function close (state: Extract<State, { at: 'closed' }>, event: Event, steps: Steps, seen: Partial<EndpointObservation>): void {
  if (steps.current !== 'close') {
    if (state.because !== undefined) steps.fail(state.because)
    return
  }
  const failure = event.on === 'stopped' ? event.failure : undefined
  seen.ended = event.on === 'footer' ? 'clean' : event.on === 'silence' ? 'timeout' : event.on === 'stream-error' ? 'error' : failure?.at === 'stream' && failure.why === 'closed' ? 'no-footer' : 'reset'
  if (seen.ended === 'clean' || seen.ended === 'no-footer' || seen.ended === 'timeout') steps.finish()
  else steps.fail(state.because ?? { at: 'stream', why: 'reset', received: 0 })
}

function text (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('utf8')
}
