// What happens, while it happens, on standard error: redrawn in place on a terminal, a plain line per finished endpoint elsewhere.
import type { DeepConnection, EndpointObservation, Report } from '@dialtone/contracts'
import { DEEP_TIMEOUTS, type Progress } from '@dialtone/ladder'
import { lastStep, milliseconds, STAGE_TITLES } from './text/endpoints.ts'
import { wrap, type Terminal } from './terminal.ts'

export type ProgressView = {
  of: (domain: string) => (progress: Progress) => void
  /** The domain is done; `print` may write its result: the view steps aside for it. */
  finished: (report: Report, print: () => void) => void
  close: () => void
}

/** A view that says nothing: for JSON in a pipe. */
export const SILENT: ProgressView = { of: () => () => undefined, finished: (_, print) => print(), close: () => undefined }

/** `hears`: a listener of this check sees whether the peer calls back. */
type Hearing = { hears?: boolean }

/** Redraws at most this often, so that a fleet of answers does not become a fleet of writes. */
const FRAME_MS = 80
const ROWS = 12

/** Rows of what is running, redrawn in place; everything vanishes on close, before the result is printed. */
export function liveProgress (write: (text: string) => void, terminal: Terminal, total: number, { hears = false }: Hearing = {}): ProgressView {
  const running = new Map<string, { dns: string, rows: Map<string, string> }>()
  const states = { up: 0, degraded: 0, down: 0, unknown: 0 }
  let drawn = 0
  let done = 0
  let timer: NodeJS.Timeout | undefined

  const draw = () => {
    timer = undefined
    const lines: string[] = []
    if (total > 1) lines.push(`${done} of ${total} domains: ${states.down} down, ${states.unknown} unknown, ${states.degraded} degraded, ${states.up} up`)
    for (const [domain, { dns, rows }] of running) {
      lines.push(`${domain}  ${terminal.paint('dim', dns)}`)
      for (const row of rows.values()) lines.push(...`  ${wrap(row, terminal.columns - 4, '    ')}`.split('\n'))
    }
    const shown = lines.length > ROWS ? [...lines.slice(0, ROWS - 1), `  … and ${lines.length - ROWS + 1} more`] : lines
    erase()
    for (const line of shown) write(cut(line, terminal.columns) + '\n')
    drawn = shown.length
  }
  const erase = () => {
    if (drawn > 0) write(`\u001B[${drawn}A\u001B[J`)
    drawn = 0
  }
  const soon = () => { timer ??= setTimeout(draw, FRAME_MS) }

  return {
    of: domain => {
      const entry = { dns: 'asking DNS', rows: new Map<string, string>() }
      running.set(domain, entry)
      soon()
      return progress => {
        if (progress.at === 'dns') entry.dns = `${progress.answered} of ${progress.asked} DNS answers`
        if (progress.at === 'plan') for (const id of progress.endpoints) entry.rows.set(id, `${id}  …`)
        if (progress.at === 'step') entry.rows.set(progress.endpoint, `${progress.endpoint}  ${STAGE_TITLES[progress.step.stage]} ${milliseconds(progress.step.ms)} ms …`)
        if (progress.at === 'endpoint') entry.rows.set(progress.endpoint.id, `${progress.endpoint.id}  ${outcomeOf(progress.endpoint, terminal)}`)
        if (progress.at === 'deep-step') entry.rows.set(progress.endpoint, `${progress.endpoint}  ${progress.role}: ${STAGE_TITLES[progress.step.stage]} ${milliseconds(progress.step.ms)} ms …`)
        if (progress.at === 'no-answer-yet') entry.rows.set(progress.endpoint, `${progress.endpoint}  ${noAnswerYet(progress, hears)}`)
        if (progress.at === 'deep') entry.rows.set(progress.connection.endpoint, `${progress.connection.endpoint}  ${deepOutcome(progress.connection, terminal)}`)
        soon()
      }
    },
    finished: (report, print) => {
      done++
      states[report.verdict.state]++
      running.delete(report.domain)
      erase()
      print()
      soon()
    },
    close: () => {
      clearTimeout(timer)
      erase()
    },
  }
}

/** A line per endpoint as soon as it is known, wrapped: for logs and pipes. */
export function plainProgress (write: (text: string) => void, terminal: Terminal, { hears = false }: Hearing = {}): ProgressView {
  return {
    of: domain => {
      const say = (text: string) => write(`${wrap(`${domain}: ${text}`, terminal.columns - 2, '  ')}\n`)
      return progress => {
        if (progress.at === 'plan' && progress.endpoints.length > 0) say(`${progress.endpoints.length} ${progress.endpoints.length === 1 ? 'endpoint' : 'endpoints'} to check`)
        if (progress.at === 'endpoint') say(`${progress.endpoint.id} ${outcomeOf(progress.endpoint, terminal)}`)
        if (progress.at === 'no-answer-yet') say(`${progress.endpoint} ${noAnswerYet(progress, hears)}`)
        if (progress.at === 'deep') say(`${progress.connection.endpoint} ${deepOutcome(progress.connection, terminal)}`)
      }
    },
    finished: (_, print) => print(),
    close: () => undefined,
  }
}

function outcomeOf (endpoint: EndpointObservation, { shapes, paint }: Terminal): string {
  const last = lastStep(endpoint)
  if (last === undefined) return paint('dim', 'nothing was asked')
  return last.outcome === 'failed'
    ? paint('red', `${shapes.failed} stopped at ${STAGE_TITLES[last.stage]}`)
    : paint('green', `${shapes.ok} ${milliseconds(last.atMs + last.ms - (endpoint.steps[0]?.atMs ?? 0))} ms`)
}

/** The early warning, while there is still a chance. */
function noAnswerYet ({ ms, called }: { ms: number, called: boolean }, hears: boolean): string {
  const callback = hears ? `the peer has ${called ? '' : 'not '}called back` : 'a callback is not seen from here'
  return `no answer after ${Math.round(ms / 1000)} s; waiting up to ${Math.round(DEEP_TIMEOUTS.answer / 1000)} s; ${callback}`
}

function deepOutcome (connection: DeepConnection, { shapes, paint }: Terminal): string {
  const { role, sasl, dialback, question, steps } = connection
  const says = (good: boolean, words: string) => paint(good ? 'green' : 'red', `${good ? shapes.ok : shapes.failed} ${role}: ${words}`)
  if (sasl !== undefined) return says(sasl.success, sasl.success ? 'accepted' : 'refused')
  if (dialback !== undefined) return says(dialback.answer?.type === 'valid', dialback.answer?.type ?? 'no answer')
  if (question !== undefined) return says(question.answer?.type === question.right, question.answer?.type ?? 'no answer')
  const failed = steps.find(({ outcome }) => outcome === 'failed')
  return failed === undefined ? paint('yellow', `${shapes.degraded} ${role}: not offered`) : says(false, `stopped at ${STAGE_TITLES[failed.stage]}`)
}

/** To one row of the terminal: erasing counts rows. Colour codes take no room, and end where the line is cut. */
function cut (line: string, columns: number): string {
  let room = columns
  let text = ''
  for (const [part] of line.matchAll(/\p{Cc}\[\d+m|./gsu)) {
    if (part.length > 1 && part.startsWith('\u001B')) text += part
    else if (--room === 0) return `${text}…${line.includes('\u001B') ? '\u001B[0m' : ''}`
    else text += part
  }
  return text
}
