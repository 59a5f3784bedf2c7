/** What the schedule needs to know of an observation: facts, and nothing about how bad they are. */
import type { Deep, DeepConnection, EndpointObservation, Observation } from '@dialtone/contracts'

const NO_ANSWER: ReadonlySet<string> = new Set(['servfail', 'refused', 'timeout', 'unreachable', 'malformed', 'other-rcode'])

/** Something failed, or nothing could be asked: worth another look soon. */
export function troubled ({ dns, endpoints, deep }: Observation): boolean {
  return endpoints.length === 0 || dns.some(({ outcome, purpose }) => purpose !== 'control' && NO_ANSWER.has(outcome)) || endpoints.some(stopped) || (deep !== undefined && deepFailed(deep))
}

/** Somebody who was asked in our name, or in the probe's, did not say yes. */
function deepFailed ({ connections }: Deep): boolean {
  return connections.some(failedDeeply)
}

/** The peer refused to speak with OURS, or did not accept who we said we are: not to be asked again in that name for a while. */
export function refused ({ endpoints, deep }: Observation): boolean {
  return endpoints.some(({ steps }) => steps.some(({ failure }) => failure?.at === 'stream' && failure.why === 'stream-error' && REFUSALS.has(failure.condition))) || deep?.connections.some(one => one.of === 'peer' && failedDeeply(one)) === true
}

/** How many connections the peer has had to bear. */
export function connectionsOf ({ endpoints, claim, deep }: Observation): number {
  let count = claim.length
  for (const endpoint of endpoints) {
    if (wasAsked(endpoint)) count += 1
    if (endpoint.withoutSni !== undefined || endpoint.starttlsUnoffered !== undefined) count += 1
  }
  for (const { of, steps } of deep?.connections ?? []) if (of === 'peer' && steps.some(({ stage, outcome, failure }) => stage === 'tcp' && outcome !== 'not-asked' && failure?.at !== 'guard')) count += 1
  // Each proof of a peer's key is a connection to it.
  for (const { reverse } of deep?.callbacks ?? []) if (reverse !== undefined) count += 1
  return count
}

const REFUSALS: ReadonlySet<string> = new Set(['policy-violation', 'not-authorized', 'resource-constraint', 'conflict'])

function stopped ({ steps }: EndpointObservation): boolean {
  return steps.some(({ stage, outcome, failure }) => stage !== 'close' && outcome === 'failed' && !(failure?.at === 'probe' && failure.why === 'no-address-family'))
}

function failedDeeply ({ role, steps, sasl, dialback, question }: DeepConnection): boolean {
  if (role === 'external') return sasl?.success === false
  if (role === 'verify') return question !== undefined && question.answer?.type !== question.right
  return dialback === undefined ? steps.some(({ stage, outcome }) => stage !== 'close' && outcome === 'failed') : dialback.answer?.type !== 'valid'
}

/** A connection was tried: neither refused by our own guard nor impossible from here. */
function wasAsked ({ steps }: EndpointObservation): boolean {
  const first = steps.find(({ stage }) => stage === 'tcp')
  return first !== undefined && first.outcome !== 'not-asked' && first.failure?.at !== 'guard' && !(first.failure?.at === 'probe' && first.failure.why === 'no-address-family')
}
