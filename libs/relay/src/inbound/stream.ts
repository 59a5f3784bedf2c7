/**
 * One stream that came in: drives the receiving table, proves pairs, and then hands stanzas to their lanes as they come, without a look at anything but
 * their addresses (I1, I2). What it may do is asked of the world at every step, and again whenever the world changes.
 */
import type { CallbackAnswer, EndpointKind, Failure, StreamCondition, StreamView } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { networkOf, type Accepted, type PeerSecured } from '@dialtone/net'
import {
  ENABLED, FOOTER, PROCEED, SASL_SUCCESS, STARTTLS_FAILURE, accept, acknowledgementText, canonicalDomain, createFramer, dialbackAnswerText, enableFailureText, featuresText, headerText, readEvent, readHeader, saslFailureText, streamErrorText,
  type DialbackAnswer, type ElementFrame, type Framer, type HeaderFrame, type Limits, type Pair, type ReceivingCommand, type ReceivingEvent, type ReceivingState, type Rules,
} from '@dialtone/stream'
import { reportFault } from '../faults.ts'
import { partedOf } from '../parted.ts'
import type { Lane, Source, World, Zone } from '../seams.ts'
import { Back } from './back.ts'
import type { By } from './hooks.ts'
import { chainOf } from './identity.ts'
import { authenticated, ended, handshakes, keys, limited, refusedXml, unsolicited, withdrawn } from './metrics.ts'
import { Pairs, type Proven } from './pairs.ts'
import type { Shared } from './shared.ts'
import { mayGoBack, rulesOf, withdrawal, type Shown, type Standing } from './standing.ts'
import { certificateOf, endedLabel, protocolLabel, saysOf } from './stream-words.ts'

export class InboundStream {
  readonly id: string
  readonly zone: string
  readonly address: string
  readonly network: string
  readonly remote: string
  private readonly shared: Shared
  private readonly connection: Accepted['connection']
  private readonly since: number
  private readonly began: number

  private state: ReceivingState
  private framer: Framer | undefined
  private header: HeaderFrame | undefined
  private lang: string | undefined
  private secured: PeerSecured | undefined
  /** Of the header that we sent last: what a key on this stream is bound to. */
  private streamId = ''
  private readonly proven = new Pairs()
  private source: Source | undefined
  private frame: ElementFrame | undefined
  private given = false
  private starting = false
  private carried: Uint8Array | undefined
  /** A header or a key, and when the state began. */
  private named: Pair | undefined
  private entered: number
  /** It was of use: a key that was ours, or an authenticated pair. */
  private useful = false
  private heard = false
  private quietSince: number
  private probed = false
  private refused = 0
  private pauses = 0
  private stanzas = 0
  private sent = 0
  /** XEP-0198: stanzas before those that are counted for the peer. */
  private before = 0
  /** How somebody here has ended it. */
  private ordered: { condition: StreamCondition | undefined, text: string } | undefined
  /** Why the last pair that was denied was, for people. */
  private denial: string | undefined
  private over = false
  private footerHeard = false
  /** Of what we said the peer has taken so much, and since when nothing more. */
  private taken = 0
  private stuckSince: number
  private readonly waiting = new Set<AbortController>()

  constructor (shared: Shared, { connection, source, address }: Accepted, zone: string, kind: EndpointKind, id: string) {
    this.shared = shared
    this.connection = connection
    this.zone = zone
    this.id = id
    this.address = address
    this.network = networkOf(address)
    this.remote = source
    this.since = shared.clock.now()
    this.began = this.entered = this.quietSince = this.stuckSince = shared.clock.elapsed()
    const [state, ...commands] = accept({ kind, rules: pair => this.rules(pair) })
    this.state = state
    shared.admission.began(this.network)
    connection.flow({ bytes: chunk => this.bytes(chunk), ended: failure => this.lost(failure), drained: () => { for (const { back } of this.proven.all) back?.taken() } })
    this.carryOut(commands)
  }

  /** Authenticated for one pair or more. */
  get ready (): boolean { return this.proven.all.length > 0 }
  get isOver (): boolean { return this.over }
  get pairs (): readonly Pair[] { return this.proven.all.map(({ pair }) => pair) }
  /** Whom its header named. */
  get names (): Pair | undefined { return this.named }

