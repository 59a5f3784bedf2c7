/** One connection that authenticates, or asks whether a key is good: a conversation, and what was heard in it. */
import { X509Certificate, randomBytes } from 'node:crypto'
import { DEEP_LADDERS, type DeepConnection, type DeepRole, type DeepStage, type DialbackAnswerSeen, type PairSeen, type StoredCertificate } from '@dialtone/contracts'
import type { PlannedEndpoint } from '@dialtone/discovery'
import { connect } from '@dialtone/net'
import { canonicalDomain, readCertificate, type DialbackAnswer, type Event, type Plan, type Question, type State } from '@dialtone/stream'
import { converse, type Authenticate, type StreamSeen } from '../converse.ts'
import { shownId, type Expectation } from '../listener/expectation.ts'
import { endpointId } from '../observe-endpoint.ts'
import type { Progress } from '../progress.ts'
import { connectionOf, type CheckRequest, type DeepRequest } from '../request.ts'
import { createSteps, type Steps } from '../steps.ts'
import { createTranscript } from '../transcript.ts'

export type DeepGiven = {
  request: CheckRequest
  deep: DeepRequest
  signal: AbortSignal
  since: () => number
  progress: (progress: Progress) => void
  certificates: Record<string, StoredCertificate>
  /** Of the pair, where our listener hears for it. */
  expectation?: Expectation
}

export type Task = {
  role: DeepRole
  of: DeepConnection['of']
  pair: PairSeen
  /** Role `verify`: what is asked, and what a right server answers. */
  question?: Question & { right: 'valid' | 'invalid' }
  /** Role `dialback`: milliseconds to wait for the answer. */
  dialbackMs?: number
}

export async function deepConnection (planned: PlannedEndpoint, task: Task, given: DeepGiven): Promise<DeepConnection> {
  const { request, since, progress, signal } = given
  const endpoint = endpointId(planned)
  const startedAtMs = since()
  const steps = createSteps<DeepStage>(DEEP_LADDERS[planned.kind][task.role], since, step => progress({ at: 'deep-step', endpoint, role: task.role, step }))
  const transcript = createTranscript(since)
  const seen: StreamSeen = {}
  const heard = createHearing(task, { ...given, endpoint, steps })
  // Shown only where it is the point: with a certificate some servers would not call back.
  const { clientCertificate, ...withoutCertificate } = request
  const certificate = task.role === 'external' && clientCertificate !== undefined

  steps.enter('tcp')
  const opened = await connect(connectionOf(request, planned, signal))
  if ('failure' in opened) steps.fail(opened.failure)
  else {
    steps.finish()
    try {
      await converse(opened.connection, {
        plan: planFor(planned, task), address: { ...task.pair, sni: task.pair.to }, request: certificate ? request : withoutCertificate, steps, transcript, seen, certificates: given.certificates, authenticate: heard.authenticate,
      })
    } finally {
      opened.connection.destroy()
      heard.over()
    }
  }
  const { ended: _, strayBytes: __, ...kept } = seen
  const connection: DeepConnection = {
    role: task.role, endpoint, of: task.of, kind: planned.kind, pair: task.pair, startedAtMs, steps: steps.list(), ...kept, certificate, ...(certificate ? usagesOf(clientCertificate.certificate) : {}), ...heard.facts(), transcript: transcript.lines(),
  }
  progress({ at: 'deep', connection })
  return connection
}

/** What our certificate may be used for, by its own words: some servers refuse one that is for servers alone. */
function usagesOf (pem: string): Pick<DeepConnection, 'certificateUsages'> {
  const facts = readCertificate(new X509Certificate(pem).raw)
  return facts === undefined ? {} : { certificateUsages: [...facts.extendedKeyUsage ?? []] }
}

function planFor ({ kind }: PlannedEndpoint, { role, pair, question }: Task): Plan {
  const plan = { kind, tls: 'offered' } as const
  if (role === 'verify') return { ...plan, authenticate: 'none', ...(question === undefined ? {} : { question }) }
  return { ...plan, authenticate: [role], pair }
}

type Facts = Pick<DeepConnection, 'sasl' | 'dialback' | 'question' | 'ping' | 'software'>
type Hearing = { authenticate: Authenticate, /** The connection is gone. */ over: () => void, facts: () => Facts }

