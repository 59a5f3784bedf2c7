/**
 * Drives the initiating table over one connection until the stream is authenticated, the question is answered, or the attempt is over (RFC 6120 §4 to §6,
 * XEP-0178, XEP-0220, XEP-0288). What is seen is told step by step; what it means for the route is in `failures.ts`.
 */
import type { FeaturesSeen, RouteStep } from '@dialtone/contracts'
import { quoted, type Clock } from '@dialtone/kernel'
import type { Secured } from '@dialtone/net'
import type { LegRules } from '@dialtone/routing'
import {
  BIDI_REQUEST, FOOTER, STARTTLS, advance, begin, dialbackKeyText, dialbackQuestionText, externalText, headerText, streamErrorText, type Command, type DialbackAnswer, type Event, type Keys, type Pair,
  type Plan, type State,
} from '@dialtone/stream'
import type { KeyPair, Zone } from '../seams.ts'
import { ofAnswer, ofCertificate, ofFailure, ofNoTls, type Lost } from './failures.ts'
import type { OutboundLimits, Weakened } from './limits.ts'
import type { Phase } from './metrics.ts'
import { certificateProblem, verdictOn, type Verdict } from './peer-certificate.ts'
import type { Wire } from './wire.ts'

export type Established = Extract<State, { at: 'established' }>
/** What is known of the peer's end once a stream is negotiated. */
export type Seen = { features: FeaturesSeen | undefined, tls: { protocol: string, cipher: string } | undefined, verdict: Verdict | undefined, lang: string | undefined }

export type Negotiation = {
  plan: Plan
  /** Of our header. The certificate and SNI are for `pair.to`. */
  pair: Pair
  lang?: string
  keys: Keys
  anchors: Zone['anchors']
  leg: LegRules
  certificate: KeyPair | undefined
  limits: OutboundLimits
  weakened: Weakened
  clock: Clock
  /** When the whole attempt is over, on the clock's `elapsed`. */
  deadline: number
  tell: (step: RouteStep['step'], outcome: RouteStep['outcome'], says: string) => void
  measured: (phase: Phase, ms: number) => void
  judged: (verdict: Verdict, protocol: string) => void
  /** At once, before anything else that came with it is read: who hears from here on. */
  established: (state: Established, commands: readonly Command[], seen: Seen) => void
  signal: AbortSignal
}

/** Resolves once; with a loss or an answer, the wire hears nothing any more and what was to be said is said. */
export function negotiate (wire: Wire, given: Negotiation): Promise<'established' | { lost: Lost } | { answer: DialbackAnswer }> {
  return new Promise(resolve => {
    const table = new Table(wire, given, outcome => {
      clearTimeout(timer)
      given.signal.removeEventListener('abort', cancel)
      resolve(outcome)
    })
    const timer = setTimeout(() => table.hear({ on: 'silence', received: wire.connection.received }), Math.max(0, given.deadline - given.clock.elapsed()))
    const cancel = () => table.hear({ on: 'stopped', failure: { at: 'probe', why: 'cancelled' } })
    given.signal.addEventListener('abort', cancel, { once: true })
    wire.hearing = { event: event => table.hear(event) }
    table.begin()
    wire.begin()
    if (given.signal.aborted) cancel()
  })
}

type Outcome = 'established' | { lost: Lost } | { answer: DialbackAnswer }

class Table {
  private readonly wire: Wire
  private readonly given: Negotiation
  private readonly settle: (outcome: Outcome) => void
  private state: State
  private readonly first: readonly Command[]
  private readonly seen: Seen = { features: undefined, tls: undefined, verdict: undefined, lang: undefined }
  private refusedExternal: { condition: string, text?: string } | undefined
  /** Why we refuse the peer. */
  private ours: Lost | undefined
  private over = false
  private since: number

  constructor (wire: Wire, given: Negotiation, settle: (outcome: Outcome) => void) {
    this.wire = wire
    this.given = given
    this.settle = settle
    const [state, ...commands] = begin(given.plan)
    this.state = state
    this.first = commands
    this.since = given.clock.elapsed()
  }

  begin (): void {
    for (const command of this.first) this.carryOut(command)
  }

