// dialtone check: observe, judge, print.
import type { Report, State } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { requestFor } from '@dialtone/ladder'
import { CHECK_OPTIONS, prepare } from '../check-options.ts'
import { domainsIn } from '../credentials.ts'
import { openDeep } from '../deep-options.ts'
import { exitCode } from '../exit-code.ts'
import { CHECK_HELP } from '../help.ts'
import { checkedDomainOf } from '../network-words.ts'
import { withRunbook } from '../runbook.ts'
import { countOf, formatAmong, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { SILENT, liveProgress, plainProgress } from '../progress.ts'
import { check } from '../run-check.ts'
import { reportText } from '../text/report.ts'
import type { Terminal } from '../terminal.ts'

const OPTIONS = { ...CHECK_OPTIONS, 'from-file': { type: 'string' }, parallel: { type: 'string' }, transcript: { type: 'boolean' } } as const
const FORMATS = ['text', 'json', 'tap', 'junit'] as const
type Format = (typeof FORMATS)[number]

/** Runs the command; resolves to the exit code. Throws OperatorError on bad usage, before anything is sent. */
export async function runCheck (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('check', OPTIONS, args)
  if (values.help === true) return out.print(CHECK_HELP)

  const format = formatAmong(values, FORMATS)
  const domains = [...new Set([...positionals.map(checkedDomainOf), ...(values['from-file'] === undefined ? [] : await domainsIn(values['from-file'], checkedDomainOf, signal))])]
  if (domains.length === 0) throw new OperatorError('usage', 'which domain? For example: dialtone check partner.example')
  const parallel = countOf('--parallel', values.parallel ?? '16', 1, 1000)
  const { request, config, plan, warnings } = await prepare(values, domains, signal)

  for (const warning of warnings) out.progress(`dialtone: warning: ${warning}\n`)
  const opened = plan === undefined ? undefined : await openDeep(plan, { anchors: request.anchors, ...(request.clientCertificate === undefined ? {} : { certificate: request.clientCertificate }) })
  const hears = opened?.deep.listener !== undefined
  const progress = values.quiet === true ? SILENT
    : out.errors.interactive ? liveProgress(out.progress, out.errors, domains.length, { hears })
      : format === 'text' ? plainProgress(out.progress, out.errors, { hears }) : SILENT

  const printer = inOrder(domains.length, await textsOf(format, domains.length, out.terminal, { transcript: values.transcript === true }))
  const states: State[] = []
  const queue = domains.entries()
  const worker = async () => {
    for (const [at, domain] of queue) {
      const report = await check(requestFor({ ...request, domain, ...(opened === undefined ? {} : { deep: opened.deep }) }), config, signal, { progress: progress.of(domain) })
      states.push(report.verdict.state)
      progress.finished(report, () => out.print(printer.add(report, at)))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, domains.length) }, worker))
  } catch (error) {
    if (!signal.aborted || domains.length === 1) throw error
    out.print(await cutShort(format, printer.printed))
    throw new OperatorError('stopped', `stopped; ${printer.printed} of ${domains.length} domains were judged`)
  } finally {
    progress.close()
    await opened?.close()
  }
  return exitCode(states)
}

/** Reports come as they finish and are printed as they were asked for; what is printed is forgotten, so a long list stays small in memory. */
function inOrder (count: number, textOf: TextOf): { add: TextOf, readonly printed: number } {
  const waiting = new Map<number, Report>()
  let next = 0
  return {
    add: (report, at) => {
      waiting.set(at, report)
      let text = ''
      for (let ready = waiting.get(next); ready !== undefined && next < count; ready = waiting.get(next)) {
        text += textOf(ready, next)
        waiting.delete(next++)
      }
      return text
    },
    get printed () { return next },
  }
}

/** The text of one report, the `at`-th of its run, with what stands before the first and after the last. */
type TextOf = (report: Report, at: number) => string

/** What makes the rest of a run that was stopped readable. */
async function cutShort (format: Format, printed: number): Promise<string> {
  if (format === 'json') return printed === 0 ? '[]\n' : '\n]\n'
  if (format !== 'junit') return ''
  const { JUNIT_HEAD, JUNIT_TAIL } = await import('../text/junit.ts')
  return (printed === 0 ? JUNIT_HEAD : '') + JUNIT_TAIL
}

/** The formats for machines are loaded when they are asked for. */
async function textsOf (format: Format, count: number, terminal: Terminal, options: { transcript: boolean }): Promise<TextOf> {
  const last = (at: number) => at === count - 1
  switch (format) {
    case 'text': return (report, at) => `${at === 0 ? '' : '\n'}${reportText(report, terminal, options)}`
    case 'json': return (report, at) => `${count === 1 ? '' : at === 0 ? '[' : ',\n'}${JSON.stringify(withRunbook(report), null, 2)}${last(at) ? `${count === 1 ? '' : ']'}\n` : ''}`
    case 'tap': {
      const { tapHead, tapPoint } = await import('../text/tap.ts')
      return (report, at) => (at === 0 ? tapHead(count) : '') + tapPoint(report, at + 1)
    }
    case 'junit': {
      const { JUNIT_HEAD, JUNIT_TAIL, junitSuite } = await import('../text/junit.ts')
      return (report, at) => (at === 0 ? JUNIT_HEAD : '') + junitSuite(report) + (last(at) ? JUNIT_TAIL : '')
    }
    default: return format satisfies never
  }
}
