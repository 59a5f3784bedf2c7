// The stages of every endpoint with their times: one row an endpoint, one column a stage.
import { DIRECT_LADDER, STARTTLS_LADDER, type DeepStage, type EndpointKind, type EndpointObservation, type Failure, type Stage, type Step, type StepOutcome } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import { wrap, type Terminal } from '../terminal.ts'

export const STAGE_TITLES: Record<DeepStage, string> = {
  tcp: 'tcp', header: 'header', features: 'features', starttls: 'starttls', tls: 'tls', certificate: 'cert', 'features-again': 'features', close: 'close',
  external: 'EXTERNAL', dialback: 'dialback', question: 'verify', ping: 'ping',
}
const KINDS: Record<EndpointKind, { title: string, stages: readonly Stage[] }> = {
  starttls: { title: 'STARTTLS endpoints', stages: STARTTLS_LADDER },
  direct: { title: 'direct TLS endpoints', stages: DIRECT_LADDER },
}

/** Lines of one table per kind of endpoint; empty when there is no endpoint. Times are milliseconds. Names too long for a row get a line of their own. */
export function endpointTable (endpoints: readonly EndpointObservation[], terminal: Terminal): string[] {
  return (['starttls', 'direct'] as const).flatMap(kind => {
    const { title, stages } = KINDS[kind]
    const rows = endpoints.filter(endpoint => endpoint.kind === kind)
    if (rows.length === 0) return []
    const titles = `  ${stages.map(stage => STAGE_TITLES[stage].padStart(columnWidth(stage))).join(' ')}  ms`
    const widest = Math.max(title.length, ...rows.map(row => label(row).length))
    const apart = 2 + widest + titles.length > terminal.columns
    const width = apart ? title.length : widest
    return ['', terminal.paint('dim', `  ${title.padEnd(width)}${titles}`), ...rows.flatMap(row => endpointRows(row, { width, apart, stages }, terminal))]
  })
}

/** The last stage that was asked: the one that failed, or the end of the ladder. */
export function lastStep (endpoint: EndpointObservation): Step | undefined {
  return endpoint.steps.find(step => step.outcome === 'failed') ?? endpoint.steps.findLast(step => step.outcome === 'ok')
}

/** Whole milliseconds, one decimal below ten. */
export function milliseconds (ms: number): string {
  return ms < 9.95 ? String(Number(ms.toFixed(1))) : String(Math.round(ms))
}

/** A failure in a few words. What the peer said is quoted already. */
export function failureInWords (failure: Failure): string {
  switch (failure.at) {
    case 'guard': return `refused by the address guard${tail(failure.detail)}; --allow-net permits it`
    case 'tcp': return { refused: 'connection refused', reset: 'connection reset', timeout: 'no answer to the connection request', unreachable: 'unreachable' }[failure.why]
    case 'starttls': return `<failure/> instead of <proceed/>${tail(failure.detail)}`
    case 'tls': return tlsInWords(failure)
    case 'stream': return streamInWords(failure)
    case 'probe': return `${{ 'no-address-family': 'this machine has no such address family', cancelled: 'cancelled', 'no-resources': 'this machine ran out of resources', unclassified: 'not classified' }[failure.why]}${tail(failure.detail)}`
    default: return unreachable(failure)
  }
}

function tlsInWords (failure: Extract<Failure, { at: 'tls' }>): string {
  const alert = failure.alert === undefined ? '' : ` ${failure.alert}`
  switch (failure.why) {
    case 'alert-from-peer': return `the peer sent the TLS alert${alert}${failure.late === true ? ' after the handshake' : ''}`
    case 'alert-from-us': return `we refused with the TLS alert${alert}${tail(failure.detail)}`
    case 'not-tls': return `what answered the ClientHello is no TLS${tail(failure.detail)}`
    case 'protocol': return `TLS protocol error${tail(failure.detail)}`
    case 'closed': return 'closed during the handshake'
    case 'reset': return 'reset during the handshake'
    case 'timeout': return 'the handshake was not answered in time'
    default: return unreachable(failure.why)
  }
}

function streamInWords (failure: Extract<Failure, { at: 'stream' }>): string {
  switch (failure.why) {
    case 'stream-error': return `the peer ended the stream: <${quoted(failure.condition)}/>${failure.text === undefined ? '' : ` "${quoted(failure.text)}"`}`
    case 'broke-protocol': return `we ended the stream: <${failure.condition}/>${tail(failure.detail)}`
    case 'not-xmpp': return `no XMPP${tail(failure.detail)}`
    case 'closed': return failure.received === 0 ? 'closed without a word' : 'closed without </stream:stream>'
    case 'ended': return 'the stream was closed where more was due'
    case 'reset': return 'the connection was reset'
    case 'went-silent': return failure.received === 0 ? 'connected, then nothing came' : 'went silent'
    default: return unreachable(failure)
  }
}

/** One stage in its column: its time, or how it did not go. */
export function cell (step: { outcome: StepOutcome, ms: number } | undefined, width: number, { paint, shapes }: Terminal): string {
  if (step === undefined || step.outcome === 'not-asked') return paint('dim', shapes.skipped.padStart(width))
  if (step.outcome === 'failed') return paint('red', shapes.failed.padStart(width))
  return milliseconds(step.ms).padStart(width)
}

type Layout = { /** Of the column of names. */ width: number, /** Names stand above their times. */ apart: boolean, stages: readonly Stage[] }

function endpointRows (endpoint: EndpointObservation, { width, apart, stages }: Layout, terminal: Terminal): string[] {
  const { columns, paint, shapes } = terminal
  const cells = stages.map(stage => cell(endpoint.steps.find(step => step.stage === stage), columnWidth(stage), terminal))
  const times = (name: string) => `  ${name.padEnd(width)}  ${cells.join(' ')}`.trimEnd()
  const rows = apart ? [`  ${wrap(label(endpoint), columns - 2, '    ')}`, times('')] : [times(label(endpoint))]
  const failed = endpoint.steps.find(step => step.failure !== undefined)
  if (failed?.failure === undefined) return rows
  const words = `${STAGE_TITLES[failed.stage]} after ${milliseconds(failed.ms)} ms: ${failureInWords(failed.failure)}`
  return [...rows, paint('red', `    ${shapes.failed} ${wrap(words, columns - 6, '      ')}`)]
}

function label (endpoint: EndpointObservation): string {
  const address = endpoint.family === 6 ? `[${endpoint.address}]` : endpoint.address
  const where = endpoint.target === endpoint.address ? `${address}:${endpoint.port}` : `${endpoint.target}:${endpoint.port} ${address}`
  return endpoint.source === 'srv' ? where : `${where} (${endpoint.source})`
}

function columnWidth (stage: Stage): number {
  return Math.max(4, STAGE_TITLES[stage].length)
}

function tail (detail: string | undefined): string {
  return detail === undefined ? '' : `: ${detail}`
}