  view (): StreamView {
    const { tls } = this.secured ?? {}
    return {
      id: this.id, zone: this.zone, direction: 'inbound', state: this.state.at === 'closing' ? 'closing' : this.ready ? 'ready' : this.state.at, remote: this.remote,
      pairs: this.proven.all.flatMap(({ pair, by, back }) => [{ ...pair, by }, ...(back?.open === true ? [{ ...back.pair, by: 'bidi' as const }] : [])]).slice(0, 64), since: new Date(this.since).toISOString(),
      ...(tls === undefined ? {} : { tls: tls.protocol, cipher: tls.cipher }), ...(this.certificate() === undefined ? {} : { certificate: this.certificate()?.key ?? '' }),
      bidi: this.proven.backs.length > 0, stanzas: { in: this.stanzas, out: this.proven.all.reduce((sum, { back }) => sum + (back?.stanzas ?? 0), 0) }, bytes: { in: this.connection.received, out: this.sent }, paused: this.pauses > 0,
    }
  }

  /** Now and then: what has taken too long ends. */
  sweep (now: number): void {
    if (this.over || this.state.at === 'handshaking') return
    const { helloMs, negotiationMs, idleMs, closeMs, stuckMs } = this.shared.limits()
    const taken = this.sent - this.connection.unsent
    if (this.connection.unsent === 0 || taken !== this.taken) {
      this.taken = taken
      this.stuckSince = now
    } else if (now - this.stuckSince > stuckMs) return this.stuck()
    if (this.state.at === 'closing') return now - this.entered >= closeMs ? this.step({ on: 'silence', received: this.connection.received }) : undefined
    if (this.heard) {
      this.heard = this.probed = false
      this.quietSince = now
    }
    if ((this.state.at === 'awaiting-header' && now - this.entered >= helloMs) || (!this.useful && now - this.began >= negotiationMs)) {
      this.count('time')
      return this.step({ on: 'silence', received: this.connection.received })
    }
    const quiet = now - this.quietSince
    // What we do not read, the peer may have sent.
    if (!this.useful || this.pauses > 0) return
    if (quiet >= idleMs) return this.close(undefined, 'nothing was sent')
    if (quiet < idleMs / 2 || this.probed) return
    this.probed = true
    this.say(' ')
  }

  /** Ends it: without a condition, or with `system-shutdown`, what is under way is taken until the peer's footer (RFC 6120 §4.4); else at once. */
  close (condition: StreamCondition | undefined, text: string): void {
    this.ordered = { condition, text }
    if (condition === 'system-shutdown' && this.ready) return this.step({ on: 'draining' })
    this.step({ on: 'close', ...(condition === undefined ? {} : { condition, text: quoted(text, 300) }) })
  }

  /** Takes pairs back; where none is left the stream ends with the condition. Returns how many. */
  withdraw (which: (pair: Pair) => boolean, condition: StreamCondition, text: string): number {
    const out = this.proven.all.filter(({ pair }) => which(pair))
    if (out.length === 0 || this.over) return 0
    this.shared.meter.add(withdrawn, { zone: this.zone }, out.length)
    if (out.length === this.proven.all.length) this.close(condition, text)
    else {
      for (const each of out) {
        this.drop(each)
        this.step({ on: 'withdrawn', pair: each.pair })
      }
    }
    return out.length
  }

  /** By the world as it is now: what does not comply goes, the rest stays. */
  rejudge (): void {
    if (this.over) return
    const zone = this.zoneNow()
    if (zone === undefined || zone.spec.desired === 'stopped') return this.close('system-shutdown', 'this zone is closed')
    if (zone.spec.desired === 'draining' && !this.ready) return this.close('system-shutdown', 'this zone takes nothing new')
    let why = ''
    const gone = new Set(this.proven.all.filter(({ pair, by }) => {
      const says = withdrawal(this.standing(pair), pair, by, this.shown())
      if (says !== undefined) why = says
      return says !== undefined
    }).map(({ pair }) => pair))
    if (gone.size > 0) this.withdraw(pair => gone.has(pair), 'policy-violation', why)
    if (!this.ready) return
    for (const { pair, by, back } of this.proven.all) if (back?.open === true && !mayGoBack(this.standing(pair), pair, by, this.shown())) back.close()
    this.openBacks()
    this.framer?.raise(this.limitsAfter())
  }

