// What was said in somebody's name: the stages of each deep connection, and the exchange drawn, the peer's callback in it. What peers sent is quoted already.
import { DEEP_LADDERS, type Callback, type Deep, type DeepConnection, type DeepRole, type DeepStage, type DialbackAnswerSeen, type Observation, type PairVerdict } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { wrap, type Colour, type Terminal } from '../terminal.ts'
import { STAGE_TITLES, cell, failureInWords, milliseconds } from './endpoints.ts'

/** A, B and C are the names of the three roles wherever Dialtone speaks of them. */
const ROLES: Record<DeepRole, string> = { external: 'A EXTERNAL', dialback: 'B dialback', verify: 'C verify' }
const ROLE_WIDTH = 10
/** Before the times of the exchange. */
const LEFT = 50
const ARROW_WORD = 9

/** Lines about everything deep; none where nothing deep was asked. */
export function deepLines ({ deep, domain }: Observation, terminal: Terminal): string[] {
  if (deep === undefined) return []
  const theirs = deep.connections.filter(({ of }) => of === 'peer')
  const ours = deep.connections.filter(({ of }) => of === 'ours')
  const drawn = new Set<Callback>()
  return [
    '', `in the name of ${deep.as} ${terminal.paint('dim', `(depth ${deep.depth}${deep.quick ? ', quick' : ''}; times in ms)`)}`,
    ...listenerLines(deep, terminal),
    ...byEndpoint(theirs).flatMap(group => endpointLines(group, deep, drawn, terminal)),
    ...(ours.length === 0 ? [] : ['', terminal.paint('dim', `  the servers of ${deep.as}, asked whether a key of the secret is theirs`)]),
    ...byEndpoint(ours).flatMap(group => endpointLines(group, deep, drawn, terminal)),
    ...(theirs.length === 0 ? ['', `  ${terminal.paint('dim', `no endpoint of ${domain} let us get as far as authentication`)}`] : []),
    ...strangers(deep, drawn, terminal),
  ]
}

/** Can OURS and PEER talk: each direction with its own state and cause. */
export function pairLines (pair: PairVerdict | undefined, { paint, shapes, columns }: Terminal): string[] {
  if (pair === undefined) return []
  const half = (direction: 'out' | 'in', from: string, to: string) => {
    const { state, cause, side, sentence } = pair[direction]
    const colour: Colour = ({ up: 'green', degraded: 'yellow', down: 'red', unknown: 'cyan' } as const)[state]
    return [
      `  ${direction.padEnd(3)} ${paint(colour, `${shapes[state]} ${state.toUpperCase()}`)}  ${from} ${shapes.line}${shapes.to} ${to}`,
      `      ${wrap(sentence, columns - 6, '      ')}`,
      `      ${paint('dim', `${cause} ${shapes.dot} side: ${side}`)}`,
    ]
  }
  return ['', 'both directions', ...half('out', pair.ours, pair.peer), ...half('in', pair.peer, pair.ours)]
}

/** An answer of dialback in one line: `error` with what was given as its reason. */
export function answerInWords ({ type, condition, text }: DialbackAnswerSeen): string {
  return `${type}${condition === undefined ? '' : ` <${condition}/>`}${text === undefined ? '' : ` "${text}"`}`
}

