// dialtone check: observe, judge, print.
import { DEFAULT_JUDGE_CONFIG, type JudgeConfig, type Report, type State } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { requestFor, type CheckRequest } from '@dialtone/ladder'
import { anchorsIn, clientCertificate, datesProblem, domainsIn } from '../credentials.ts'
import { exitCode } from '../exit-code.ts'
import { CHECK_HELP } from '../help.ts'
import { COMMON, addressOf, countOf, formatOf, overrideOf, parse, profileOf, resolverOf } from '../options.ts'
import type { Out } from '../out.ts'
import { SILENT, liveProgress, plainProgress } from '../progress.ts'
import { check } from '../run-check.ts'
import { reportText } from '../text/report.ts'
import { usableFamilies, vantageName } from '../vantage.ts'
import { domainOf, hostOf, parseAllowNet, resolverHere } from '../network-words.ts'

export const CHECK_OPTIONS = {
  ...COMMON,
  as: { type: 'string' },
  resolver: { type: 'string' },
  'control-name': { type: 'string' },
  endpoint: { type: 'string', multiple: true },
  expect: { type: 'string', multiple: true },
  ours: { type: 'boolean' },
  'hosted-by': { type: 'string', multiple: true },
  cert: { type: 'string' },
  key: { type: 'string' },
  ca: { type: 'string' },
  profile: { type: 'string' },
  'allow-net': { type: 'string', multiple: true },
  'from-file': { type: 'string' },
  vantage: { type: 'string' },
  parallel: { type: 'string' },
  transcript: { type: 'boolean' },
  quiet: { type: 'boolean' },
} as const

/** Runs the command; resolves to the exit code. Throws OperatorError on bad usage, before anything is sent. */
export async function runCheck (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('check', CHECK_OPTIONS, args)
  if (values.help === true) return out.print(CHECK_HELP)

  const format = formatOf(values)
  const domains = [...new Set([...positionals.map(domainOf), ...(values['from-file'] === undefined ? [] : domainsIn(values['from-file'], domainOf))])]
  if (domains.length === 0) throw new OperatorError('usage', 'which domain? For example: dialtone check partner.example')
  const overrides = (values.endpoint ?? []).map(overrideOf).map(override => ({ ...override, host: hostOf(override.host) }))
  if (overrides.length > 0 && domains.length > 1) throw new OperatorError('usage', '--endpoint replaces the records of one domain: name just one')
  const parallel = countOf('--parallel', values.parallel ?? '16', 1, 1000)

  const request = requestOf(values, overrides)
  if (request.as !== undefined && domains.includes(request.as)) throw new OperatorError('usage', `--as names your own domain, and ${request.as} is the one to check: leave --as out, and say --ours`)
  warnOfDates(request.clientCertificate, out)
  const config = configOf(values)
  const progress = values.quiet === true ? SILENT
    : out.errors.interactive ? liveProgress(out.progress, out.errors, domains.length)
      : format === 'json' ? SILENT : plainProgress(out.progress, out.errors)

  const printer = inOrder(domains.length, format === 'json'
    ? (report, at) => `${domains.length === 1 ? '' : at === 0 ? '[' : ',\n'}${JSON.stringify(report, null, 2)}${at === domains.length - 1 ? `${domains.length === 1 ? '' : ']'}\n` : ''}`
    : (report, at) => `${at === 0 ? '' : '\n'}${reportText(report, out.terminal, { transcript: values.transcript === true })}`)
  const states: State[] = []
  const queue = domains.entries()
  const worker = async () => {
    for (const [at, domain] of queue) {
      const report = await check(requestFor({ ...request, domain }), config, signal, { progress: progress.of(domain) })
      states.push(report.verdict.state)
      progress.finished(report, () => out.print(printer.add(report, at)))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, domains.length) }, worker))
  } catch (error) {
    if (!signal.aborted || domains.length === 1) throw error
    if (format === 'json') out.print(printer.printed === 0 ? '[]\n' : '\n]\n')
    throw new OperatorError('stopped', `stopped; ${printer.printed} of ${domains.length} domains were judged`)
  } finally {
    progress.close()
  }
  return exitCode(states)
}

/** Reports come as they finish and are printed as they were asked for; what is printed is forgotten, so a long list stays small in memory. */
function inOrder (count: number, textOf: (report: Report, at: number) => string): { add: (report: Report, at: number) => string, readonly printed: number } {
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

/** A certificate of ours that is out of date is shown all the same: that may be what is to be found out. */
function warnOfDates (shown: CheckRequest['clientCertificate'], out: Out): void {
  const problem = shown === undefined ? undefined : datesProblem(shown.certificate)
  if (problem !== undefined) out.progress(`dialtone: --cert ${problem}; it is shown all the same\n`)
}

type Values = ReturnType<typeof parse<typeof CHECK_OPTIONS>>['values']

function requestOf (values: Values, overrides: CheckRequest['overrides']): Omit<CheckRequest, 'domain'> {
  const allowNets = (values['allow-net'] ?? []).map(parseAllowNet)
  const certificate = clientCertificate(values.cert, values.key)
  const { domain: _, ...request } = requestFor({
    domain: '',
    vantage: values.vantage ?? vantageName(),
    resolver: resolverHere(values.resolver === undefined ? undefined : resolverOf(values.resolver)),
    ...(values.as === undefined ? {} : { as: domainOf(values.as) }),
    ...(values['control-name'] === undefined ? {} : { controlName: values['control-name'] === '.' ? '.' : domainOf(values['control-name']) }),
    overrides,
    families: usableFamilies(allowNets),
    allowNets,
    ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    anchors: { system: true, given: values.ca === undefined ? [] : anchorsIn(values.ca) },
  })
  return request
}

/** The expectations of the operator. `--expect` says that the domain is ours: nobody else's addresses can be configured. */
export function configOf (values: { profile?: string | undefined, expect?: string[] | undefined, ours?: boolean | undefined, 'hosted-by'?: string[] | undefined }): JudgeConfig {
  const expectedAddresses = (values.expect ?? []).map(text => addressOf('--expect', text))
  return {
    ...DEFAULT_JUDGE_CONFIG,
    profile: profileOf(values.profile ?? DEFAULT_JUDGE_CONFIG.profile),
    expectedAddresses,
    ours: values.ours === true || expectedAddresses.length > 0,
    hostedBy: (values['hosted-by'] ?? []).map(domainOf),
  }
}
