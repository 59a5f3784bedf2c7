/**
 * Everything that one vantage can see of one domain: DNS rounds, every endpoint in parallel within bounds, the standard port when every advertised
 * one failed, and the claim question. Facts only.
 */
import { randomBytes } from 'node:crypto'
import type { ClaimAnswer, EndpointObservation, Failure, Observation, StoredCertificate } from '@dialtone/contracts'
import { portProbes, type Plan, type PlannedEndpoint } from '@dialtone/discovery'
import type { Clock } from '@dialtone/kernel'
import type { Address } from './converse.ts'
import { observeDeep } from './deep/observe-deep.ts'
import { inParallel } from './in-parallel.ts'
import { endpointId, observeEndpoint, type Observed } from './observe-endpoint.ts'
import type { Progress } from './progress.ts'
import type { CheckRequest } from './request.ts'
import { resolve } from './resolve.ts'
import { lookAgain } from './second-looks.ts'

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** Observes. Rejects only when `signal` aborts; everything that the network does is in the observation. */
export async function observe (request: CheckRequest, { signal, progress = () => undefined, clock = SYSTEM }: { signal: AbortSignal, progress?: (progress: Progress) => void, clock?: Clock }): Promise<Observation> {
  const began = clock.elapsed()
  const startedAt = new Date(clock.now()).toISOString()
  const since = () => clock.elapsed() - began
  // The probe's own domain is ours to name; a strict server asks that the certificate names who speaks.
  const from = request.as ?? (request.deep?.depth === 'probe' ? request.deep.as : 'dialtone.invalid')
  const messages: Record<string, string> = {}
  const certificates: Record<string, StoredCertificate> = {}

  const { dns, plan } = await resolve(request, { signal, progress, since, messages })
  // Who asks in nobody's name shows nobody's certificate, and the probe's own is not shown in the name of OURS.
  const { clientCertificate: _, ...nameless } = request
  const watch = async (planned: PlannedEndpoint, to: Address, given: CheckRequest): Promise<Observed> => {
    const observed = await observeEndpoint(planned, to, { request: given, signal, since, step: step => progress({ at: 'step', endpoint: endpointId(planned), step }) })
    Object.assign(certificates, observed.certificates)
    return observed
  }
  const shown: CheckRequest = request.deep?.depth === 'probe' && from !== request.deep.as ? nameless : request
  const watchAll = (endpoints: readonly PlannedEndpoint[]): Promise<EndpointObservation[]> => {
    progress({ at: 'plan', endpoints: endpoints.map(endpointId) })
    return inParallel(endpoints, request.parallel, async planned => {
      const { endpoint } = await watch(planned, { from, to: request.domain, sni: request.domain }, shown)
      if (request.secondLooks) Object.assign(endpoint, await lookAgain(endpoint, planned, request, signal))
      progress({ at: 'endpoint', endpoint })
      return endpoint
    })
  }

  const endpoints = request.recordsOnly ? [] : await watchAll(plan.endpoints)
  const dead = endpoints.length > 0 && endpoints.every(({ steps }) => steps.some(({ stage, outcome }) => stage !== 'close' && outcome === 'failed'))
  if (dead) endpoints.push(...await watchAll(portProbes(plan, request.fallbackPort)))

  const claim = request.as === undefined ? [] : await askClaims([request.as, ...request.alsoClaimed ?? []], endpoints, plan, request, async (planned, to) => (await watch(planned, { from: 'dialtone.invalid', to, sni: to }, nameless)).endpoint)
  for (const answer of claim) progress({ at: 'claim', answer })
  const deep = request.deep === undefined || request.recordsOnly ? undefined : await observeDeep({ request, deep: request.deep, plan, endpoints, certificates, messages, since, signal, progress })
  // What was cut short is no observation: it would be judged as if the peer had failed.
  signal.throwIfAborted()

  return {
    v: 1,
    domain: request.domain,
    vantage: request.vantage,
    startedAt,
    ms: since(),
    asked: {
      ...(request.as === undefined ? {} : { as: request.as }),
      from,
      resolver: `${request.resolver.address.includes(':') ? `[${request.resolver.address}]` : request.resolver.address}:${request.resolver.port}`,
      resolverTrusted: request.resolver.trusted,
      controlName: request.controlName,
      overrides: request.overrides.map(({ host, port }) => `${host}:${port}`),
      fallbackPort: request.fallbackPort,
      families: [...request.families],
      ...(request.allowNets.length === 0 ? {} : { allowNets: [...request.allowNets] }),
      depth: request.deep?.depth ?? 'none',
      clientCertificate: shown.clientCertificate !== undefined,
    },
    dns,
    endpoints,
    claim,
    ...(deep === undefined ? {} : { deep }),
    certificates,
    messages,
    leftOut: plan.leftOut,
  }
}

/** "Do you serve OURS?", and its sub-domains, and the control: a name that nobody serves. Asked wherever a stream header came: a peer that refuses OURS at stream open is asked all the more. */
async function askClaims (ours: readonly string[], endpoints: readonly EndpointObservation[], plan: Plan, request: CheckRequest, ask: (planned: PlannedEndpoint, to: string) => Promise<EndpointObservation>): Promise<ClaimAnswer[]> {
  const nobody = `${randomBytes(12).toString('hex')}.invalid`
  const answering = plan.endpoints.filter(planned => endpoints.some(({ id, header }) => id === endpointId(planned) && header !== undefined))
  const answers = await inParallel(answering.flatMap(planned => [...ours.map(to => ({ planned, role: 'claim' as const, to })), { planned, role: 'control' as const, to: nobody }]), request.parallel, async ({ planned, role, to }): Promise<ClaimAnswer> => {
    const observed = await ask(planned, to)
    const failure = observed.steps.find(({ outcome }) => outcome === 'failed')?.failure
    return { endpoint: endpointId(planned), role, to, answer: answerOf(observed, failure), ...(failure === undefined ? {} : { failure }), ms: total(observed) }
  })
  return answers
}

function answerOf ({ features }: EndpointObservation, failure: Failure | undefined): ClaimAnswer['answer'] {
  if (failure === undefined) return features === undefined ? 'no-answer' : 'serves'
  if (failure.at !== 'stream' || failure.why !== 'stream-error') return 'no-answer'
  return failure.condition === 'host-unknown' || failure.condition === 'host-gone' ? 'denies' : 'other-error'
}

function total ({ steps }: EndpointObservation): number {
  return steps.reduce((sum, { ms }) => sum + ms, 0)
}
