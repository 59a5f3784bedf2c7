// dialtone describe: all that the fleet knows about one domain or pair, or about a gateway.
import type { DomainView, GatewayStatus, PairView, Timeline } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Api } from '../client/api.ts'
import { ASKING, apiOf, asJson, nameIn, subjectIn, type Environment } from '../client/command.ts'
import { pairsOf } from '../client/peers.ts'
import { EXIT_CODE, exitCode } from '../exit-code.ts'
import { DESCRIBE_HELP } from '../help.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { domainText, pairText } from '../text/describe.ts'
import { subjectOf } from '../text/fleet.ts'
import { gatewayText } from '../text/gateways.ts'

const OPTIONS = { ...ASKING, at: { type: 'string' } } as const
const MOST_PAIRS = 20

/** Resolves to the exit code of the verdict, of a pair that of the worse half. */
export async function runDescribe (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('describe', OPTIONS, args)
  if (values.help === true) return out.print(DESCRIBE_HELP)
  // No domain of ours is called 'gateway' alone: it would have no dot.
  if (positionals[0] === 'gateway' && positionals[1] !== undefined && values.at === undefined) return describeGateway(positionals, formatOf(values), out, await apiOf(values, environment, signal))
  const subject = subjectIn('describe', positionals)
  const api = await apiOf(values, environment, signal)
  const { view, timeline } = await known(api, subject, values.at)
  if (formatOf(values) === 'json') out.print(asJson({ ...view, ...(timeline === undefined ? {} : { timeline }) }))
  else out.print('peer' in view ? pairText(view, timeline, out.terminal) : domainText(view, timeline, out.terminal))
  return 'peer' in view ? exitCode([view.out.verdict.state, view.in.verdict.state]) : EXIT_CODE[view.verdict.state]
}

async function describeGateway (positionals: readonly string[], format: 'text' | 'json', out: Out, api: Api): Promise<number> {
  const status = await api.get<GatewayStatus>(`/v1/gateways/${encodeURIComponent(nameIn('describe gateway', positionals.slice(1)))}/status`)
  return out.print(format === 'json' ? asJson(status) : gatewayText(status, out.terminal))
}

type Subject = { domain: string, peer?: string }
type Known = { view: DomainView | PairView, timeline: Timeline | undefined }

async function known (api: Api, { domain, peer }: Subject, at: string | undefined): Promise<Known> {
  const path = `/v1/status/${encodeURIComponent(domain)}${peer === undefined ? '' : `/${encodeURIComponent(peer)}`}`
  const [view, timeline] = await Promise.all([
    api.get<DomainView | PairView>(path, { at }).catch(unless),
    // What is not known about the past does not hide the present.
    api.get<Timeline>(`${path}/timeline`).catch(unless),
  ])
  if (view !== undefined) return { view, timeline }
  const pairs = peer === undefined ? await pairsOf(api, domain, at) : []
  const [only] = pairs
  if (only !== undefined && pairs.length === 1) return known(api, { domain: only.domain, peer: domain }, at)
  if (only !== undefined) throw new OperatorError('not-found', `${domain} is a peer of ${pairs.length} of our domains: name one of them, too:${pairs.slice(0, MOST_PAIRS).map(pair => `\n  dialtone describe ${pair.domain} ${domain}`).join('')}${pairs.length > MOST_PAIRS ? `\n  and ${pairs.length - MOST_PAIRS} more` : ''}`)
  throw new OperatorError('not-found', `nothing is known about ${subjectOf({ domain, ...(peer === undefined ? {} : { peer }) })}${at === undefined ? '' : ` at ${quoted(at, 40)}`}; 'dialtone overview' lists what is`)
}

function unless (error: unknown): undefined {
  if (!(error instanceof OperatorError && error.code === 'not-found')) throw error
}
