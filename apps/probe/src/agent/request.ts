/** From a target of the assignment to a request of the ladder, as this vantage stands. */
import { isIP } from 'node:net'
import type { Assignment, Target, VantageSpec } from '@dialtone/contracts'
import { DEEP_TIMEOUTS, DEFAULT_TIMEOUTS, requestFor, type CheckRequest, type DeepRequest, type Listener, type Override } from '@dialtone/ladder'
import { systemResolver } from '@dialtone/net'
import type { Keyring } from './keyring.ts'

/** In whose name a deep check of the target speaks; undefined: it cannot be made here. */
export function deepName ({ deep, ours, domain }: Target, { probeDomain }: VantageSpec): string | undefined {
  const as = deep === undefined ? undefined : deep.depth === 'probe' ? probeDomain?.domain : ours
  return as === domain ? undefined : as
}

/** The resolver and what else tells whether this place is in order. */
export function wayOutOf (spec: VantageSpec | undefined): { resolver: { address: string, port: number, trusted: boolean }, controlName: string } {
  const { address, port, trusted } = { trusted: undefined, port: 53, ...(spec?.resolver ?? systemResolver()) }
  return { resolver: { address, port, trusted: trusted ?? (address.startsWith('127.') || address === '::1') }, controlName: spec?.controlName ?? '.' }
}

/** A domain that is in no target: looked at with what the vantage says, and nothing beyond looking. */
export async function plainRequest (domain: string, { vantage, spec }: Assignment, keyring: Keyring, allowNets: readonly string[] = []): Promise<CheckRequest> {
  const nets = [...new Set([...spec.allowNets ?? [], ...allowNets])]
  const { answer: _, ...timeouts } = spec.timeoutsMs ?? {}
  return requestFor({
    domain, vantage, ...wayOutOf(spec),
    families: spec.families ?? keyring.familiesOf(nets),
    allowNets: nets,
    anchors: await keyring.anchorsOf(spec.anchors),
    timeoutsMs: { ...DEFAULT_TIMEOUTS, ...timeouts },
    ...(spec.fallbackPort === undefined ? {} : { fallbackPort: spec.fallbackPort }),
    ...(spec.sourceAddress === undefined ? {} : { sourceAddress: spec.sourceAddress }),
  })
}

/** Rejects with an OperatorError where a secret or a certificate that it needs cannot be used. */
export async function requestOf (target: Target, assignment: Assignment, given: { deep: boolean, keyring: Keyring, listener?: Listener }): Promise<CheckRequest> {
  const request = await plainRequest(target.domain, assignment, given.keyring, target.allowNets)
  const asked: CheckRequest = {
    ...request,
    ...(target.ours === undefined || target.ours === target.domain ? {} : { as: target.ours, alsoClaimed: target.alsoClaimed ?? [] }),
    overrides: (target.endpoints ?? []).map(({ host, port, kind = 'starttls' }): Override => ({ host: isIP(host) === 0 ? host.toLowerCase().replace(/\.$/, '') : host, port, kind })),
  }
  const { probeDomain } = assignment.spec
  // The certificate of the probe's domain is shown in its own name alone.
  const shown = target.deep?.depth === 'probe' ? await given.keyring.certificateOf(probeDomain) : undefined
  if (!given.deep) return asked
  const deep = await deepOf(target, assignment.spec, given)
  return { ...asked, ...(shown === undefined ? {} : { clientCertificate: shown }), ...(deep === undefined ? {} : { deep }) }
}

async function deepOf (target: Target, spec: VantageSpec, { keyring, listener }: { keyring: Keyring, listener?: Listener }): Promise<DeepRequest | undefined> {
  const as = deepName(target, spec)
  if (as === undefined || target.deep === undefined) return undefined
  const { depth, secret, secretOf } = target.deep
  const reference = secret ?? (depth === 'probe' ? spec.probeDomain?.secret : undefined)
  if (reference === undefined) return undefined
  const answer = spec.timeoutsMs?.answer
  return {
    depth, as,
    keys: await keyring.keysOf(reference, as, secretOf),
    ...(depth === 'probe' && listener !== undefined ? { listener } : {}),
    publicAddresses: spec.probeDomain?.publicAddresses ?? [],
    verifyPeers: target.job.startsWith('own-'),
    quick: false,
    timeoutsMs: answer === undefined ? DEEP_TIMEOUTS : { warn: Math.min(DEEP_TIMEOUTS.warn, answer / 6), answer, ping: Math.min(DEEP_TIMEOUTS.ping, answer) },
  }
}
