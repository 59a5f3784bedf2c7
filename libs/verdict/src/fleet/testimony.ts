/**
 * Who is heard: of each vantage, job and name the latest observation, as what it proves. Agents that were themselves the problem are set aside before anything
 * else is read, so that they change nothing. Two vantages on one network are one witness: whoever counts, counts networks.
 */
import type { FleetVerdict, JudgeConfig, Job, Observation, Standpoint, Witness } from '@dialtone/contracts'
import type { Proofs } from '../proofs.ts'
import { rememberedProofs } from '../proofs-memo.ts'
import { concluded } from '../refusals.ts'
import { connected } from './reach.ts'

/**
 * How far somebody came. `works`: through every stage of an endpoint. `unreached`: every endpoint that was tried failed at TCP. `stopped`: something else stops
 * it, in its records or above TCP. `blind`: the resolver gave no answer. `untried`: nothing could be tried from there, which says nothing.
 */
export type View = 'works' | 'unreached' | 'stopped' | 'blind' | 'untried'

/** `authenticated`: the observation of the last deep check, which may be an earlier one; `deepAt`: when that was made, milliseconds. */
export type Testimony = { observation: Observation, job: Job, standpoint: Standpoint, proofs: Proofs, view: View, authenticated?: Observation, deepAt?: number }

export type Hearing = { heard: readonly Testimony[], setAside: FleetVerdict['setAside'] }

const WHY = { uplink: 'its own uplink or route is down', clock: 'its clock is wrong', 'event-loop': 'its event loop lags' } as const

/** `expect`: what the domain of a witness is judged by, or undefined where it is not heard. The order of the witnesses does not matter. */
export function hear (witnesses: readonly Witness[], expect: (witness: Witness) => JudgeConfig | undefined): Hearing {
  const about = witnesses.flatMap(witness => {
    const config = expect(witness)
    return config === undefined ? [] : [{ witness, config }]
  })
  const aside = new Map(about.flatMap(({ witness: { aside: why, standpoint: { vantage } } }) => why === undefined ? [] : [[`${vantage} ${why}`, { vantage, why: WHY[why] }]]))
  const setAside = [...aside].toSorted(([a], [b]) => a < b ? -1 : 1).map(([, each]) => each)
  const groups = Map.groupBy(about.filter(({ witness }) => witness.aside === undefined), ({ witness }) => keyOf(witness))
  const heard = [...groups].toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([, group]) => latestOf(group))
  return { heard, setAside }
}

/** The networks on which somebody stands, each once. */
export function networksOf (some: readonly Testimony[]): Set<string> {
  return new Set(some.map(networkOf))
}

export function networkOf ({ standpoint: { side, network } }: Testimony): string {
  return `${side} ${network}`
}

/** They tried, and have something to say about endpoints or records. */
export function testifying (some: readonly Testimony[]): Testimony[] {
  return some.filter(({ view }) => view === 'works' || view === 'unreached' || view === 'stopped')
}

/** The peer calls a true key for our domain invalid, and says that it does not serve it itself; who was asked is not known. */
export function callsKeyInvalid ({ authenticated, proofs }: Testimony): boolean {
  const { claim = [], deep } = authenticated ?? {}
  if (deep?.depth !== 'shared' || proofs.deep?.faults.some(({ cause }) => cause === 'unknown') !== true) return false
  const invalid = deep.connections.some(({ of, dialback }) => of === 'peer' && dialback?.key === 'true' && dialback.answer?.type === 'invalid')
  return invalid && claim.some(({ role, answer }) => role === 'claim' && answer === 'denies') && !claim.some(({ role, answer }) => role === 'claim' && answer === 'serves')
}

/**
 * The latest of one vantage, job and name, or those that share its time. Earlier ones tell whether a refusal is repeated; and because deep checks are rarer than
 * light ones, what the last of them found stands for as long as light ones still go well.
 */
function latestOf (group: readonly { witness: Witness, config: JudgeConfig }[]): Testimony[] {
  const all = group.map(({ witness, config }) => ({ witness, proofs: rememberedProofs(witness.observation, config) }))
  const proofs = all.map(each => each.proofs)
  const last = Math.max(...proofs.map(({ startedAt }) => startedAt))
  const current = all.filter(each => each.proofs.startedAt === last)
  const deep = all.filter(each => each.proofs.deep !== undefined).toSorted((a, b) => b.proofs.startedAt - a.proofs.startedAt || (JSON.stringify(a.witness.observation) < JSON.stringify(b.witness.observation) ? -1 : 1))[0]
  // Of the same time, in an order of their own: what is told must not depend on who came first.
  if (current.length > 1) current.sort((a, b) => JSON.stringify(a.witness.observation) < JSON.stringify(b.witness.observation) ? -1 : 1)
  return current
    .map(({ witness, proofs: own }) => {
      const { observation, job, standpoint } = witness
      const last = own.deep !== undefined ? witness : own.works ? deep?.witness : undefined
      const whole = own.deep === undefined && own.works && deep?.proofs.deep !== undefined ? { ...own, deep: deep.proofs.deep } : own
      const told = all.length === 1 ? whole : concluded(whole, proofs, group[0]?.config.retryWindowMs)
      return { observation, job, standpoint, proofs: told, view: viewOf(observation, told), ...(last === undefined ? {} : { authenticated: last.observation, deepAt: last.deepAt ?? Date.parse(last.observation.startedAt) }) }
    })
}

function viewOf ({ endpoints }: Observation, { works, faults, untried }: Proofs): View {
  if (works) return 'works'
  const tcp = endpoints.filter(({ source }) => source !== 'port-probe').flatMap(each => connected(each) ?? [])
  if (tcp.length > 0 && !tcp.includes(true)) return 'unreached'
  const skipped = new Set(untried.map(({ endpoint }) => endpoint))
  const said = faults.filter(({ cause, endpoint }) => endpoint === undefined ? cause !== 'unknown' : !skipped.has(endpoint))
  if (tcp.length === 0 && said.some(({ cause }) => cause === 'dns.resolver-unavailable')) return 'blind'
  return said.length > 0 ? 'stopped' : faults.length > skipped.size ? 'blind' : 'untried'
}

function keyOf ({ observation, job, standpoint: { vantage, side, network } }: Witness): string {
  return [side, network, vantage, job, observation.domain, observation.asked.as ?? ''].join(' ')
}
