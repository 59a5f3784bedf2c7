/** One accepted connection: drives the receiving table, answers questions about keys, proves the keys of peers under check, hears their pongs. */
import type { Callback, CallbackAnswer, DialbackAnswerSeen, EndpointKind, Failure, ListenerEvent } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { anchorsOf, networkOf, validateChain, type Accepted, type PeerSecured, type Sparing } from '@dialtone/net'
import {
  BEFORE_AUTHENTICATION, FOOTER, PROCEED, SASL_SUCCESS, STARTTLS_FAILURE, accept, advanceReceiving, canonicalDomain, createFramer, dialbackAnswerText, featuresText, headerText, identityOf,
  readCertificate, readEvent, readHeader, saslFailureText, streamErrorText, toElement,
  type CertificateFacts, type DialbackAnswer, type Framer, type HeaderFrame, type Pair, type ReceivingCommand, type ReceivingEvent, type ReceivingState,
} from '@dialtone/stream'
import { keep, keepAsked, shownId, type Expectation } from './expectation.ts'
import { readIqAnswer, type IqAnswer } from './iq-answer.ts'
import type { ListenerLimits } from './limits.ts'

/** What a connection needs of its listener. */
export type Served = {
  domain: string
  certificate?: { certificate: string, key: string }
  anchors: { system: boolean, given: readonly string[] }
  limits: ListenerLimits
  /** The expectation of a pair (peer, ours), if it is under check at this moment. */
  underCheck: (pair: Pair) => Expectation | undefined
  /** Aborts when the check that this is of is over. */
  whenOver: (expectation: Expectation) => AbortSignal | undefined
  isOurs: (key: string, scope: { receiving: string, originating: string, streamId: string }) => boolean
  /** False when this address has asked too much. */
  mayAsk: (address: string) => boolean
  /** Who came and said no header: until they do, and how they ended. */
  strangers: { spoke: (number: number) => void, ended: (number: number, failure: Failure) => void }
  /** How wrong keys are told, and questions and keys that are refused. */
  wrongKeys: Sparing
  refusals: Sparing
  /** Whether one more key of a peer under check may be proved; `end` when it is. */
  proofs: { begin: (expectation: Expectation, address: string) => boolean, end: (expectation: Expectation) => void }
  freshId: () => string
  now: () => number
  tell: (event: ListenerEvent) => void
}

type Untold = ListenerEvent extends infer E ? E extends { connection: number } ? Omit<E, 'at' | 'connection' | 'source'> : never : never

/** Until the connection is closed; never rejects. */
export async function serve (accepted: Accepted, kind: EndpointKind, number: number, served: Served): Promise<void> {
  try {
    await converse(accepted, kind, number, served)
  } catch (error) {
    // A mistake of ours, which ends one connection and not the listener.
    served.tell({ on: 'closed', at: new Date(served.now()).toISOString(), connection: number, source: accepted.source, because: { at: 'probe', why: 'unclassified', detail: quoted(String(error), 300).slice(0, 400) } })
    accepted.connection.destroy()
  }
}

