/** What one resource may not say although its shape is right: addresses that are none, times in the wrong order, rules that can never be met. */
import { isIP } from 'node:net'
import { OperatorError, unreachable } from '@dialtone/kernel'
import { parseCidr } from '@dialtone/net'
import { EXTERNAL_LEG, PROFILE_LEGS } from '@dialtone/routing'
import type { Endpoint, ExceptionSpec, PolicySpec, VantageSpec } from '@dialtone/contracts'
import { escapePointer, type FieldProblem } from '../resources/problem.ts'
import { notADomain } from './domain.ts'
import type { Wanted } from './wanted.ts'

/** `at`: the pointer of the spec. */
export function senseProblems (resource: Wanted, at: string): FieldProblem[] {
  switch (resource.kind) {
    case 'Domain': {
      const { expectedAddresses, internal, hostedBy, alsoClaimed, allowNets } = resource.spec
      return [...addresses(expectedAddresses, `${at}/expectedAddresses`), ...endpoints(internal, `${at}/internal`), ...domains(hostedBy, `${at}/hostedBy`), ...domains(alsoClaimed, `${at}/alsoClaimed`), ...nets(allowNets, `${at}/allowNets`)]
    }
    case 'Peer': {
      const { ours, endpoints: given, allowNets } = resource.spec
      return [...domains(ours, `${at}/ours`), ...endpoints(given, `${at}/endpoints`), ...nets(allowNets, `${at}/allowNets`)]
    }
    case 'Vantage': return vantage(resource.spec, at)
    case 'Exception': return exception(resource.spec, at)
    case 'ManagedServer': return domains(resource.spec.domains, `${at}/domains`)
    case 'Gateway': return Object.keys(resource.spec.peers ?? {}).flatMap(name => domain(name, `${at}/peers/${escapePointer(name)}`))
    case 'Policy': return policy(resource.spec, at)
    case 'Route': return [...pattern(resource.spec.to, `${at}/to`), ...endpoints(resource.spec.nextHops, `${at}/nextHops`)]
    case 'Schedule': return []
    default: return unreachable(resource)
  }
}

function vantage (spec: VantageSpec, at: string): FieldProblem[] {
  const { sourceAddress, resolver, families, sharesResolverWith, controlName, probeDomain, allowNets } = spec
  const family = sourceAddress === undefined ? 0 : isIP(sourceAddress)
  return [
    ...address(sourceAddress, `${at}/sourceAddress`),
    ...(family !== 0 && families !== undefined && !families.includes(family as 4 | 6) ? [{ pointer: `${at}/sourceAddress`, says: `is an IPv${family} address, and 'families' leaves IPv${family} out` }] : []),
    ...address(resolver?.address, `${at}/resolver/address`), ...domains(sharesResolverWith, `${at}/sharesResolverWith`), ...domain(controlName, `${at}/controlName`), ...nets(allowNets, `${at}/allowNets`),
    ...(probeDomain === undefined ? [] : [
      ...domain(probeDomain.domain, `${at}/probeDomain/domain`),
      ...probeDomain.listen.flatMap((place, i) => address(place.address, `${at}/probeDomain/listen/${i}/address`)),
      ...addresses(probeDomain.publicAddresses, `${at}/probeDomain/publicAddresses`),
      ...((probeDomain.certificate === undefined) === (probeDomain.key === undefined) ? [] : [{ pointer: `${at}/probeDomain/${probeDomain.key === undefined ? 'key' : 'certificate'}`, says: 'is missing: a certificate and its key are given together, or neither' }]),
    ]),
  ]
}

