/**
 * Everything of a check that speaks in somebody's name. Of each endpoint that let us through the light stages, one after the other: EXTERNAL with our
 * certificate, dialback without it, and, where asked for, a question about a wrong key. Never bidi or stream management, and no stanza but a ping in
 * the name of the probe's own domain. Facts only.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Deep, DeepConnection, EndpointObservation, StoredCertificate } from '@dialtone/contracts'
import type { Plan, PlannedEndpoint } from '@dialtone/discovery'
import { inParallel } from '../in-parallel.ts'
import type { Expectation, Prove } from '../listener/expectation.ts'
import { endpointId } from '../observe-endpoint.ts'
import type { Progress } from '../progress.ts'
import type { CheckRequest, DeepRequest } from '../request.ts'
import { resolve } from '../resolve.ts'
import { deepConnection, type DeepGiven } from './deep-connection.ts'
import { published } from './published.ts'

export type Observing = {
  request: CheckRequest
  deep: DeepRequest
  plan: Plan
  endpoints: readonly EndpointObservation[]
  certificates: Record<string, StoredCertificate>
  messages: Record<string, string>
  since: () => number
  signal: AbortSignal
  progress: (progress: Progress) => void
}

/** Endpoints of a peer that are asked deeply, and of ours that are asked about a key. */
const MOST_ENDPOINTS = 8
const BUSY_MS = 50

/** Rejects only when `signal` aborts. */
export async function observeDeep ({ request, deep, plan, endpoints, certificates, messages, since, signal, progress }: Observing): Promise<Deep> {
  const open = plan.endpoints.filter(planned => endpoints.some(seen => seen.id === endpointId(planned) && reachedAuthentication(seen)))
  const through = open.slice(0, MOST_ENDPOINTS)
  const looking = { signal, progress: () => undefined, since, messages }
  const listener = deep.listener === undefined ? undefined : published(deep.listener, deep.publicAddresses, await resolve({ ...request, domain: deep.listener.domain, overrides: [] }, looking))
  const connections: DeepConnection[] = []

  const given: DeepGiven = { request, deep, signal, since, progress, certificates }
  const expectation = deep.listener === undefined ? undefined : expectationOf(through, given)
  // One check of a pair at a time: servers refuse a second negotiation, and callbacks would be taken for each other's.
  while (deep.listener?.expects(request.domain) === true) {
    signal.throwIfAborted()
    await pause(BUSY_MS)
  }
  const release = expectation === undefined ? undefined : deep.listener?.expect(expectation)
  try {
    for (const planned of through) connections.push(...await askEndpoint(planned, connections, { ...given, ...(expectation === undefined ? {} : { expectation }) }))
    if (deep.depth === 'shared') connections.push(...await askOurs(given, looking))
    // A peer that answers first may still be on its way to say who it is.
    if (expectation !== undefined) await settled(expectation, signal)
  } finally {
    release?.()
  }
  return {
    depth: deep.depth, as: deep.as, quick: deep.quick, waits: { earlyMs: deep.timeoutsMs.warn, fullMs: deep.timeoutsMs.answer },
    ...(listener === undefined ? {} : { listener }),
    connections,
    // As they are now: what our own stopping does to them is nothing that was seen.
    callbacks: structuredClone(expectation?.callbacks ?? []),
    ...straysOf(expectation),
    ...(open.length > through.length ? { endpointsLeftOut: open.length - through.length } : {}),
    callbacksLeftOut: expectation?.callbacksLeftOut ?? 0,
  }
}

/** Whoever came to our listener and said nothing, as far as it is kept. */
function straysOf (expectation: Expectation | undefined): Pick<Deep, 'strayConnections'> {
  const strays = [...expectation?.strays.values() ?? []]
  const failure = strays.find(stray => stray.failure !== undefined)?.failure
  return strays.length === 0 ? {} : { strayConnections: { count: strays.length, sources: [...new Set(strays.map(({ source }) => source))].slice(0, 5), ...(failure === undefined ? {} : { failure }) } }
}

