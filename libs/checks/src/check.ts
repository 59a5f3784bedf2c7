import type { Deep, DeepConnection, EndpointObservation, Finding, JudgeConfig, Level, Observation, Side } from '@dialtone/contracts'

/** One row of a check's table: how bad this outcome is by default, what it means in one sentence, and who is suspected. */
export type Outcome = {
  level: Level
  /** Completes "partner.example …" or "xmpp.partner.example:5269 …": no capital, no full stop. */
  says: string
  suspect?: Exclude<Side, 'nobody'>
  /** What to change, in the imperative; shown by `explain` and in the documentation. */
  remedy?: string
}

/** A key of the table, alone or with what was seen here (already quoted and cut). Undefined: the check does not apply. */
export type Answer<Key extends string> = Key | { outcome: Key, detail: string } | undefined

type Table<Key extends string> = Record<Key, Outcome>
type Common<Key extends string> = {
  /** Begins with `s2s.`, so that a check id never equals a cause. */
  id: `s2s.${string}`
  /** The question that is answered, as one sentence with a question mark. */
  asks: string
  /** What it reads, which section of which specification, what it does not say. A paragraph for the documentation. */
  about: string
  outcomes: Table<Key>
}

/** A check of the whole domain: `judge` gives one answer, or several (one per record, say). */
export type DomainCheck<Key extends string = string> = Common<Key> & {
  scope: 'domain'
  judge: (observation: Observation, config: JudgeConfig) => Answer<Key> | Answer<Key>[]
}

/** A check that is asked of every endpoint. */
export type EndpointCheck<Key extends string = string> = Common<Key> & {
  scope: 'endpoint'
  judge: (endpoint: EndpointObservation, observation: Observation, config: JudgeConfig) => Answer<Key> | Answer<Key>[]
}

/** An observation of a check that authenticated itself, or asked about keys. */
export type DeepObservation = Observation & { deep: Deep }

/** A check that is asked of every connection of a deep check; of a light one it says nothing. */
export type ConnectionCheck<Key extends string = string> = Common<Key> & {
  scope: 'connection'
  judge: (connection: DeepConnection, observation: DeepObservation, config: JudgeConfig) => Answer<Key> | Answer<Key>[]
}

export type Check = DomainCheck | EndpointCheck | ConnectionCheck

/** Declares a check of the whole domain; the compiler holds `judge` to the keys of `outcomes`. */
export function defineDomainCheck<const Key extends string> (check: Omit<DomainCheck<Key>, 'scope'>): DomainCheck<Key> {
  return { scope: 'domain', ...check }
}

/** Declares a check of one endpoint; the compiler holds `judge` to the keys of `outcomes`. */
export function defineEndpointCheck<const Key extends string> (check: Omit<EndpointCheck<Key>, 'scope'>): EndpointCheck<Key> {
  return { scope: 'endpoint', ...check }
}

/** Declares a check of one deep connection; the compiler holds `judge` to the keys of `outcomes`. */
export function defineConnectionCheck<const Key extends string> (check: Omit<ConnectionCheck<Key>, 'scope'>): ConnectionCheck<Key> {
  return { scope: 'connection', ...check }
}

/**
 * All findings of one check about one observation, in the order of the endpoints or connections. Pure; never throws on an observation
 * that its schema accepts.
 */
export function ask (check: Check, observation: Observation, config: JudgeConfig): Finding[] {
  if (check.scope === 'domain') return list(check.judge(observation, config)).map(answer => finding(check, answer, observation.vantage))
  if (check.scope === 'connection') {
    const { deep } = observation
    return deep === undefined ? [] : deep.connections.flatMap(connection =>
      list(check.judge(connection, { ...observation, deep }, config)).map(answer => ({ ...finding(check, answer, observation.vantage), endpoint: connection.endpoint })))
  }
  return observation.endpoints.flatMap(endpoint =>
    list(check.judge(endpoint, observation, config)).map(answer => ({ ...finding(check, answer, observation.vantage), endpoint: endpoint.id })))
}

function list<Key extends string> (answers: Answer<Key> | Answer<Key>[]): Exclude<Answer<Key>, undefined>[] {
  return (Array.isArray(answers) ? answers : [answers]).filter(answer => answer !== undefined)
}

function finding (check: Check, answer: Exclude<Answer<string>, undefined>, vantage: string): Finding {
  const key = typeof answer === 'string' ? answer : answer.outcome
  const outcome = check.outcomes[key]
  if (outcome === undefined) throw new TypeError(`${check.id} has no outcome '${key}'`)
  return {
    check: check.id,
    outcome: key,
    level: outcome.level,
    says: outcome.says,
    ...(typeof answer === 'string' ? {} : { detail: answer.detail }),
    vantage,
  }
}
