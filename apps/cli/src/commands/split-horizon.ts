// dialtone split-horizon: whether inside servers find the gateway where they look for the world, and the records for resolvers that are not the gateway's own.
import type { Resource } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { systemResolver } from '@dialtone/net'
import { RESOLVERS, zoneFile, type ResolverKind } from '@dialtone/relay'
import { ASKING, allPages, apiOf, asJson, type Environment } from '../client/command.ts'
import { EXIT_CODE } from '../exit-code.ts'
import { SPLIT_HORIZON_HELP } from '../help.ts'
import { domainOf, hostOf } from '../network-words.ts'
import { addressOf, countOf, formatOf, parse, resolverOf } from '../options.ts'
import type { Out } from '../out.ts'
import { pathOf } from '../resources/kinds.ts'
import { judgeSplitHorizon, splitHorizonText } from '../text/split-horizon.ts'
import { lookFromInside } from './split-horizon-look.ts'

const OPTIONS = {
  ...ASKING,
  inside: { type: 'string', multiple: true }, gateway: { type: 'string' }, resolver: { type: 'string' }, 'no-connect': { type: 'boolean' },
  for: { type: 'string' }, address: { type: 'string', multiple: true }, port: { type: 'string' }, 'direct-port': { type: 'string' },
} as const
type Values = ReturnType<typeof parse<typeof OPTIONS>>['values']
/** More is no sample, and a burden for the resolver; zone files have no such bound. */
const MOST_ASKED = 200

/** Runs the command; of check, resolves to the exit code of the verdict. */
export async function runSplitHorizon (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals: [verb, ...words] } = parse('split-horizon', OPTIONS, args)
  if (values.help === true) return out.print(SPLIT_HORIZON_HELP)
  const domains = [...new Set(words.map(domainOf))]
  switch (verb) {
    case 'check': return await check(values, domains, out, signal, environment)
    case 'zone': return await zone(values, domains, out, signal, environment)
    case undefined: throw new OperatorError('usage', 'split-horizon does what? check, or zone. For example: dialtone split-horizon check --inside ours.example partner.example')
    default: throw new OperatorError('usage', `split-horizon knows check and zone, not '${quoted(verb, 40)}'. See: dialtone split-horizon --help`)
  }
}

async function check (values: Values, domains: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  refuse(values, ['for', 'address', 'port', 'direct-port'], 'check')
  const format = formatOf(values)
  const configured = values.server === undefined ? { peers: [], domains: [] } : await configuredIn(values, signal, environment)
  const inside = [...new Set([...(values.inside ?? []).map(domainOf), ...configured.domains])]
  if (inside.length === 0) throw new OperatorError('usage', 'which domains are inside? Give --inside ours.example, or --server for those that are configured')
  const foreign = [...new Set([...domains, ...configured.peers])].filter(domain => !inside.includes(domain))
  if (foreign.length > MOST_ASKED || inside.length > MOST_ASKED) out.progress(`dialtone: there are more domains than ${MOST_ASKED}; the first ${MOST_ASKED} are asked about\n`)
  const look = await lookFromInside({
    resolver: values.resolver === undefined ? systemResolver() : resolverOf(values.resolver), isSystem: values.resolver === undefined,
    foreign: foreign.slice(0, MOST_ASKED), inside: inside.slice(0, MOST_ASKED), gateway: values.gateway === undefined ? undefined : hostOf(values.gateway), connects: values['no-connect'] !== true, signal,
  })
  const judged = judgeSplitHorizon(look)
  out.print(format === 'json' ? asJson({ ...judged, seen: look }) : splitHorizonText(judged, look, out.terminal))
  return EXIT_CODE[judged.state]
}

async function zone (values: Values, domains: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  refuse(values, ['inside', 'resolver', 'no-connect', 'json', 'format'], 'zone')
  const kind = RESOLVERS.find(known => known === values.for)
  if (kind === undefined) throw new OperatorError('usage', `zone is for which resolver? --for ${RESOLVERS.join(', --for ')}`)
  if (values.gateway === undefined) throw new OperatorError('usage', 'zone needs the name that records shall point to: --gateway gateway.ours.example')
  const addresses = (values.address ?? []).map(text => addressOf('--address', text))
  if (addresses.length === 0) throw new OperatorError('usage', "zone needs the gateway's address inside: --address 10.0.0.5")
  const port = (name: 'port' | 'direct-port') => values[name] === undefined ? undefined : countOf(`--${name}`, values[name], 1, 65_535)
  const [starttls, direct] = [port('port'), port('direct-port')]
  const peers = values.server === undefined ? [] : (await configuredIn(values, signal, environment)).peers
  const all = [...new Set([...domains, ...peers])].toSorted()
  if (all.length === 0) throw new OperatorError('usage', 'zone needs foreign domains: name them, or give --server for the peers that are configured')
  return out.print(zoneFile(kind satisfies ResolverKind, { gateway: { name: domainOf(values.gateway), addresses, ...(starttls === undefined ? {} : { port: starttls }), ...(direct === undefined ? {} : { directPort: direct }) }, domains: all }))
}

async function configuredIn (values: Values, signal: AbortSignal, environment: Environment): Promise<{ peers: string[], domains: string[] }> {
  const api = await apiOf(values, environment, signal)
  const [peers, domains] = await Promise.all((['Peer', 'Domain'] as const).map(async kind => (await allPages<'resources', Resource>(api, pathOf(kind), 'resources', {})).resources.map(({ name }) => name)))
  return { peers: peers ?? [], domains: domains ?? [] }
}

function refuse (values: Values, names: readonly (keyof Values)[], verb: string): void {
  const given = names.find(name => values[name] !== undefined)
  if (given !== undefined) throw new OperatorError('usage', `${verb} has no option --${given}. See: dialtone split-horizon --help`)
}