function listenerLines ({ depth, as, listener }: Deep, { paint, columns }: Terminal): string[] {
  const say = (text: string, colour: Colour = 'dim') => [paint(colour, `  ${wrap(text, columns - 2, '    ')}`)]
  if (listener === undefined) return say(depth === 'probe' ? 'no listener in this check: whether the peer called back was not seen from here' : `the peer calls back the server of ${as}, not us: that server's log says what it answered`)
  const at = `listener ${listener.places.join(', ')}`
  const to = listener.leadsTo.length === 0 ? '' : ` (they lead to ${listener.leadsTo.slice(0, 3).join(', ')}${listener.leadsTo.length > 3 ? ` and ${listener.leadsTo.length - 3} more` : ''})`
  switch (listener.published) {
    case 'leads-here': return say(`${at}: the records of ${listener.domain} lead to it`)
    case 'elsewhere': return say(`${at}: the records of ${listener.domain} do not lead to it${to}, so a callback goes elsewhere. Behind NAT, name --public-address`, 'yellow')
    case 'nowhere': return say(`${at}: ${listener.domain} has no records that lead anywhere, so peers cannot find it by DNS`, 'yellow')
    case 'unknown': return say(`${at}: whether the records of ${listener.domain} lead to it is not known; the resolver gave no answer`, 'yellow')
    default: return listener.published satisfies never
  }
}

function byEndpoint (connections: readonly DeepConnection[]): DeepConnection[][] {
  return [...Map.groupBy(connections, ({ endpoint }) => endpoint).values()]
}

/** One endpoint: what was asked of it, a row each, then what was said. */
function endpointLines (group: readonly DeepConnection[], deep: Deep, drawn: Set<Callback>, terminal: Terminal): string[] {
  const [first] = group
  if (first === undefined) return []
  const columns = DEEP_LADDERS[first.kind].dialback.map(stage => ({ stages: stage === 'dialback' ? AUTHENTICATION : [stage], title: stage === 'dialback' ? 'auth' : STAGE_TITLES[stage] }))
    .filter(({ title }) => title !== 'ping' || group.some(({ ping }) => ping !== undefined))
  const heading = columns.map(({ title }) => title.padStart(Math.max(4, title.length))).join(' ')
  return [
    '', `  ${endpointName(first)}`,
    terminal.paint('dim', `  ${''.padEnd(ROLE_WIDTH)}  ${heading}`),
    ...group.map(({ role, steps }) => `  ${ROLES[role].padEnd(ROLE_WIDTH)}  ${columns.map(({ stages, title }) => cell(steps.find(({ stage }) => stages.includes(stage)), Math.max(4, title.length), terminal)).join(' ')}`.trimEnd()),
    ...group.flatMap(connection => exchange(connection, deep, drawn, terminal)),
  ]
}

const AUTHENTICATION: readonly DeepStage[] = ['external', 'dialback', 'question']

/** kind/target:port/address, as a person reads it. */
function endpointName ({ endpoint, kind }: DeepConnection): string {
  const [, where = endpoint, address = ''] = endpoint.split('/')
  const shown = address.includes(':') ? `[${address}]` : address
  return `${where}${where.startsWith(`${address}:`) || where.startsWith(`${shown}:`) ? '' : ` ${shown}`}${kind === 'direct' ? ' (direct TLS)' : ''}`
}

type Draw = (line: { say: string, to: boolean, what: string, atMs?: number, note?: string, colour?: Colour }) => string[]

/** Who said what, when, counted from the start of the connection. */
function exchange (connection: DeepConnection, deep: Deep, drawn: Set<Callback>, terminal: Terminal): string[] {
  const draw: Draw = ({ say, to, what, atMs, note, colour }) => {
    const left = `    us ${arrow(say, to, terminal)} ${what}`
    const time = atMs === undefined ? '' : seconds(atMs - connection.startedAtMs)
    const line = `${left.padEnd(LEFT)}  ${time}`.trimEnd()
    const paint = (text: string) => colour === undefined ? text : terminal.paint(colour, text)
    if (note === undefined) return [paint(line)]
    return line.length + 2 + note.length <= terminal.columns ? [paint(`${line}  ${note}`)] : [paint(line), paint(`         ${wrap(note, terminal.columns - 9, '         ')}`)]
  }
  const lines = connection.role === 'external' ? externalLines(connection, draw)
    : connection.role === 'verify' ? questionLines(connection, draw)
      : dialbackLines(connection, deep, drawn, draw, terminal)
  const said = [...lines, ...pingLines(connection, draw)]
  return [...said.slice(0, 1).map(line => line.replace('    us', `  ${ROLES[connection.role].slice(0, 1)} us`)), ...said.slice(1), ...failureLines(connection, terminal)]
}

