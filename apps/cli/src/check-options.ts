// What check and watch are told: options in, what to look at and how to judge it out.
import { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { requestFor, usableFamilies, type CheckRequest } from '@dialtone/ladder'
import { anchorsIn, clientCertificate, datesProblem } from './credentials.ts'
import { DEEP_OPTIONS, deepPlan, type DeepPlan } from './deep-options.ts'
import { domainOf, hostOf, parseAllowNet, resolverHere } from './network-words.ts'
import { COMMON, addressOf, overrideOf, profileOf, resolverOf, type Values } from './options.ts'
import { vantageName } from './vantage.ts'

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
  vantage: { type: 'string' },
  quiet: { type: 'boolean' },
  ...DEEP_OPTIONS,
} as const

export type CheckValues = Values<typeof CHECK_OPTIONS>

/** What stands before anything is sent: what to look at, how to judge it, how deep it goes. */
export type Prepared = { request: Omit<CheckRequest, 'domain'>, config: JudgeConfig, plan?: DeepPlan, /** What a person should know before it begins. */ warnings: readonly string[] }

/** Options in, everything but the domain out; files are read. Rejects with an OperatorError where they do not fit together, or do not fit `domains`. */
export async function prepare (values: CheckValues, domains: readonly string[], signal: AbortSignal): Promise<Prepared> {
  const overrides = (values.endpoint ?? []).map(overrideOf).map(override => ({ ...override, host: hostOf(override.host) }))
  if (overrides.length > 0 && domains.length > 1) throw new OperatorError('usage', '--endpoint replaces the records of one domain: name just one')
  const plan = await deepPlan(values, domains, signal)
  const request = await requestOf(values, overrides, signal)
  if (request.as !== undefined && domains.includes(request.as)) throw new OperatorError('usage', `--as names your own domain, and ${request.as} is the one to check: leave --as out, and say --ours`)
  // A certificate of ours that is out of date is shown all the same: that may be what is to be found out.
  const dates = request.clientCertificate === undefined ? undefined : datesProblem(request.clientCertificate.certificate)
  return {
    request,
    config: configOf(values),
    ...(plan === undefined ? {} : { plan }),
    warnings: [...(dates === undefined ? [] : [`--cert ${dates}; it is shown all the same`]), ...plan?.warnings ?? []],
  }
}

async function requestOf (values: CheckValues, overrides: CheckRequest['overrides'], signal: AbortSignal): Promise<Omit<CheckRequest, 'domain'>> {
  const allowNets = (values['allow-net'] ?? []).map(parseAllowNet)
  const certificate = await clientCertificate(values.cert, values.key, signal)
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
    anchors: { system: true, given: values.ca === undefined ? [] : await anchorsIn(values.ca, signal) },
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