  hear (heard: Event): void {
    if (this.over) return
    const event = this.given.weakened.anyAnswer === true ? this.asIfAsked(heard) : heard
    this.note(event)
    const before = this.state
    let [next, ...commands] = advance(before, event)
    const forbidden = this.forbidden(event, commands)
    if (forbidden !== undefined) {
      this.ours = forbidden
      ;[next, ...commands] = advance(before, { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: forbidden.failed.reason === 'certificate-refused' ? 'not-authorized' : 'policy-violation' } })
    }
    this.state = next
    if (next.at === 'established') {
      this.over = true
      this.measure('auth')
      this.given.established(next, commands, this.seen)
      return this.settle('established')
    }
    for (const command of commands) this.carryOut(command)
    if (next.at === 'closing' && next.answer !== undefined) this.finish({ answer: next.answer })
    else if (next.at === 'closed') this.finish(this.outcomeOf(next, event, before))
  }

  /**
   * What the leg forbids and the table does not know of: a key in clear where dialback is for TLS alone, a question to a server whose certificate does not do, and either of them in
   * clear where a certificate is demanded: whoever takes the offer of STARTTLS out on the way would need none (row C2).
   */
  private forbidden (event: Event, commands: readonly Command[]): Lost | undefined {
    const { plan, leg, weakened } = this.given
    if (event.on === 'secured' && plan.authenticate === 'none') return this.ours
    const asks = commands.find(command => command.do === 'send-dialback-key' || command.do === 'send-dialback-question')
    if (asks === undefined || this.seen.tls !== undefined || weakened.stripped === true) return undefined
    if (asks.do === 'send-dialback-key' && leg.dialback === 'over-tls') return ofNoTls()
    return leg.certificate === 'any' || weakened.anyCertificate === true ? undefined : ofCertificate('The peer offers no TLS, and without it shows no certificate, which is demanded of it.')
  }

  private outcomeOf (closed: Extract<State, { at: 'closed' }>, event: Event, before: State): Outcome {
    const refused = this.refusedExternal
    if (this.ours !== undefined) return { lost: this.ours }
    if (closed.answer !== undefined) return this.given.plan.authenticate === 'none' ? { answer: closed.answer } : { lost: ofAnswer(closed.answer, refused) }
    const failure = closed.because ?? { at: 'stream', why: 'ended', received: this.wire.connection.received }
    const at = before.at === 'awaiting-dialback' || before.at === 'awaiting-answer' ? 'dialback' : 'negotiating'
    return { lost: ofFailure(failure, { at, said: event.on === 'stream-error', ...(refused === undefined ? {} : { refusedExternal: refused }) }) }
  }

  private finish (outcome: Outcome): void {
    this.over = true
    this.wire.close()
    // In the background: the next target need not wait for this one's goodbye.
    void this.wire.connection.end(this.given.limits.closeMs)
    this.settle(outcome)
  }

  private carryOut (command: Command): void {
    const { wire, given: { pair, plan, keys, lang } } = this
    switch (command.do) {
      case 'send-header': wire.restart(); wire.say(headerText({ from: pair.from, to: pair.to, ...(lang === undefined ? {} : { lang }) })); return
      case 'send-starttls': wire.say(STARTTLS); return
      case 'send-bidi': wire.say(BIDI_REQUEST); return
      case 'send-external': wire.say(externalText(Buffer.from(pair.from).toString('base64'))); return
      case 'send-dialback-key': wire.say(dialbackKeyText(pair.from, pair.to, keys.keyFor({ receiving: pair.to, originating: pair.from, streamId: command.streamId }))); return
      case 'send-dialback-question': wire.say(dialbackQuestionText(command.question.from, command.question.to, command.question.id, command.question.key)); return
      case 'send-error': wire.say(streamErrorText(command.condition, this.ours?.failed.says ?? command.text)); return
      case 'send-footer': wire.say(FOOTER); return
      case 'start-tls': return this.secure(plan.kind === 'direct')
      // The rest is of a stream that is established, and not ours any more.
      case 'answer-question': case 'send-dialback-result': case 'deliver': case 'close': case 'send-enable': case 'send-acknowledgement': case 'acknowledged': return
      default: return command satisfies never
    }
  }

  private secure (direct: boolean): void {
    const { pair, leg, anchors, certificate, deadline, clock } = this.given
    this.since = clock.elapsed()
    this.wire.secure({
      sni: pair.to, ...(direct ? { alpn: ['xmpp-server'] } : {}), anchors, minVersion: leg.minTls === '1.3' ? 'TLSv1.3' : 'TLSv1.2', timeoutMs: Math.max(1, deadline - clock.elapsed()),
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    }, secured => this.judge(secured))
  }

  private judge (secured: Secured): Event {
    const { pair, leg, tell, weakened, judged, clock } = this.given
    const { protocol, cipher } = secured.tls
    this.measure('tls')
    tell('tls', 'ok', `${protocol} with ${cipher}.`)
    const verdict = verdictOn(secured, pair.to, leg, clock.now())
    judged(verdict, protocol)
    this.seen.tls = { protocol, cipher }
    this.seen.verdict = verdict
    // Where any certificate will do, EXTERNAL goes before dialback all the same: gateways.md 5.3 step 6 would have dialback alone, but a key is worth as much to whoever stands between us
    // and the peer, who hands it on to the peer and is taken for us, while the proof of EXTERNAL is of this connection and of no other.
    const problem = weakened.anyCertificate === true ? undefined : certificateProblem(verdict, leg)
    tell('certificate', problem === undefined ? 'ok' : 'failed', problem ?? verdict.says)
    this.ours = problem === undefined ? undefined : ofCertificate(problem, verdict.certificate)
    return { on: 'secured', identity: problem === undefined && (leg.certificate !== 'any' || verdict.is === 'valid') }
  }

  private note (event: Event): void {
    const { given: { tell, plan }, state, seen } = this
    switch (event.on) {
      case 'header':
        seen.lang = event.header.lang
        if (state.at === 'awaiting-header' && !state.authenticated) tell('header', 'ok', `The peer answers as ${event.header.from === undefined ? 'nobody in particular' : `'${quoted(event.header.from, 100)}'`}, version ${quoted(event.header.version ?? 'none', 10)}.`)
        return
      case 'features': {
        seen.features = event.features
        if (state.at !== 'awaiting-features' || state.authenticated) return
        this.measure('stream')
        const { starttls, mechanisms, dialback, bidi, streamManagement } = event.features
        tell('features', 'ok', `It offers ${[starttls === 'absent' ? '' : `STARTTLS (${starttls})`, mechanisms.length > 0 ? `SASL ${quoted(mechanisms.slice(0, 5).join(' '), 100)}` : '', dialback ? 'dialback' : '', bidi ? 'bidi' : '', streamManagement ? 'stream management' : ''].filter(each => each !== '').join(', ') || 'nothing'}.`)
        if (!state.secured && plan.tls === 'insist' && starttls === 'absent') tell('starttls', 'ok', 'STARTTLS is not offered, and is asked for all the same: TLS is required.')
        return
      }
      case 'proceed': return tell('starttls', 'ok', 'The peer goes on with TLS.')
      case 'starttls-failure': return tell('starttls', 'failed', 'The peer refuses TLS.')
      case 'sasl-success': return tell('external', 'ok', 'The peer accepts our certificate.')
      case 'sasl-failure':
        this.refusedExternal = { condition: event.condition, ...(event.text === undefined ? {} : { text: event.text }) }
        return tell('external', 'failed', `The peer refuses our certificate with ${event.condition}${event.text === undefined ? '' : `: "${event.text}"`}.`)
      case 'dialback-result':
        if (state.at === 'awaiting-dialback') tell('dialback', event.answer.type === 'valid' ? 'ok' : 'failed', `The peer's answer to our key is ${event.answer.type}${event.answer.type === 'error' ? ` (${event.answer.condition})` : ''}.`)
        return
      default:
    }
  }

  private measure (phase: Phase): void {
    const now = this.given.clock.elapsed()
    this.given.measured(phase, now - this.since)
    this.since = now
  }

  /** Without the guard against answers that were not asked for (row D1): for its test alone. */
  private asIfAsked (event: Event): Event {
    const { pair, plan } = this.given
    if (event.on === 'dialback-result') return { ...event, from: pair.to, to: pair.from }
    if (event.on === 'dialback-verified' && plan.authenticate === 'none' && plan.question !== undefined) return { ...event, from: pair.to, to: pair.from, id: plan.question.id }
    return event
  }
}
