// What check and watch are told: options in, what to look at and how to judge it out.
import { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from '@dialtone/contracts'
import { requestFor, type CheckRequest } from '@dialtone/ladder'
import { anchorsIn, clientCertificate } from './credentials.ts'
import { DEEP_OPTIONS } from './deep-options.ts'
import { domainOf, parseAllowNet, resolverHere } from './network-words.ts'
import { COMMON, addressOf, profileOf, resolverOf, type Values } from './options.ts'
import { usableFamilies, vantageName } from './vantage.ts'

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

/** Everything but the domain. */
export async function requestOf (values: CheckValues, overrides: CheckRequest['overrides'], signal: AbortSignal): Promise<Omit<CheckRequest, 'domain'>> {
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