  /** A mistake of ours, which ends one stream and not the process. */
  fault (error: unknown): void {
    this.finish(reportFault(this.shared, 'inbound', error))
  }

  private bytes (chunk: Uint8Array): void {
    this.heard = true
    if (this.over) return
    try {
      this.read(chunk)
    } catch (error) {
      this.fault(error)
    }
    if (!this.given) return
    this.given = false
    this.shared.intake.settled()
  }

  /** A framer ends with the stream that it reads: after STARTTLS and after SASL there is another. */
  private read (chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0 && !this.over && this.state.at !== 'handshaking';) {
      const framer: Framer = this.framer ??= this.newFramer()
      rest = rest.subarray(framer.write(rest))
      if (this.starting) {
        this.starting = false
        this.carried = this.shared.guards.carried(rest)
        return this.step({ on: 'starttls', surplus: this.shared.guards.surplus(rest) })
      }
      // What is left is of the stream after this one, or of nobody.
      if (this.framer === framer) break
    }
    if (this.connection.unsent > this.shared.limits().unsentBytes + (this.proven.backs.length > 0 ? MOST_BACK_BYTES : 0) && !this.over) this.stuck()
  }

  private stuck (): void {
    this.count('unsent')
    this.step({ on: 'stopped', failure: { at: 'stream', why: 'went-silent', received: this.connection.received, detail: 'does not take what it asked for' } })
  }

  private newFramer (): Framer {
    const framer: Framer = createFramer({ limits: this.ready ? this.limitsAfter() : this.shared.guards.before }, {
      header: frame => {
        this.header = frame
        const found = readHeader(frame)
        if ('refused' in found) {
          framer.stop()
          return this.step({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: found.refused, detail: `the root is <${quoted(frame.name, 60)}>` } })
        }
        this.lang = found.header.lang
        const [from, to] = [canonicalDomain(found.header.from ?? '') ?? '', canonicalDomain(found.header.to ?? '') ?? '']
        this.named = { from: from === '' ? this.named?.from ?? '' : from, to: to === '' ? this.named?.to ?? '' : to }
        if (this.shared.tracing?.on === true) this.shared.tracing.header(this, frame)
        this.step({ on: 'header', header: found.header, identity: this.provesNow(this.named) })
        this.openLanes()
      },
      element: frame => this.element(frame),
      end: () => {
        this.footerHeard = true
        this.step({ on: 'footer', received: this.connection.received })
      },
      error: ({ condition, limit, detail }) => {
        this.shared.meter.add(refusedXml, { zone: this.zone, why: limit ?? condition })
        this.step({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition, ...(limit === undefined ? {} : { limit }), detail } })
      },
    })
    return framer
  }

  /** The hot path: no event, no string, nothing made. */
  private element (frame: ElementFrame): void {
    if (this.over) return
    const { tracing: trace } = this.shared
    if (trace?.on === true && this.header !== undefined) trace.element(this, frame, this.header)
    const lane = this.proven.laneOf(frame)
    if (lane !== undefined) return this.give(lane, frame)
    this.negotiate(frame)
  }

  private give (lane: Lane, frame: ElementFrame): void {
    this.stanzas++
    this.given = true
    lane.accept(frame)
    // The pair may have been closed by what it sent.
    if (this.over) this.framer?.stop()
  }

  /** A stanza whose addresses are spelled otherwise than the pair. */
  private giveTo (pair: Pair, frame: ElementFrame): void {
    const lane = this.proven.find(pair)?.lane
    if (lane !== undefined) this.give(lane, frame)
  }

  /** Its sender may speak here, and only to whom it speaks is wrong: whoever has ways out answers. Acknowledged like any other. */
  private refuseStanza (pair: Pair, condition: 'item-not-found' | 'not-allowed'): void {
    this.stanzas++
    this.count('refused-stanza')
    if (this.source === undefined || this.frame === undefined) return
    this.given = true
    const as = this.proven.all.find(({ pair: { from } }) => from === pair.from)?.pair
    this.shared.intake.refuse(this.source, as, pair, this.frame, condition === 'not-allowed' ? 'policy-deny' : 'unknown-domain')
  }

  /** Everything that is no stanza of a lane in its plain spelling. */
  private negotiate (frame: ElementFrame): void {
    const { header, framer } = this
    if (header === undefined || framer === undefined) return
    const event = readEvent(frame, header)
    if (event.on === 'starttls' && this.state.at === 'negotiating') {
      this.starting = true
      return framer.stop()
    }
    if (event.on === 'sasl-auth') event.identity = this.state.at === 'negotiating' && this.provesNow(this.state.pair)
    if (event.on === 'dialback-key') event.identity = this.provesNow({ from: canonicalDomain(event.from) ?? '', to: canonicalDomain(event.to) ?? '' })
    if (event.on === 'dialback-result' || event.on === 'dialback-verified') this.shared.meter.add(unsolicited, { zone: this.zone })
    this.frame = frame
    this.step(event)
    this.frame = undefined
    if (this.over || this.framer !== framer) framer.stop()
  }

  private step (event: ReceivingEvent): void {
    if (this.over) return
    const before = this.state
    const [state, ...commands] = this.shared.guards.advance(before, event)
    this.state = state
    if (state.at !== before.at) this.entered = this.shared.clock.elapsed()
    const because = state.at === 'closed' ? state.because : undefined
    // Before our footer.
    if (state.at === 'closing' || state.at === 'closed') for (const back of this.proven.backs) back.stop()
    this.carryOut(commands, event)
    if (state.at === 'closed') this.finish(because)
    else if (this.refused > this.shared.limits().refusals) {
      this.count('refusals')
      this.close('policy-violation', `${this.refused} questions and keys were refused`)
    }
  }

  private carryOut (commands: readonly ReceivingCommand[], event?: ReceivingEvent): void {
    for (const command of commands) if (!this.over) this.one(command, event)
  }

  private one (command: ReceivingCommand, event: ReceivingEvent | undefined): void {
    switch (command.do) {
      case 'send-header': return this.sayHeader(command.pair, command.legacy === true)
      case 'send-features': return this.say(featuresText(command))
      case 'send-proceed': {
        // What was proved in clear is forgotten (I10).
        for (const each of this.proven.all.slice()) this.drop(each)
        return this.say(PROCEED)
      }
      case 'send-starttls-failure': return this.say(STARTTLS_FAILURE)
      case 'start-tls': return void this.secure().catch((error: unknown) => this.fault(error))
      case 'send-sasl-success': {
        this.say(SASL_SUCCESS)
        this.framer = undefined
        this.header = undefined
        return this.authenticated(command.pair, 'external')
      }
      case 'send-sasl-failure': return this.say(saslFailureText(command.condition))
      case 'verify-key': return void this.verify(command.number, command.pair, command.key).catch((error: unknown) => this.fault(error))
      case 'answer-question': return this.answer(command.pair, command.id, this.shared.questions.answer({ ...this.question(command.pair), id: command.id, key: command.key }))
      case 'refuse-question': {
        this.shared.questions.refused(this.question(command.pair), command.condition)
        return this.answer(command.pair, command.id, command.condition)
      }
      case 'send-dialback-result': return this.result(command.pair, command.answer, event?.on === 'dialback-judged' ? 'dialback' : 'certificate')
      case 'deliver': {
        if (this.frame !== undefined) this.giveTo(command.pair, this.frame)
        return
      }
      case 'refuse-stanza': return this.refuseStanza(command.pair, command.condition)
      case 'send-enabled': {
        this.before = this.stanzas
        return this.say(ENABLED)
      }
      case 'send-enable-failure': return this.say(enableFailureText(command.condition))
      case 'send-acknowledgement': return this.say(acknowledgementText((this.stanzas - this.before) % 2 ** 32))
      // Nothing that is counted leaves by a stream that came in.
      case 'acknowledged': return
      case 'send-error': {
        const text = command.condition === 'policy-violation' ? this.denial ?? command.text : command.text
        return this.say(streamErrorText(command.condition, text === undefined ? undefined : quoted(text, 300)))
      }
      case 'send-footer': return this.say(FOOTER)
      case 'close': return
      default: return command satisfies never
    }
  }

  private say (text: string): void {
    if (this.shared.tracing?.on === true) this.shared.tracing.said(this, text)
    this.sent += text.length
    this.connection.write(text)
  }

  private sayHeader (pair: Pair, legacy: boolean): void {
    this.streamId = this.shared.freshId()
    // Nobody is spoken for whom we do not serve.
    const from = pair.to !== '' && this.standing(pair).served ? pair.to : ''
    this.say(headerText({ from, to: pair.from, id: this.streamId, legacy }))
  }

  private async secure (): Promise<void> {
    const { limits, guards, meter } = this.shared
    this.framer = undefined
    this.header = undefined
    const zone = this.zoneNow()
    const certificate = zone === undefined ? undefined : certificateOf(zone, this.named?.to ?? '')
    if (zone === undefined || certificate === undefined) return this.step({ on: 'stopped', failure: { at: 'tls', why: 'protocol', detail: 'there is no certificate to show' } })
    const result = await this.connection.secureAsServer({ certificate, certificateFor: name => zone.certificateFor(canonicalDomain(name) ?? ''), ...guards.tls, timeoutMs: limits().tlsMs })
    meter.add(handshakes, { zone: this.zone, outcome: 'failure' in result ? 'failed' : protocolLabel(result.secured.tls.protocol) })
    if ('failure' in result) return this.step({ on: 'stopped', failure: result.failure })
    this.secured = result.secured
    this.step({ on: 'secured', identity: false })
    if (this.carried !== undefined && this.carried.length > 0) this.bytes(this.carried)
  }

  private async verify (number: number, pair: Pair, key: string): Promise<void> {
    const { verifications, verify, world, meter, limits } = this.shared
    const [zone, standing] = [this.zoneNow(), this.standing(pair)]
    const bound = zone === undefined ? 'verifications' : verifications.begin(this.zone, this.network, pair.from, { trusted: zone.side === 'internal', known: this.shared.admission.knows(this.network) })
    if (zone === undefined || bound !== undefined) {
      this.count(bound ?? 'verifications')
      meter.add(keys, { zone: this.zone, answer: 'not-asked' })
      return this.step({ on: 'dialback-judged', number, answer: { type: 'error', condition: 'resource-constraint' } })
    }
    const until = new AbortController()
    this.waiting.add(until)
    const timer = setTimeout(() => until.abort('time'), limits().verifyMs)
    const hops = world().wayTo(pair.from)?.hops
    const answer = await verify({
      zone, question: { from: pair.from, to: pair.to, id: this.streamId, key }, leg: standing.leg, ...(hops === undefined ? {} : { hops }),
      allowNets: [...zone.allowNets, ...world().allowNetsFor(pair.from)], signal: until.signal,
    }).catch((): DialbackAnswer => ({ type: 'error', condition: 'remote-server-timeout' }))
    clearTimeout(timer)
    this.waiting.delete(until)
    verifications.end(this.zone, this.network, pair.from, answer.type)
    meter.add(keys, { zone: this.zone, answer: answer.type })
    if (standing.sides !== undefined) this.shared.hooks.shown?.({ ...this.fact(standing), answer: answer.type === 'error' ? 'failed' : answer.type })
    this.step({ on: 'dialback-judged', number, answer })
  }

  private result (pair: Pair, answer: DialbackAnswer, by: By): void {
    this.say(dialbackAnswerText('result', pair.to, pair.from, answer))
    if (answer.type === 'valid') return this.authenticated(pair, by)
    this.refused++
    this.refuse(pair, answer.type !== 'error' ? `a key in the name of ${pair.from} that its server did not make` : `a key was refused: ${quoted(answer.condition, 60)}`)
  }

  private answer (pair: Pair, id: string, answer: CallbackAnswer): void {
    this.say(dialbackAnswerText('verify', pair.to, pair.from, answer === 'valid' || answer === 'invalid' ? { type: answer } : { type: 'error', condition: answer }, id))
    if (answer === 'valid') this.useful = true
    else if (answer !== 'invalid') this.refused++
  }

  private question (pair: Pair): { zone: Zone, standing: Standing, pair: Pair, address: string, remote: string, known: boolean } {
    const zone = this.zoneNow()
    if (zone === undefined) throw new TypeError('a stream of a zone that is gone was not ended')
    return { zone, standing: this.standing(pair), pair, address: this.address, remote: this.remote, known: zone.side === 'internal' || this.shared.admission.knows(this.network) }
  }

  private authenticated (pair: Pair, by: By): void {
    const { shared } = this
    const standing = this.standing(pair)
    if (this.proven.find(pair) !== undefined) return
    if (!this.ready) shared.admission.settled(this.network)
    this.useful = true
    this.proven.add(pair, by)
    if (this.zoneNow()?.side === 'internal' || Object.hasOwn(shared.world().assignment.peers, pair.from)) shared.admission.remember(this.network)
    shared.meter.add(authenticated, { zone: this.zone, by })
    const certificate = this.certificate()
    const tls = this.secured?.tls.protocol
    if (standing.sides !== undefined) {
      shared.hooks.authenticated?.({
        ...this.fact(standing), stream: this.id, by, ...(tls === undefined ? {} : { tls }),
        ...(certificate?.leaf === undefined ? {} : { certificate: { key: certificate.key, issuer: quoted(certificate.leaf.issuer, 150).slice(0, 300), notAfter: certificate.leaf.notAfter, pinned: standing.leg.certificate === 'pinned', matches: this.shown().proves(pair.from, standing) } }),
      })
    }
    shared.tell({ on: 'stream-opened', zone: this.zone, from: pair.from, to: pair.to, stream: this.id, remote: this.remote, says: `${pair.from} may send to ${pair.to}, authenticated by ${by}${tls === undefined ? ' in clear' : ` over ${tls}`}` })
    shared.proved(this, pair, standing.decision?.limits.streams ?? Number.POSITIVE_INFINITY)
    if (this.over) return
    this.framer?.raise(this.limitsAfter())
    this.openLanes()
  }

  /** Where a header was read: EXTERNAL is followed by one. */
  private openLanes (): void {
    const { header } = this
    if (header === undefined || this.over || this.state.at !== 'negotiating') return
    for (const each of this.proven.all) {
      if (each.lane !== undefined) continue
      this.source ??= this.newSource(header)
      this.proven.open(each, this.shared.intake.lane(this.source, each.pair))
    }
    this.openBacks()
  }

  /** Behind our last word of the negotiation: the peer takes stanzas now. */
  private openBacks (): void {
    if (this.state.at !== 'negotiating' || !this.state.standing.bidi) return
    for (const each of this.proven.all) {
      const { pair, by, lane, back } = each
      if (lane === undefined || back?.open === true || !mayGoBack(this.standing(pair), pair, by, this.shown())) continue
      each.back = new Back({
        id: this.id, pair: { from: pair.to, to: pair.from }, connection: this.connection, secured: this.secured !== undefined, ...(this.shared.tracing === undefined ? {} : { trace: this.shared.tracing }), view: () => this.view(),
        sent: bytes => {
          this.sent += bytes
          this.heard = true
        },
        close: (condition, text) => {
          if (condition === 'connection-timeout') this.close(condition, text)
          else this.withdraw(other => other === pair, condition, text)
        },
      })
      this.shared.intake.offer(this.zone, each.back)
      if (this.over) return
    }
  }

  private newSource (header: HeaderFrame): Source {
    return {
      id: this.id, zone: this.zone, lang: this.lang, header,
      pause: () => {
        this.pauses++
        this.connection.pause()
      },
      resume: () => {
        this.pauses--
        this.connection.resume()
      },
      close: (condition, text) => this.close(condition, text),
    }
  }

  private drop (each: Proven): void {
    this.proven.drop(each)
    this.shared.gone(this, [each.pair])
    if (this.ready) return
    this.source = undefined
    this.shared.admission.began(this.network)
  }

  private lost (failure: Failure | undefined): void {
    this.step({ on: 'stopped', failure: failure ?? { at: 'stream', why: 'closed', received: this.connection.received } })
  }

  private finish (because: Failure | undefined): void {
    if (this.over) return
    this.over = true
    const { shared, proven: { all: proven } } = this
    for (const until of this.waiting) until.abort('the stream ended')
    shared.meter.add(ended, { zone: this.zone, ended: because === undefined ? this.ordered?.condition ?? 'clean' : endedLabel(because) })
    if (proven.length === 0) shared.admission.settled(this.network)
    const why = because === undefined ? this.ordered === undefined ? 'the peer ended it' : quoted(this.ordered.text, 300) : saysOf(because)
    for (const { pair } of proven) shared.tell({ on: 'stream-closed', zone: this.zone, from: pair.from, to: pair.to, stream: this.id, remote: this.remote, says: `the stream ended: ${why}` })
    if (proven.length === 0 && because !== undefined && this.named !== undefined) this.refuse(this.named, this.denial ?? why)
    shared.gone(this, this.pairs)
    const backs = proven.flatMap(({ back }) => back ?? [])
    for (const back of backs) back.stop()
    this.proven.end()
    this.source = undefined
    this.framer?.stop()
    this.framer = undefined
    while (this.pauses > 0) {
      this.pauses--
      this.connection.resume()
    }
    // What was said last should arrive; nobody waits for long.
    if (because?.at === 'tls') this.connection.destroy()
    const last = because?.at === 'tls' ? undefined : this.connection.end(shared.limits().closeMs)
    void this.endBacks(backs, because, last)
  }

  /** What was written has arrived if the peer has ended its side, and has not thrown ours away. */
  private async endBacks (backs: readonly Back[], because: Failure | undefined, last: ReturnType<Accepted['connection']['end']> | undefined): Promise<void> {
    const { received } = this.connection
    if (because !== undefined || !this.footerHeard || last === undefined) {
      for (const back of backs) back.end(false, because ?? { at: 'stream', why: 'closed', received })
      return
    }
    const { clean, because: why } = partedOf(await last, received)
    for (const back of backs) back.end(clean, why)
  }

  /** Tells that a stream or a key of a pair was refused. */
  private refuse (pair: Pair, says: string): void {
    const standing = this.standing(pair)
    if (standing.sides === undefined) return
    this.shared.hooks.refused?.({ ...this.fact(standing), says })
    if (this.shared.mayTell(this.network)) this.shared.tell({ on: 'stream-refused', zone: this.zone, from: pair.from, to: pair.to, stream: this.id, remote: this.remote, says: says.slice(0, 400) })
  }

  private fact ({ sides }: Standing): { zone: string, sides: NonNullable<Standing['sides']>, at: number, remote: string } {
    return { zone: this.zone, sides: sides ?? { ours: '', peer: '' }, at: this.shared.clock.now(), remote: this.remote }
  }

  private zoneNow (): Zone | undefined {
    return this.shared.world().zones.get(this.zone)
  }

  private standing (pair: Pair): Standing {
    const zone = this.zoneNow()
    const world: World = this.shared.world()
    return zone === undefined ? { served: false, ours: false, welcome: false, allowed: false, leg: NOTHING, anchors: { system: false, given: [] } } : this.shared.guards.standing(world, zone, pair)
  }

  private rules (pair: Pair): Rules {
    const { says, ...rules } = rulesOf(this.standing(pair), pair, this.shown())
    this.denial = says
    return rules
  }

  /** The certificate of this connection, judged now, for this very domain (I9). */
  private provesNow (pair: Pair): boolean {
    const standing = this.standing(pair)
    return standing.sides !== undefined && this.shown().proves(pair.from, standing)
  }

  private shown (): Shown {
    const { secured, shared } = this
    const zone = this.zoneNow()
    const { stanzaBytes, idleMs } = shared.limits()
    return {
      protocol: secured?.tls.protocol, stanzaBytes, idleMs,
      certificate: zone !== undefined && certificateOf(zone, this.named?.to ?? '') !== undefined,
      misnamed: zone !== undefined && secured !== undefined && secured.tls.sni !== '' && zone.certificateFor(canonicalDomain(secured.tls.sni) ?? '') === undefined,
      proves: (domain, { anchors, leg }) => secured !== undefined && shared.guards.proves(secured.sent, anchors, domain, leg, shared.clock.now()),
    }
  }

  /** What the peer showed, if it showed any. */
  private certificate (): ReturnType<typeof chainOf> | undefined {
    const zone = this.zoneNow()
    return zone === undefined || this.secured === undefined || this.secured.sent.length === 0 ? undefined : chainOf(this.secured.sent, zone.anchors)
  }

  /** The largest stanza of any of its pairs. */
  private limitsAfter (): Limits {
    const most = this.proven.all.map(({ pair }) => this.standing(pair).decision?.limits.stanzaBytes ?? this.shared.limits().stanzaBytes)
    return { ...this.shared.guards.after, elementBytes: Math.max(...most) }
  }

  private count (limit: string): void {
    this.shared.meter.add(limited, { zone: this.zone, limit })
  }
}

/** Above what the core gives to a stream whose peer does not read. */
const MOST_BACK_BYTES = 4_194_304

const NOTHING: Standing['leg'] = { tls: 'required', minTls: '1.2', certificate: 'valid', pins: [], dialback: 'never', external: false, withoutDialback: false, bidi: false, streamManagement: false }
