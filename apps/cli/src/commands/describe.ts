// dialtone describe: all that the fleet knows about one domain or pair.
import type { DomainView, PairView, Timeline } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { ASKING, apiOf, asJson, subjectIn, type Environment } from '../client/command.ts'
import { EXIT_CODE, exitCode } from '../exit-code.ts'
import { DESCRIBE_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { domainText, pairText } from '../text/describe.ts'

const OPTIONS = { ...ASKING, at: { type: 'string' } } as const

/** Resolves to the exit code of the verdict, of a pair that of the worse half. */
export async function runDescribe (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('describe', OPTIONS, args)
  if (values.help === true) return out.print(DESCRIBE_HELP)
  const { domain, peer } = subjectIn('describe', positionals)
  const api = await apiOf(values, environment, signal)
  const path = `/v1/status/${encodeURIComponent(domain)}${peer === undefined ? '' : `/${encodeURIComponent(peer)}`}`
  const [view, timeline] = await Promise.all([
    api.get<DomainView | PairView>(path, { at: values.at }),
    // What is not known about the past does not hide the present.
    api.get<Timeline>(`${path}/timeline`).catch((error: unknown) => {
      if (error instanceof OperatorError && error.code === 'not-found') return undefined
      throw error
    }),
  ])
  if (formatOf(values) === 'json') out.print(asJson({ ...view, ...(timeline === undefined ? {} : { timeline }) }))
  else out.print('peer' in view ? pairText(view, timeline, out.terminal) : domainText(view, timeline, out.terminal))
  return 'peer' in view ? exitCode([view.out.verdict.state, view.in.verdict.state]) : EXIT_CODE[view.verdict.state]
}