function externalLines (connection: DeepConnection, draw: Draw): string[] {
  const { sasl, certificate, tls, endpoint } = connection
  const step = stepOf(connection, 'external')
  if (sasl === undefined && connection.steps.every(({ outcome }) => outcome !== 'failed')) {
    const last = connection.featuresAgain ?? (connection.kind === 'direct' || connection.features?.starttls === 'absent' ? connection.features : undefined)
    return last === undefined ? [] : draw({ say: 'features', to: false, what: 'EXTERNAL is not offered to us', colour: 'yellow', note: tls === undefined ? 'there is no TLS' : `it offers ${[...last.mechanisms.slice(0, 5).map(name => quoted(name, 30)), ...(last.dialback ? ['dialback'] : [])].join(', ') || 'nothing'}` })
  }
  if (step === undefined) return []
  return [
    ...draw({ say: 'EXTERNAL', to: true, what: whereOf(endpoint), atMs: step.atMs, note: certificate ? `our certificate, ${tls?.protocol ?? 'in clear'}` : 'no certificate shown' }),
    ...(sasl === undefined ? [] : draw({
      say: sasl.success ? 'success' : 'failure', to: false, atMs: step.atMs + step.ms, what: sasl.success ? 'accepted' : `<${sasl.condition ?? 'no condition'}/>`,
      colour: sasl.success ? 'green' : 'red', ...(sasl.text === undefined ? {} : { note: `"${sasl.text}"` }),
    })),
  ]
}

function dialbackLines (connection: DeepConnection, deep: Deep, drawn: Set<Callback>, draw: Draw, { columns }: Terminal): string[] {
  const { dialback, endpoint, features, featuresAgain, header, kind } = connection
  if (dialback === undefined) {
    const last = featuresAgain ?? (kind === 'direct' || features?.starttls === 'absent' ? features : undefined)
    return last === undefined || header === undefined || connection.steps.some(({ outcome }) => outcome === 'failed') ? [] : draw({ say: 'features', to: false, what: 'dialback is not offered to us', colour: 'yellow' })
  }
  const { sentAtMs, waitedMs, answer } = dialback
  const endedAtMs = sentAtMs + waitedMs
  const mine = deep.callbacks.filter(callback => !drawn.has(callback) && calledAt(callback) >= sentAtMs && callback.atMs <= endedAtMs)
  for (const callback of mine) drawn.add(callback)
  const asked = mine.some(({ asked }) => asked !== undefined)
  const sent = draw({ say: 'db:result', to: true, what: whereOf(endpoint), atMs: sentAtMs, note: [dialback.secured ? `in ${connection.tls?.protocol ?? 'TLS'}` : 'in clear', ...(dialback.key === 'made-up' ? ['a made-up key'] : [])].join(', ') })
  const callbacks = mine.flatMap(callback => callbackLines(callback, draw)).toSorted((a, b) => a.atMs - b.atMs).flatMap(({ lines }) => lines)
  const nobody = deep.listener === undefined || asked || answer === undefined ? [] : [`       ${wrap(deep.callbacks.some(({ asked }) => asked !== undefined)
    ? 'nobody asked our listener about this key on a new connection'
    : 'nobody asked our listener about the key', columns - 7, '       ')}`]
  return [...sent, ...callbacks, ...nobody, ...answerLines(connection, dialback, asked, deep, draw)]
}

type Dialback = NonNullable<DeepConnection['dialback']>