/** What the conversation says and hears that a light check does not. */
function createHearing (task: Task, { deep, since, progress, expectation, endpoint, steps, signal }: DeepGiven & { endpoint: string, steps: Pick<Steps, 'enter' | 'fail' | 'current'> }): Hearing {
  const facts: Facts = {}
  let askedAtMs: number | undefined
  let warning: NodeJS.Timeout | undefined
  let ended: () => void = () => undefined
  let key: string | undefined = task.question?.key
  const called = () => expectation?.callbacks.some(({ asked }) => asked !== undefined) === true

  const keyFor = (streamId: string, secured: boolean): string => {
    const scope = { receiving: task.pair.to, originating: task.pair.from, streamId }
    expectation?.streamIds.add(streamId)
    facts.dialback = { key: deep.keys === undefined ? 'made-up' : 'true', streamId: shownId(streamId), secured, sentAtMs: since(), waitedMs: 0 }
    const sentAtMs = since()
    warning = setTimeout(() => progress({ at: 'no-answer-yet', endpoint, ms: since() - sentAtMs, called: called() }), deep.timeoutsMs.warn)
    key = deep.keys?.keyFor(scope) ?? randomBytes(32).toString('hex')
    return key
  }
  const heard = (event: Event, state: State): void => {
    if (state.at === 'awaiting-sasl' && event.on === 'sasl-success') facts.sasl = { success: true }
    if (state.at === 'awaiting-sasl' && event.on === 'sasl-failure') facts.sasl = { success: false, condition: event.condition, ...(event.text === undefined ? {} : { text: event.text }) }
    if (state.at === 'awaiting-dialback' && facts.dialback !== undefined && facts.dialback.answer === undefined) {
      clearTimeout(warning)
      facts.dialback.waitedMs = since() - facts.dialback.sentAtMs
      if (event.on === 'dialback-result' && isReversed(event, task.pair)) facts.dialback.answer = seenAnswer(event.answer)
      if (event.on === 'silence' && task.dialbackMs !== undefined && task.dialbackMs < deep.timeoutsMs.answer) facts.dialback.cutShort = true
    }
    if (state.at === 'awaiting-answer' && task.question !== undefined) {
      facts.question = { right: task.question.right, ms: since() - (askedAtMs ?? since()), ...(event.on === 'dialback-verified' && fits(event, task.question) ? { answer: seenAnswer(event.answer) } : {}) }
    }
    if (event.on === 'features' || event.on === 'header') askedAtMs = since()
  }
  const iq = (id: string, child: string): string => `<iq type='get' id='${id}' from='${task.pair.from}' to='${task.pair.to}'>${child}</iq>`
  const established = (say: (text: string) => void): AbortSignal => {
    // In another server's name nothing is said: the stream is closed at once.
    if (expectation === undefined || deep.depth !== 'probe') return AbortSignal.abort('nothing to say')
    steps.enter('ping')
    const done = new AbortController()
    const [id, other] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
    const sentAtMs = since()
    const settle = (pong: Omit<NonNullable<DeepConnection['ping']>, 'ms'>): void => {
      if (facts.ping !== undefined) return
      clearTimeout(timer)
      signal.removeEventListener('abort', gone)
      facts.ping = { ...pong, ms: since() - sentAtMs }
      // Where the stream broke, the stage has failed with the reason already.
      if (pong.answer === 'none' && steps.current === 'ping') steps.fail()
      done.abort('answered')
    }
    const gone = () => settle({ answer: 'none' })
    const timer = setTimeout(gone, deep.timeoutsMs.ping)
    signal.addEventListener('abort', gone)
    ended = gone
    expectation.asked.set(id, ({ answer, condition, source }) => settle({ answer, ...(condition === undefined ? {} : { condition }), ...(source === undefined ? {} : { source }) }))
    expectation.asked.set(other, ({ software }) => { if (software !== undefined && facts.ping === undefined) facts.software = software })
    // The ping last: when its answer is here, so is the other.
    say(iq(other, "<query xmlns='jabber:iq:version'/>") + iq(id, "<ping xmlns='urn:xmpp:ping'/>"))
    return done.signal
  }
  return {
    authenticate: { keyFor, heard, established, mask: text => key === undefined ? text : text.replaceAll(key, '…'), dialbackMs: task.dialbackMs ?? deep.timeoutsMs.answer },
    over: () => {
      clearTimeout(warning)
      ended()
    },
    facts: () => facts,
  }
}

/** An answer carries the domains of its question the other way round (XEP-0220 §3.1). */
function isReversed (answer: { from: string, to: string }, { from, to }: PairSeen): boolean {
  return canonicalDomain(answer.from) === to && canonicalDomain(answer.to) === from
}

function fits (answer: { from: string, to: string, id: string }, question: Question): boolean {
  return answer.id === question.id && isReversed(answer, question)
}

/** As it was sent, within what the contract keeps. */
export function seenAnswer (answer: DialbackAnswer): DialbackAnswerSeen {
  if (answer.type !== 'error') return { type: answer.type }
  return { type: 'error', condition: answer.condition.slice(0, 64), ...(answer.text === undefined ? {} : { text: answer.text.slice(0, 400) }) }
}