async function converse ({ connection, source, local, address }: Accepted, kind: EndpointKind, number: number, served: Served): Promise<void> {
  const { limits, domain } = served
  const events: ReceivingEvent[] = []
  let wake = new AbortController()
  let reader: Framer | undefined
  let header: HeaderFrame | undefined
  let secured: PeerSecured | undefined
  /** The path from its certificate to an anchor; empty where there is none. */
  let shown: ReturnType<typeof pathOf> | undefined
  /** Of the header that we sent last: what a key on this stream is bound to. */
  let streamId = ''
  /** What each stanza event that waits is, as far as it can be an answer to us. */
  const stanzas: (IqAnswer | undefined)[] = []
  /** What the checks that it belongs to keep of it, each its own: one stream may speak for several peers. */
  const callbacks = new Map<Expectation, Callback>()
  let named: { from?: string, to?: string } | undefined
  const began = performance.now()
  let useful = false
  let over = false
  const gone = new AbortController()
  let current = 0
  let refused = 0
  let leftOut = 0
  let lastEvent = began

  const tell = (event: Untold) => served.tell({ at: new Date(served.now()).toISOString(), connection: number, source, ...event })
  const say = (text: string) => connection.write(text)
  const later = (event: ReceivingEvent) => {
    events.push(event)
    // With a reason, since making one costs more than the event.
    wake.abort('event')
    wake = new AbortController()
  }
  const belongsTo = (pair: Pair): { expectation: Expectation, seen: Callback } | undefined => {
    const expectation = served.underCheck(pair)
    if (expectation === undefined) return undefined
    const known = callbacks.get(expectation)
    if (known !== undefined) return { expectation, seen: known }
    const seen: Callback = {
      source, listener: local, atMs: Math.max(0, expectation.since() - (performance.now() - began)), kind, ...(secured === undefined ? {} : { tls: secured.tls.protocol }), ...(named === undefined ? {} : { header: named }),
    }
    callbacks.set(expectation, seen)
    keep(expectation, seen)
    // A stream that no check needs any more is closed as cleanly as the peer would.
    current++
    served.whenOver(expectation)?.addEventListener('abort', () => { if (--current === 0) later({ on: 'footer', received: connection.received }) }, { once: true, signal: gone.signal })
    return { expectation, seen }
  }

  tell({ on: 'connected', kind })
  const tls = served.certificate === undefined ? 'never' : 'optional'
  let [state, ...commands] = accept({
    kind, rules: ({ from, to }) => ({ served: to === domain, ours: from === domain, tls, dialback: 'always', external: true, withoutDialback: true, bidi: false, legacy: true }),
  })
  let entered = { state: state.at, at: began }
  for (;;) {
    for (const command of commands) {
      const outcome = await carryOut(command)
      if (outcome !== undefined) events.push(outcome)
    }
    if (state.at === 'closed') break
    if (entered.state !== state.at) entered = { state: state.at, at: performance.now() }
    const event = tooMuch() ?? events.shift() ?? await next()
    if (event === undefined) {
      commands = []
      continue
    }
    lastEvent = performance.now()
    note(event, state)
    if (event.on === 'sasl-auth') event.identity = state.at === 'negotiating' && proves(state.pair.from)
    ;[state, ...commands] = advanceReceiving(state, event)
  }
  const { because } = state
  over = true
  gone.abort('closed')
  if (because !== undefined) for (const seen of callbacks.values()) seen.failure ??= because
  if (named === undefined && because !== undefined) served.strangers.ended(number, because)
  tell({ on: 'closed', ...(because === undefined ? {} : { because }), ...(leftOut === 0 ? {} : { leftOut }) })
  // What was said last should arrive; nobody waits for long.
  await connection.end(1000)

  function tooMuch (): ReceivingEvent | undefined {
    return refused > limits.refusals ? { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'policy-violation', detail: `${refused} questions and keys were refused` } } : undefined
  }

  async function next (): Promise<ReceivingEvent | undefined> {
    if (connection.unsent > limits.unsentBytes) return { on: 'stopped', failure: { at: 'stream', why: 'went-silent', received: connection.received, detail: 'does not take what it asked for' } }
    const left = deadline() - performance.now()
    const { signal } = wake
    const chunk = left <= 0 ? { timeout: true } as const : await connection.read(left, signal)
    if ('timeout' in chunk) return signal.aborted ? events.shift() : { on: 'silence', received: connection.received }
    if ('failure' in chunk) return { on: 'stopped', failure: chunk.failure }
    if ('end' in chunk) return { on: 'stopped', failure: { at: 'stream', why: 'closed', received: connection.received } }
    reader ??= read()
    const consumed = reader.write(chunk.bytes)
    const last = events.at(-1)
    // White space before the handshake is harmless; anything else would be read as if it had come through TLS (RFC 6120 §5.3.3).
    if (last?.on === 'starttls') last.surplus = chunk.bytes.subarray(consumed).filter(byte => byte > 0x20).length
    return events.shift()
  }

  function deadline (): number {
    if (state.at === 'awaiting-header') return Math.min(entered.at + limits.helloMs, useful ? Number.POSITIVE_INFINITY : began + limits.negotiationMs)
    return useful ? lastEvent + limits.idleMs : began + limits.negotiationMs
  }

  function read (): Framer {
    const framer: Framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
      header: frame => {
        header = frame
        const found = readHeader(frame)
        if ('refused' in found) {
          framer.stop()
          events.push({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: found.refused, detail: `the root is <${quoted(frame.name, 60)}>` } })
        } else events.push({ on: 'header', header: found.header, identity: proves(found.header.from) })
      },
      element: frame => {
        if (header === undefined) return
        const event = readEvent(frame, header)
        if (event.on === 'starttls') framer.stop()
        if (event.on === 'stanza') stanzas.push(readIqAnswer(toElement(frame, header), event.name))
        events.push(event)
      },
      end: () => events.push({ on: 'footer', received: connection.received }),
      error: ({ condition, limit, detail }) => events.push({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition, ...(limit === undefined ? {} : { limit }), detail } }),
    })
    return framer
  }

  /** The certificate of this connection, judged now, for this very domain (rows D7, D15): chain, dates and name; only of a peer under check. */
  function proves (from: string | undefined): boolean {
    const peer = from === undefined ? undefined : canonicalDomain(from)
    if (secured === undefined || peer === undefined || secured.sent.length === 0 || served.underCheck({ from: peer, to: domain }) === undefined) return false
    shown ??= pathOf(secured.sent, served.anchors)
    const [leaf] = shown
    const now = served.now()
    return leaf !== undefined && identityOf(leaf, peer).match !== 'none' && shown.every(each => each !== undefined && each.notBefore <= now && now <= each.notAfter)
  }

  /** What people are told, and what the check keeps, of an event. */
  function note (event: ReceivingEvent, { at }: ReceivingState): void {
    if (event.on === 'header') {
      const [from, to] = [event.header.from, event.header.to].map(each => each === undefined ? undefined : quoted(each, 100))
      if (named === undefined) served.strangers.spoke(number)
      named = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), ...named }
      tell({ on: 'header', ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) })
      belongsTo({ from: canonicalDomain(event.header.from ?? '') ?? '', to: canonicalDomain(event.header.to ?? '') ?? '' })
    }
    if (event.on === 'secured' && secured !== undefined) {
      tell({ on: 'secured', protocol: secured.tls.protocol })
      for (const seen of callbacks.values()) seen.tls = secured.tls.protocol
    }
    if (event.on === 'stopped' && at !== 'closed') for (const seen of callbacks.values()) seen.failure ??= event.failure
  }

  async function carryOut (command: ReceivingCommand): Promise<ReceivingEvent | undefined> {
    switch (command.do) {
      case 'send-header': {
        streamId = served.freshId()
        say(headerText({ from: domain, to: command.pair.from, id: streamId, legacy: command.legacy === true }))
        return undefined
      }
      case 'send-features': say(featuresText(command)); return undefined
      case 'send-proceed': say(PROCEED); return undefined
      case 'send-starttls-failure': say(STARTTLS_FAILURE); return undefined
      case 'send-sasl-success': {
        say(SASL_SUCCESS)
        reader = undefined
        authenticated(command.pair, 'external')
        return undefined
      }
      case 'send-sasl-failure': say(saslFailureText(command.condition)); return undefined
      case 'start-tls': return await secure()
      case 'verify-key': void prove(command.number, command.pair, command.key); return undefined
      case 'answer-question': answer(command.pair, command.id, command.key); return undefined
      case 'refuse-question': answered(command.pair, command.id, command.condition); return undefined
      case 'send-dialback-result': {
        say(dialbackAnswerText('result', command.pair.to, command.pair.from, command.answer))
        if (command.answer.type === 'error') refused++
        if (command.answer.type === 'valid') authenticated(command.pair, 'dialback')
        return undefined
      }
      case 'deliver': return hear(command.pair)
      case 'refuse-stanza': return { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'invalid-from', detail: 'a stanza of a pair that is not authenticated' } }
      case 'send-enabled':
      case 'send-enable-failure':
      case 'send-acknowledgement':
      case 'acknowledged': return undefined
      case 'send-error': say(streamErrorText(command.condition)); return undefined
      case 'send-footer': say(FOOTER); return undefined
      case 'close': return undefined
      default: return command satisfies never
    }
  }

  async function secure (): Promise<ReceivingEvent> {
    reader = undefined
    if (served.certificate === undefined) return { on: 'stopped', failure: { at: 'tls', why: 'protocol', detail: 'the listener has no certificate' } }
    const result = await connection.secureAsServer({ certificate: served.certificate, timeoutMs: limits.tlsMs })
    if ('failure' in result) return { on: 'stopped', failure: result.failure }
    secured = result.secured
    return { on: 'secured', identity: false }
  }

  /** db:result: only a pair under check is proved; for any other nobody is asked anything, DNS included (row R1). */
  async function prove (keyNumber: number, pair: Pair, key: string): Promise<void> {
    const check = belongsTo(pair)
    if (check !== undefined) tell({ on: 'key', pair, underCheck: true })
    else sparingly(served.refusals, { on: 'key', pair, underCheck: false })
    if (check === undefined) return later({ on: 'dialback-judged', number: keyNumber, answer: { type: 'error', condition: 'policy-violation', text: 'this server answers only those whom it asks itself' } })
    const { expectation, seen } = check
    if (!served.proofs.begin(expectation, address)) return later({ on: 'dialback-judged', number: keyNumber, answer: { type: 'error', condition: 'resource-constraint' } })
    const atMs = expectation.since()
    const outcome = await expectation.prove({ from: pair.to, to: pair.from, id: streamId, key })
      .catch((error: unknown) => ({ failure: { at: 'probe', why: 'unclassified', detail: quoted(String(error), 300).slice(0, 400) } as const }))
    served.proofs.end(expectation)
    seen.reverse = { atMs, ms: expectation.since() - atMs, ...outcome }
    // Nobody waits for it any more (XEP-0220 §2.1.2).
    if (over) return
    const answer: DialbackAnswer = 'answer' in outcome ? answerOf(outcome.answer) : { type: 'error', condition: 'remote-connection-failed' }
    tell({ on: 'judged', pair, answer })
    later({ on: 'dialback-judged', number: keyNumber, answer })
  }

  /** db:verify: whether we made the key (XEP-0220 §2.2.2). */
  function answer (pair: Pair, id: string, key: string): void {
    if (!served.mayAsk(address)) return answered(pair, id, 'policy-violation')
    answered(pair, id, served.isOurs(key, { receiving: pair.from, originating: pair.to, streamId: id }) ? 'valid' : 'invalid')
  }

  function answered (pair: Pair, id: string, outcome: CallbackAnswer): void {
    const check = belongsTo(pair)
    const ofCheck = check?.expectation.streamIds.has(id) === true
    say(dialbackAnswerText('verify', pair.to, pair.from, outcome === 'valid' || outcome === 'invalid' ? { type: outcome } : { type: 'error', condition: outcome }, id))
    const asked = { on: 'asked', pair, answered: outcome, underCheck: ofCheck } as const
    if (outcome === 'valid') {
      useful = true
      tell(asked)
    } else if (outcome === 'invalid') {
      const count = sparingly(served.wrongKeys, asked)
      if (count !== undefined) tell({ on: 'wrong-keys', count })
    } else {
      refused++
      sparingly(served.refusals, asked)
    }
    if (check === undefined) return
    if (!ofCheck) {
      // A right key for another stream is that of another check with this secret, and nothing is strange about it.
      if (outcome === 'invalid') check.seen.strangeId ??= shownId(id)
      return
    }
    const known = shownId(id)
    if (check.seen.asked?.id === known) return
    const seen = check.seen.asked === undefined ? check.seen : again(check.expectation, check.seen)
    seen.asked = { atMs: check.expectation.since(), answered: outcome, id: known }
    keepAsked(check.expectation, seen)
  }

  /** Tells what strangers can make happen without end; gives their number when it is time to sum up. */
  function sparingly (sparing: Sparing, event: Untold): number | undefined {
    const how = sparing.count(networkOf(address))
    if (how === 'tell') tell(event)
    else leftOut++
    return typeof how === 'number' ? how : undefined
  }

  /** Servers keep the connection on which they called back, and ask about the next key on it, too: that is a callback of its own. */
  function again (expectation: Expectation, before: Callback): Callback {
    const { asked: _, strangeId: __, ...same } = before
    const seen = { ...same, atMs: expectation.since() }
    callbacks.set(expectation, seen)
    keep(expectation, seen)
    return seen
  }

  function authenticated (pair: Pair, by: 'external' | 'dialback'): void {
    useful = true
    const check = belongsTo(pair)
    tell({ on: 'authenticated', pair, by })
    if (check !== undefined) check.seen.authenticated ??= by
  }

  /** No stanza but an answer to what we asked: any other ends the stream. */
  function hear (pair: Pair): ReceivingEvent | undefined {
    const stanza = stanzas.shift()
    const expectation = served.underCheck(pair)
    const heard = stanza === undefined ? undefined : expectation?.asked.get(stanza.id)
    if (stanza === undefined || heard === undefined) return { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: 'policy-violation', detail: 'a stanza other than an answer to us' } }
    expectation?.asked.delete(stanza.id)
    tell({ on: 'pong', pair })
    heard({ ...stanza.answer, source })
    return undefined
  }
}

function pathOf (sent: PeerSecured['sent'], anchors: Served['anchors']): (CertificateFacts | undefined)[] {
  const { chain, certificates } = validateChain(sent, anchorsOf(anchors))
  return chain.trust === 'trusted' ? chain.path.map(digest => readCertificate(Buffer.from(certificates[digest]?.der ?? '', 'base64'))) : []
}

function answerOf ({ type, condition, text }: DialbackAnswerSeen): DialbackAnswer {
  return type === 'error' ? { type, condition: condition ?? 'undefined-condition', ...(text === undefined ? {} : { text }) } : { type }
}