function answerLines (connection: DeepConnection, { sentAtMs, waitedMs, answer, cutShort }: Dialback, asked: boolean, deep: Deep, draw: Draw): string[] {
  const atMs = sentAtMs + waitedMs
  if (answer !== undefined) {
    const { type, condition, text } = answer
    return draw({ say: 'db:result', to: false, what: `${type}${condition === undefined ? '' : ` <${condition}/>`}`, atMs, colour: type === 'valid' ? 'green' : 'red', ...(text === undefined ? {} : { note: `"${text}"` }) })
  }
  const failure = stepOf(connection, 'dialback')?.failure
  const silent = failure === undefined || (failure.at === 'stream' && failure.why === 'went-silent')
  const called = deep.listener === undefined ? undefined : asked ? 'the peer did ask about the key' : 'the peer did not ask about the key'
  if (!silent) {
    const error = failure.at === 'stream' && failure.why === 'stream-error' ? failure.condition : undefined
    return draw({ say: error === undefined ? 'end' : 'error', to: false, what: error === undefined ? 'no answer' : `<${error}/>`, atMs, colour: 'red', ...(called === undefined ? {} : { note: called }) })
  }
  return draw({ say: 'nothing', to: false, what: `no answer in ${duration(waitedMs)}`, atMs, colour: cutShort === true ? 'yellow' : 'red', note: [called, cutShort === true ? deep.quick ? '--quick: not waited longer (95 s)' : 'not waited longer: another endpoint had been silent' : undefined].filter(part => part !== undefined).join('; ') || 'the stream stayed open' })
}

/** A connection of the peer's side to us: what it said, each with its time. */
function callbackLines (callback: Callback, draw: Draw): { atMs: number, lines: string[] }[] {
  const { source, tls, asked, strangeId, authenticated, reverse, failure } = callback
  const who = `${source} (${tls ?? 'in clear'})`
  const ended = failure === undefined ? '' : `: ${failureInWords(failure)}`
  const proves = reverse !== undefined || authenticated !== undefined
  const said = [
    ...(asked !== undefined ? [{ atMs: asked.atMs, lines: draw({ say: 'db:verify', to: false, what: who, atMs: asked.atMs, note: `we answered: ${asked.answered}`, colour: asked.answered === 'valid' ? 'green' : 'yellow' }) }]
      : strangeId !== undefined ? [{ atMs: callback.atMs, lines: draw({ say: 'db:verify', to: false, what: who, atMs: callback.atMs, note: `about the stream "${strangeId}", which is none of ours`, colour: 'yellow' }) }]
        : [{ atMs: callback.atMs, lines: draw({ say: 'connects', to: false, what: who, atMs: callback.atMs, ...(proves ? {} : { note: `ended before it asked${ended}`, colour: 'red' }) }) }]),
    ...(reverse === undefined ? [] : [{
      atMs: reverse.atMs,
      lines: draw({
        say: 'db:result', to: false, what: 'the peer\'s own key', atMs: reverse.atMs,
        note: reverse.answer === undefined ? `could not be proved${reverse.failure === undefined ? '' : `: ${failureInWords(reverse.failure)}`}` : `its server, asked: ${answerInWords(reverse.answer)}`,
      }),
    }]),
    ...(authenticated === 'external' ? [{ atMs: callback.atMs, lines: draw({ say: 'EXTERNAL', to: false, what: 'the peer\'s certificate', note: 'we accepted it' }) }] : []),
  ]
  return failure !== undefined && (asked !== undefined || proves) ? [...said, { atMs: Number.POSITIVE_INFINITY, lines: [`         that stream ended${ended}`] }] : said
}

function questionLines (connection: DeepConnection, draw: Draw): string[] {
  const { question, endpoint } = connection
  const step = stepOf(connection, 'question')
  if (question === undefined || step === undefined) return []
  const { right, answer, ms } = question
  const as = answer === undefined ? 'it did not answer' : answer.type === right ? 'as it should be' : `it should be ${right}`
  return [
    ...draw({ say: 'db:verify', to: true, what: whereOf(endpoint), atMs: step.atMs, note: right === 'valid' ? 'a right key' : 'a wrong key' }),
    ...draw({ say: answer === undefined ? 'nothing' : 'db:verify', to: false, what: answer === undefined ? 'no answer' : `${answer.type}${answer.condition === undefined ? '' : ` <${answer.condition}/>`}`, atMs: step.atMs + ms, note: `${as}${answer?.text === undefined ? '' : `: "${answer.text}"`}`, colour: answer?.type === right ? 'green' : 'red' }),
  ]
}

