/** What a second connection to an endpoint tells that the first cannot: the certificate without a server name, and STARTTLS where none is offered. */
import type { EndpointObservation } from '@dialtone/contracts'
import type { PlannedEndpoint } from '@dialtone/discovery'
import { connect } from '@dialtone/net'
import { observeEndpoint } from './observe-endpoint.ts'
import { connectionOf, type CheckRequest } from './request.ts'

/** A server that ignores what it did not offer is not waited for as long as one that owes an answer. */
const UNOFFERED_MS = 3000

/** Looks again where that tells something; fields of the endpoint's observation. */
export async function lookAgain ({ kind, tls, features }: EndpointObservation, planned: PlannedEndpoint, request: CheckRequest, signal: AbortSignal): Promise<Pick<EndpointObservation, 'withoutSni' | 'starttlsUnoffered'>> {
  if (tls !== undefined) return { withoutSni: await withoutSni(planned, request, signal) }
  if (kind === 'starttls' && features?.starttls === 'absent') return { starttlsUnoffered: await starttlsUnoffered(planned, request, signal) }
  return {}
}

/** The certificate that peers see which send no server name. STARTTLS negotiation is repeated for it. */
async function withoutSni (planned: PlannedEndpoint, request: CheckRequest, signal: AbortSignal): Promise<NonNullable<EndpointObservation['withoutSni']>> {
  if (planned.kind === 'direct') {
    const opened = await connect(connectionOf(request, planned, signal))
    if ('failure' in opened) return { failure: opened.failure }
    const result = await opened.connection.secure({ alpn: ['xmpp-server'], anchors: request.anchors, timeoutMs: request.timeoutsMs.tls })
    opened.connection.destroy()
    return 'failure' in result ? { failure: result.failure } : { leaf: result.secured.chain.sent[0] ?? '' }
  }
  const endpoint = await again(planned, '', request, signal, 'offered')
  const failure = endpoint.steps.find(({ outcome, stage }) => outcome === 'failed' && stage !== 'features-again' && stage !== 'close')?.failure
  return endpoint.chain?.sent[0] === undefined ? { failure: failure ?? { at: 'tls', why: 'closed' } } : { leaf: endpoint.chain.sent[0] }
}

/** STARTTLS asked for although it was not offered: where it is granted, something may have removed the offer on the way. */
async function starttlsUnoffered (planned: PlannedEndpoint, request: CheckRequest, signal: AbortSignal): Promise<NonNullable<EndpointObservation['starttlsUnoffered']>> {
  const { steps } = await again(planned, request.domain, { ...request, timeoutsMs: { ...request.timeoutsMs, stream: Math.min(UNOFFERED_MS, request.timeoutsMs.stream) } }, signal, 'insist')
  if (steps.some(({ stage, outcome }) => stage === 'starttls' && outcome === 'ok')) return { proceeds: true }
  return { failure: steps.find(({ outcome }) => outcome === 'failed')?.failure ?? { at: 'starttls', why: 'refused' } }
}

async function again (planned: PlannedEndpoint, sni: string, request: CheckRequest, signal: AbortSignal, tls: 'offered' | 'insist'): Promise<EndpointObservation> {
  const { clientCertificate: _, ...nameless } = request
  const hasty = { ...nameless, timeoutsMs: { ...request.timeoutsMs, close: 1 } }
  return (await observeEndpoint(planned, { from: 'dialtone.invalid', to: request.domain, sni }, { request: hasty, signal, since: () => 0 }, tls)).endpoint
}
