/** One endpoint from the TCP connect to the close: a light check, which authenticates nobody. */
import { DIRECT_LADDER, STARTTLS_LADDER, type EndpointObservation, type Stage, type Step, type StoredCertificate } from '@dialtone/contracts'
import type { PlannedEndpoint } from '@dialtone/discovery'
import { connect } from '@dialtone/net'
import type { Plan } from '@dialtone/stream'
import { converse, type Address, type StreamSeen } from './converse.ts'
import { connectionOf, type CheckRequest } from './request.ts'
import { createSteps } from './steps.ts'
import { createTranscript } from './transcript.ts'

export type Given = { request: CheckRequest, signal: AbortSignal, since: () => number, step?: (step: Step) => void }
export type Observed = { endpoint: EndpointObservation, certificates: Record<string, StoredCertificate> }

export async function observeEndpoint (planned: PlannedEndpoint, address: Address, given: Given, tls: Plan['tls'] = 'offered'): Promise<Observed> {
  const { request, since } = given
  const steps = createSteps<Stage>(planned.kind === 'starttls' ? STARTTLS_LADDER : DIRECT_LADDER, since, step => given.step?.(step as Step))
  const transcript = createTranscript(since)
  const seen: StreamSeen = {}
  const certificates: Record<string, StoredCertificate> = {}
  let received = 0

  steps.enter('tcp')
  if (!request.families.includes(planned.family)) steps.fail({ at: 'probe', why: 'no-address-family', detail: `this vantage has no IPv${planned.family}` })
  else {
    const opened = await connect(connectionOf(request, planned, given.signal))
    if ('failure' in opened) steps.fail(opened.failure)
    else {
      steps.finish()
      await converse(opened.connection, { plan: { kind: planned.kind, tls, authenticate: 'none' }, address, request, steps, transcript, seen, certificates })
      received = opened.connection.received
      opened.connection.destroy()
    }
  }
  const endpoint: EndpointObservation = {
    id: endpointId(planned),
    kind: planned.kind,
    source: planned.source,
    target: planned.target,
    port: planned.port,
    ...(planned.priority === undefined ? {} : { priority: planned.priority }),
    ...(planned.weight === undefined ? {} : { weight: planned.weight }),
    address: planned.address,
    family: planned.family,
    steps: steps.list(),
    ...seen,
    received,
    transcript: transcript.lines(),
  }
  return { endpoint, certificates }
}

/** kind/target:port/address, unique in an observation. */
export function endpointId ({ kind, target, port, address }: PlannedEndpoint): string {
  return `${kind}/${target}:${port}/${address}`
}