function pingLines (connection: DeepConnection, draw: Draw): string[] {
  const { ping } = connection
  const step = stepOf(connection, 'ping')
  if (ping === undefined || step === undefined) return []
  const { answer, condition, source, ms } = ping
  return [
    ...draw({ say: 'ping', to: true, what: connection.pair.to, atMs: step.atMs }),
    ...draw(answer === 'none'
      ? { say: 'nothing', to: false, what: `no pong in ${duration(ms)}`, atMs: step.atMs + ms, note: 'the way back carries nothing', colour: 'red' }
      : { say: 'pong', to: false, what: source ?? 'a stream of the peer', atMs: step.atMs + ms, note: `${answer}${condition === undefined ? '' : ` <${condition}/>`}, on its stream to us`, colour: 'green' }),
  ]
}

/** Where it stopped, if the exchange does not show it. */
function failureLines ({ steps, role }: DeepConnection, { columns, paint, shapes }: Terminal): string[] {
  const step = steps.find(({ failure }) => failure !== undefined)
  if (step?.failure === undefined || (step.stage === 'dialback' && step.failure.at === 'stream' && step.failure.why === 'went-silent')) return []
  return [paint('red', `    ${shapes.failed} ${wrap(`${ROLES[role].slice(0, 1)} stopped at ${STAGE_TITLES[step.stage]} after ${milliseconds(step.ms)} ms: ${failureInWords(step.failure)}`, columns - 6, '      ')}`)]
}

/** What reached us of the pair while no key of ours waited for an answer. */
function strangers ({ callbacks, callbacksLeftOut }: Deep, drawn: ReadonlySet<Callback>, terminal: Terminal): string[] {
  const others = callbacks.filter(callback => !drawn.has(callback))
  if (others.length === 0 && callbacksLeftOut === 0) return []
  const draw: Draw = ({ say, to, what, note, colour }) => {
    const line = `    us ${arrow(say, to, terminal)} ${what}${note === undefined ? '' : `  ${note}`}`
    return [colour === undefined ? line : terminal.paint(colour, line)]
  }
  return [
    '', terminal.paint('dim', '  also reached the listener for this pair'),
    ...others.flatMap(callback => callbackLines(callback, draw).flatMap(({ lines }) => lines)),
    ...(callbacksLeftOut === 0 ? [] : [`    and ${callbacksLeftOut} more`]),
  ]
}

function calledAt ({ atMs, asked }: Callback): number {
  return asked?.atMs ?? atMs
}

function stepOf ({ steps }: DeepConnection, stage: DeepStage): DeepConnection['steps'][number] | undefined {
  return steps.find(step => step.stage === stage && step.outcome !== 'not-asked')
}

function whereOf (endpoint: string): string {
  return endpoint.split('/')[1] ?? endpoint
}

/** ──db:result──►, all of one length. */
function arrow (word: string, to: boolean, { shapes: { line, to: head, from: tail } }: Terminal): string {
  const before = Math.floor((ARROW_WORD - word.length) / 2)
  const shaft = line.repeat(2 + Math.max(0, before)) + word + line.repeat(2 + Math.max(0, ARROW_WORD - word.length - before))
  return to ? `${shaft}${head}` : `${tail}${shaft}`
}

function seconds (ms: number): string {
  return `+${(Math.max(0, ms) / 1000).toFixed(3)} s`
}

/** Seconds from one up, milliseconds below. */
function duration (ms: number): string {
  return ms < 1000 ? `${milliseconds(ms)} ms` : `${milliseconds(ms / 1000)} s`
}