function exception ({ effect, domain: ours, peer, vantage, causes, from, until }: ExceptionSpec, at: string): FieldProblem[] {
  const times = [...time(from, `${at}/from`), ...time(until, `${at}/until`)]
  return [
    ...domain(ours, `${at}/domain`), ...domain(peer, `${at}/peer`), ...times,
    ...(times.length === 0 && from !== undefined && Date.parse(from) >= Date.parse(until) ? [{ pointer: `${at}/until`, says: "must be later than 'from'" }] : []),
    ...(effect === 'accept' && causes === undefined ? [{ pointer: `${at}/causes`, says: "is missing: 'accept' accepts the causes that it lists; 'maintenance' keeps quiet about all" }] : []),
    ...(effect === 'maintenance' && causes !== undefined ? [{ pointer: `${at}/causes`, says: "does not go with 'maintenance', which keeps quiet about every cause; write effect 'accept'" }] : []),
    ...(vantage !== undefined && (effect !== 'maintenance' || ours !== undefined || peer !== undefined) ? [{ pointer: `${at}/vantage`, says: "stands alone, with effect 'maintenance': it sets aside what that vantage sees of everything" }] : []),
    ...(causes?.includes('healthy') === true ? [{ pointer: `${at}/causes/${causes.indexOf('healthy')}`, says: "'healthy' is nothing that needs accepting" }] : []),
  ]
}

/** A rule that nobody can ever meet is a mistake, never a way to deny: that is action 'deny'. */
function policy ({ ours, peer, action, profile = 'standard', pins, ...given }: PolicySpec, at: string): FieldProblem[] {
  const { tls, dialback, certificate } = { ...EXTERNAL_LEG, ...PROFILE_LEGS[profile], ...given }
  const patterns = [...pattern(ours, `${at}/ours`), ...pattern(peer, `${at}/peer`)]
  if (certificate === 'pinned' && (pins ?? []).length === 0) return [...patterns, { pointer: `${at}/pins`, says: "is missing: certificate 'pinned' needs the SHA-256 of at least one public key" }]
  if (certificate !== 'pinned' && pins !== undefined) return [...patterns, { pointer: `${at}/pins`, says: `does not go with certificate '${certificate}'; write 'pinned'` }]
  if (action === 'deny' || tls !== 'none') return patterns
  if (certificate !== 'any') return [...patterns, { pointer: `${at}/certificate`, says: `can never be met: with tls 'none' no certificate is seen; write certificate 'any' or another tls` }]
  return dialback === 'always' ? patterns : [...patterns, { pointer: `${at}/dialback`, says: `can never be met: with tls 'none' nothing but dialback without TLS can prove a domain; write dialback 'always', or action 'deny'` }]
}

const none: FieldProblem[] = []
const address = (text: string | undefined, pointer: string) => text === undefined || isIP(text) !== 0 ? none : [{ pointer, says: `'${text}' is no IPv4 or IPv6 address` }]
const addresses = (list: readonly string[] | undefined, pointer: string) => (list ?? []).flatMap((one, i) => address(one, `${pointer}/${i}`))
const domains = (list: readonly string[] | undefined, pointer: string) => (list ?? []).flatMap((one, i) => domain(one, `${pointer}/${i}`))
const endpoints = (list: readonly Endpoint[] | undefined, pointer: string) => (list ?? []).flatMap(({ host }, i) => isIP(host) === 0 ? domain(host, `${pointer}/${i}/host`) : none)

function domain (text: string | undefined, pointer: string): FieldProblem[] {
  const why = text === undefined ? undefined : notADomain(text)
  return why === undefined ? none : [{ pointer, says: why }]
}

function pattern (text: string, pointer: string): FieldProblem[] {
  return text === '*' ? none : domain(text.startsWith('*.') ? text.slice(2) : text, pointer)
}

function nets (list: readonly string[] | undefined, pointer: string): FieldProblem[] {
  return (list ?? []).flatMap((text, i) => {
    try {
      parseCidr(text)
      return none
    } catch (error) {
      if (error instanceof OperatorError) return [{ pointer: `${pointer}/${i}`, says: `'${text}' is no network: write one like 10.0.0.0/8 or fd00::/8` }]
      throw error
    }
  })
}

/** UTC alone: times are compared and sorted as they are written. */
function time (text: string | undefined, pointer: string): FieldProblem[] {
  if (text === undefined) return none
  const at = Date.parse(text)
  if (Number.isNaN(at)) return [{ pointer, says: `'${text}' is no time` }]
  return text.endsWith('Z') ? none : [{ pointer, says: `must be in UTC: write ${new Date(at).toISOString()}` }]
}
