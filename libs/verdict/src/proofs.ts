// What one observation proves: the faults of its endpoints, of its records, and a claim on our domain.
import { leafOf } from '@dialtone/checks'
import type { EndpointObservation, JudgeConfig, Observation } from '@dialtone/contracts'
import { sameAddress } from '@dialtone/discovery'
import { byOrder } from './causes/order.ts'
import { deepProofs, type DeepProofs } from './deep-proofs.ts'
import { faultOf, notTested, type Fault, type Seen } from './faults.ts'
import { recordFaults, softRecordFaults } from './record-faults.ts'
import { softFaults } from './soft-faults.ts'

export type Proofs = {
  /** Milliseconds since the epoch. */
  startedAt: number
  /** An advertised endpoint went through every stage, and nothing about it stops federation. */
  works: boolean
  /** An endpoint was tried and failed; a vantage with a broken resolver dissents from nobody. */
  reached: boolean
  /** What stops federation. */
  faults: Fault[]
  /** What is wrong although it works. */
  soft: Fault[]
  /** Advertised endpoints that were not tried, and why. */
  untried: Fault[]
  advertised: number
  /** What was authenticated, and what was not: absent for a light check. */
  deep?: Omit<DeepProofs, 'faults'> & { faults: Fault[] }
}

export function proofsOf (o: Observation, config: JudgeConfig): Proofs {
  const claimed = claims(o, config)
  const deep = o.deep === undefined ? undefined : deepProofs({ ...o, deep: o.deep }, config, claimed.length > 0)
  const accepted = new Set(deep?.carried.map(({ endpoint }) => endpoint))
  const advertised = o.endpoints.filter(({ source }) => source !== 'port-probe')
  const judged = advertised.map(e => judgeEndpoint(e, o, config, accepted.has(e.id)))
  const works = judged.some(({ state }) => state === 'works')
  const faults = judged.flatMap(endpoint => endpoint.state === 'stopped' ? endpoint.faults : [])
  const untried = judged.flatMap(({ e, state }) => state === 'not-tested' ? [notTested(e)] : [])
  if (!works) {
    const probe = o.endpoints.find(e => e.source === 'port-probe' && judgeEndpoint(e, o, config).state === 'works')
    if (probe !== undefined && advertised.every(neverSpoke)) faults.push({ cause: 'dns.port-unexpected', text: `XMPP answers on port ${probe.port} of the same address, and on no port that is published` })
    faults.push(...recordFaults(o, advertised, config))
    if (faults.length === 0) faults.push(...untried)
  }
  const reached = faults.some(({ endpoint, cause }) => endpoint !== undefined && cause !== 'unknown')
  const soft = [...judged.flatMap(endpoint => endpoint.state === 'works' ? endpoint.faults : []), ...softRecordFaults(o, config)]
  const from = (seen: Seen[]): Fault[] => seen.map(fault => ({ ...fault, vantage: o.vantage }))
  return {
    startedAt: Date.parse(o.startedAt), works, reached, faults: from([...faults, ...claimed]).toSorted(byOrder), soft: from(soft), untried: from(untried), advertised: advertised.length,
    ...(deep === undefined ? {} : { deep: { ...deep, faults: from(works ? elsewhere(deep.faults, judged) : [...deep.faults]).toSorted(byOrder) } }),
  }
}

const UNREADABLE = 'Judge the whole report as dialtone check --json printed it, or check again.'

type Judged = { e: EndpointObservation, state: 'works' | 'stopped' | 'not-tested', faults: Seen[] }

/** An endpoint that is dead beside a working one is told as that: what it did to who came to authenticate says no more. */
function elsewhere (faults: readonly Seen[], judged: readonly Judged[]): Seen[] {
  const dead = new Set(judged.filter(({ state }) => state === 'stopped').map(({ e }) => e.id))
  return faults.filter(({ endpoint, cause }) => cause === 'dialback.domain-claimed' || endpoint === undefined || !dead.has(endpoint))
}

/** No stream header came. */
function neverSpoke ({ header }: EndpointObservation): boolean {
  return header === undefined
}

/**
 * What is wrong with an endpoint that works stops it where nothing else carries federation, such as a certificate that the profile demands. `accepted`: the
 * peer authenticated us there, which no refusal of a look from outside can gainsay.
 */
function judgeEndpoint (e: EndpointObservation, o: Observation, config: JudgeConfig, accepted = false): Judged {
  const seen = faultOf(e, o, config)
  const fault = accepted && seen !== undefined && seen !== 'not-tested' && isAboutUs(seen) ? undefined : seen
  if (fault === 'not-tested') return { e, state: 'not-tested', faults: [] }
  if (fault !== undefined) return { e, state: 'stopped', faults: [fault] }
  // A chain without its certificates cannot be judged; that of a peer which sent none that can be read is invalid, and known to be.
  if (e.chain !== undefined && e.chain.trust !== 'invalid' && leafOf(e, o) === undefined) {
    return { e, state: 'stopped', faults: [{ cause: 'unknown', text: 'its certificate is not in the observation, or cannot be read', endpoint: e.id, says: 'its certificate cannot be judged', remedy: UNREADABLE }] }
  }
  const soft = softFaults(e, o, config)
  const hard = soft.filter(({ state }) => state === 'down')
  return hard.length > 0 ? { e, state: 'stopped', faults: hard } : { e, state: 'works', faults: soft }
}

/** It was refused for who asked, which says nothing of who authenticates. That it is not reached at all, or cuts the stream, is newer than what was authenticated. */
function isAboutUs ({ cause, refusal }: Seen): boolean {
  return cause.startsWith('auth.') || cause.startsWith('policy.') || cause === 'unknown' || refusal !== undefined
}

/** The claim question accuses only beside a control that was denied, and never of our own endpoints or a named host of ours. */
function claims (o: Observation, config: JudgeConfig): Seen[] {
  if (config.ours || o.asked.as === o.domain || config.hostedBy.includes(o.domain)) return []
  return o.claim.filter(({ role, answer }) => role === 'claim' && answer === 'serves')
    .filter(({ endpoint }) => o.claim.some(c => c.endpoint === endpoint && c.role === 'control' && c.answer === 'denies'))
    .filter(({ endpoint }) => !o.endpoints.some(e => e.id === endpoint && config.expectedAddresses.some(expected => sameAddress(expected, e.address))))
    .map(({ endpoint, to }) => ({ cause: 'dialback.domain-claimed', text: `answers for ${to}, and denies a made-up name`, endpoint }))
}