/** A header and features came, after TLS where there is TLS: nothing stops us from saying who we are. */
function reachedAuthentication ({ steps, header, featuresAgain, tls, kind }: EndpointObservation): boolean {
  return header !== undefined && (kind === 'direct' || tls === undefined || featuresAgain !== undefined) && !steps.some(({ stage, outcome }) => outcome === 'failed' && stage !== 'close')
}

async function askEndpoint (planned: PlannedEndpoint, before: readonly DeepConnection[], given: DeepGiven): Promise<DeepConnection[]> {
  const { request, deep } = given
  const pair = { from: deep.as, to: request.domain }
  const made: DeepConnection[] = []
  if (request.clientCertificate !== undefined) made.push(await deepConnection(planned, { role: 'external', of: 'peer', pair }, given))
  // One silence to the end is proof enough: the peer's other endpoints get until the early warning.
  const wasSilent = before.some(({ dialback }) => dialback !== undefined && dialback.answer === undefined && dialback.waitedMs >= deep.timeoutsMs.warn)
  const dialbackMs = deep.quick || wasSilent ? deep.timeoutsMs.warn : deep.timeoutsMs.answer
  made.push(await deepConnection(planned, { role: 'dialback', of: 'peer', pair, dialbackMs }, given))
  if (deep.verifyPeers) {
    // In the name of nobody else: the question says only what its own stream says.
    const from = deep.depth === 'probe' ? deep.as : 'dialtone.invalid'
    const question = { from, to: request.domain, id: randomBytes(16).toString('hex'), key: randomBytes(32).toString('hex'), right: 'invalid' } as const
    made.push(await deepConnection(planned, { role: 'verify', of: 'peer', pair: { from, to: request.domain }, question }, given))
  }
  return made
}

/** Each of our own endpoints, as published, is asked about a right key: one that denies it has another secret. */
async function askOurs ({ deep, request, ...given }: DeepGiven, looking: Parameters<typeof resolve>[1]): Promise<DeepConnection[]> {
  const { keys } = deep
  if (keys === undefined) return []
  const { plan } = await resolve({ ...request, domain: deep.as, overrides: [] }, looking)
  return await inParallel(plan.endpoints.slice(0, MOST_ENDPOINTS), request.parallel, async planned => {
    const scope = { receiving: 'dialtone.invalid', originating: deep.as, streamId: randomBytes(16).toString('hex') }
    const question = { from: scope.receiving, to: scope.originating, id: scope.streamId, key: keys.keyFor(scope), right: 'valid' } as const
    return await deepConnection(planned, { role: 'verify', of: 'ours', pair: { from: scope.receiving, to: deep.as }, question }, { ...given, request, deep })
  })
}

/** The peer's own key is proved by asking its endpoints that we know to work, one after the other (XEP-0220 §2.2.1). */
function expectationOf (through: readonly PlannedEndpoint[], given: DeepGiven): Expectation {
  const prove: Prove = async ({ from, to, id, key }) => {
    let last: Awaited<ReturnType<Prove>> = { failure: { at: 'probe', why: 'unclassified', detail: 'no endpoint of the peer could be asked' } }
    for (const planned of through.slice(0, 3)) {
      try {
        const asked = await deepConnection(planned, { role: 'verify', of: 'peer', pair: { from, to }, question: { from, to, id, key, right: 'valid' } }, { ...given, progress: () => undefined })
        if (asked.question?.answer !== undefined) return { answer: asked.question.answer }
        const failure = asked.steps.find(step => step.failure !== undefined)?.failure
        if (failure !== undefined) last = { failure }
      } catch {
        // The check was stopped: nobody waits for this answer any more.
        return { failure: { at: 'probe', why: 'cancelled' } }
      }
    }
    return last
  }
  return {
    peer: given.request.domain,
    addresses: new Set(through.map(({ address }) => address)),
    prove, since: given.since,
    streamIds: new Set(), callbacks: [], callbacksLeftOut: 0, strays: new Map(), asked: new Map(),
  }
}

/** Waits, not for long, for callbacks whose proof is under way. */
async function settled ({ callbacks }: Expectation, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 20 && !signal.aborted && callbacks.some(({ asked, failure, authenticated, header }) => header !== undefined && asked === undefined && failure === undefined && authenticated === undefined); tries++) {
    await pause(BUSY_MS)
  }
}
