/** What does the NATS server, or its client, mean by an error? Told as the bus tells it. */
import { OperatorError, quoted } from '@dialtone/kernel'
import { Events, NatsError, type Status } from 'nats'

/** A thing that the users of the server do not allow, as its status event tells it. */
export type Violation = { operation: 'publish' | 'subscription' | 'authorization', subject: string }

/** Of JetStream's errors, those that mean something to us. */
export const STREAM_NOT_FOUND = 10_059
export const NAME_IN_USE = 10_058
const WRONG_LAST_SEQUENCE = 10_071
const TOO_LARGE = 10_054
const AUTHORIZATION = 'AUTHORIZATION_VIOLATION'
const FULL = [10_077, 10_047, 10_023]

/** An error in an answer of JetStream. */
export class JetStreamError extends Error {
  readonly number: number

  constructor (number: number, description: string) {
    super(description)
    this.number = number
  }
}

export function isConflict (error: unknown): boolean {
  return error instanceof JetStreamError && error.number === WRONG_LAST_SEQUENCE
}

/** As an OperatorError, for what was to be done with `subject`. What is a bug of ours stays as it is. */
export function toldAs (error: unknown, subject: string): unknown {
  if (error instanceof OperatorError) return error
  if (error instanceof JetStreamError) {
    if (error.number === TOO_LARGE) return new OperatorError('too-large', `${subject} takes no message as large as this one (${quoted(error.message)})`)
    if (FULL.includes(error.number)) return new OperatorError('bus-full', `there is no room for ${subject} (${quoted(error.message)}); give JetStream more, or the stream less`)
    return new OperatorError('bus-unreachable', `JetStream did not take ${subject}: ${quoted(error.message)} (${error.number})`)
  }
  if (!(error instanceof NatsError)) return error
  if (error.code === 'PERMISSIONS_VIOLATION') return new OperatorError('not-allowed', `the NATS server does not let this user use ${subject}; compare its users with deploy/nats`)
  if (error.code === '503') return nothingTakes(subject)
  return new OperatorError('bus-unreachable', `${subject} was not taken (${quoted(error.message)}); try later`)
}

export function nothingTakes (subject: string): OperatorError {
  return new OperatorError('bus-unreachable', `nothing takes ${subject}: JetStream is not ready, or what keeps it was not made yet; try later`)
}

/** The server does not know who we say we are. */
export function isRefusal (error: unknown): boolean {
  return error instanceof NatsError && error.code === AUTHORIZATION
}

export function violationOf (status: Status): Violation | undefined {
  if (status.type !== Events.Error) return undefined
  const { permissionContext: context } = status
  if (context !== undefined) return { operation: context.operation === 'publish' ? 'publish' : 'subscription', subject: quoted(context.subject) }
  return status.data === AUTHORIZATION ? { operation: 'authorization', subject: '' } : undefined
}
