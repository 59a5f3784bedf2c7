/**
 * What stopped an attempt, as the refusal that senders are told, a sentence for the operator, and what to do about it: try the next target, or leave it
 * because every target would say the same (gateways.md 5.3 step 3, 5.4 and 5.7).
 */
import type { Failure, Refusal } from '@dialtone/contracts'
import type { DialbackAnswer } from '@dialtone/stream'
import type { CertificateSeen, DialFailure } from '../seams.ts'

/**
 * `next`: the next target is tried. `next-once`: one more, then no other. `again`: once more on a fresh connection to the same one. `stop`: it would repeat.
 * `blame`: what is remembered as bad: the address for everybody, or only for this domain; nothing where it was not the target's fault.
 */
export type Lost = { failed: DialFailure, go: 'next' | 'next-once' | 'again' | 'stop', blame?: 'address' | 'domain' }

/** What was going on: which stage of a stream, and whether EXTERNAL had been refused before. */
export type Circumstance = { at: 'connecting' | 'negotiating' | 'dialback', refusedExternal?: { condition: string, text?: string }, /** The stream error is the peer's own word, not our conclusion. */ said: boolean }

/** Of a failure of the connection or of the stream. */
export function ofFailure (failure: Failure, { at, refusedExternal, said }: Circumstance): Lost {
  switch (failure.at) {
    case 'guard': return lost('address-refused', `The address may not be connected to: ${failure.detail ?? 'refused'}.`, false, 'next', undefined, { failure })
    case 'tcp': return lost('unreachable', TCP[failure.why], true, 'next', 'address', { failure })
    case 'starttls': return lost('tls-failed', 'The peer refused STARTTLS.', true, 'next', 'domain', { failure })
    case 'tls': return ofTls(failure)
    case 'stream': return failure.why === 'stream-error' ? ofStreamError(failure, at, refusedExternal, said) : ofStream(failure, at)
    case 'probe': return failure.why === 'no-address-family'
      ? lost('unreachable', 'This host has no route to that address.', true, 'next', 'address', { failure })
      : lost(failure.why === 'no-resources' ? 'internal-fault' : 'stream-failed', `The connection failed here: ${failure.why}${failure.detail === undefined ? '' : `, ${failure.detail}`}.`, true, 'next', undefined, { failure })
    default: return failure satisfies never
  }
}

/** Of a dialback that was not answered `valid` (XEP-0220 §2.1.1, §2.5). */
export function ofAnswer (answer: DialbackAnswer, refusedExternal?: { condition: string, text?: string }): Lost {
  if (answer.type !== 'error') return lost('dialback-invalid', 'The peer calls our dialback key invalid: whoever answers for our domain has another secret, or another stream was meant.', false, 'next', 'domain', { answer })
  const { condition, text } = answer
  const [says, temporary] = DIALBACK_ERRORS[condition] ?? [`The peer refuses dialback with ${condition}`, true]
  const known = { answer, condition, ...(text === undefined ? {} : { text }) }
  if (condition === 'not-authorized' && refusedExternal !== undefined) return lost('authentication-refused', sentence('The peer accepts neither our certificate nor dialback', text), false, 'stop', undefined, known)
  const go = condition === 'resource-constraint' ? 'again' : condition === 'policy-violation' ? 'stop' : 'next'
  return lost('dialback-error', sentence(says, text), temporary, go, undefined, known)
}

/** No record, no address, or nobody who knows: before any target was tried. */
export function ofNoTargets (reason: Extract<Refusal, 'dns-absent' | 'dns-failed' | 'address-refused' | 'domain-invalid'>, says: string): Lost {
  return lost(reason, says, reason === 'dns-failed', 'stop')
}

/** The peer's certificate is not what the leg demands. */
export function ofCertificate (says: string, certificate?: CertificateSeen): Lost {
  return lost('certificate-refused', says, false, 'next', 'domain', { condition: 'not-authorized', ...(certificate === undefined ? {} : { certificate }) })
}

/** The peer has no TLS, and without it no key is sent. */
export function ofNoTls (): Lost {
  return lost('tls-failed', 'The peer offers no TLS, and dialback is allowed inside TLS alone.', false, 'next', 'domain', { condition: 'policy-violation' })
}

/** Nothing that the peer does would help. */
export function ofNoWay (says: string): Lost {
  return lost('authentication-refused', says, false, 'stop')
}

/** XEP-0220 §2.5: each condition as the operator should read it, and whether it may go by itself. */
const DIALBACK_ERRORS: Readonly<Record<string, [says: string, temporary: boolean]>> = {
  'item-not-found': ['The peer does not host the domain that we asked for', false],
  'remote-connection-failed': ['The peer cannot reach our authoritative server: check our public SRV records, NAT and firewall', true],
  'remote-server-not-found': ["The peer's DNS does not find our authoritative server", true],
  'remote-server-timeout': ['Our authoritative server did not answer the peer', true],
  'policy-violation': ['The peer wants TLS before dialback', false],
  'not-authorized': ['The peer wants a certificate instead of dialback', false],
  forbidden: ['The peer was told that our dialback key is invalid', false],
  'not-acceptable': ['The peer does not accept dialback from our domain', false],
  'not-allowed': ['The peer does not allow our domain', false],
  'resource-constraint': ['The peer is too busy for another dialback', true],
  'internal-server-error': ['The peer failed while it checked our dialback key', true],
}

const TCP: Readonly<Record<Extract<Failure, { at: 'tcp' }>['why'], string>> = {
  refused: 'The connection was refused: nothing listens there.', reset: 'The connection was reset while it was opened.', timeout: 'Nobody answered the connection.', unreachable: 'There is no way to the address.',
}

function ofTls (failure: Extract<Failure, { at: 'tls' }>): Lost {
  const { why, alert, late } = failure
  const says = why === 'alert-from-peer' ? `The peer ended the TLS handshake${late === true ? ' after it had seen our certificate' : ''} with the alert ${alert ?? 'unknown'}.`
    : why === 'alert-from-us' ? `The peer's TLS is not acceptable here: ${failure.detail ?? alert ?? 'refused'}.`
      : why === 'not-tls' ? 'What answered the TLS handshake is no TLS.'
        : why === 'protocol' ? `The TLS handshake broke: ${failure.detail ?? 'protocol error'}.` : TLS[why]
  const settled = why === 'alert-from-peer' || why === 'alert-from-us'
  return lost('tls-failed', says, !settled, 'next', settled ? 'domain' : 'address', { failure })
}

const TLS: Readonly<Record<'closed' | 'reset' | 'timeout', string>> = { closed: 'The peer closed the connection during the TLS handshake.', reset: 'The peer reset the connection during the TLS handshake.', timeout: 'The TLS handshake was not finished in time.' }

function ofStreamError (failure: Extract<Failure, { why: 'stream-error' }>, at: Circumstance['at'], refusedExternal: Circumstance['refusedExternal'], said: boolean): Lost {
  const { condition, text } = failure
  const known = { failure, condition, ...(text === undefined ? {} : { text }) }
  if (!said) {
    return condition === 'unsupported-feature' && refusedExternal === undefined
      ? lost('authentication-refused', 'The peer offers no way to authenticate that both sides allow.', false, 'next', 'domain', known)
      : lost('authentication-refused', sentence(`The peer refused our certificate with ${condition}, and dialback is not possible`, text), false, 'next', 'domain', known)
  }
  switch (condition) {
    case 'host-unknown': case 'host-gone': return lost('host-unknown', sentence(`The peer's server does not serve the domain (${condition})`, text), false, 'next-once', 'domain', known)
    case 'policy-violation': return lost('stream-failed', sentence('The peer refuses us by its policy (policy-violation)', text), false, 'stop', undefined, known)
    case 'conflict': return lost('stream-failed', sentence('The peer prefers another stream of ours (conflict)', text), true, 'stop', undefined, known)
    case 'not-authorized': return lost('authentication-refused', sentence('The peer refuses to authenticate us (not-authorized)', text), false, refusedExternal === undefined ? 'next' : 'stop', 'domain', known)
    case 'see-other-host': return lost('stream-failed', sentence('The peer sends us to another host, which is not followed', failure.detail), false, 'next', 'domain', known)
    default:
      // Prosody gives up a stream whose dialback takes too long, as its time-out of streams: like an error (XEP-0220 §2.1.1).
      if (at === 'dialback') return lost('dialback-error', sentence(`The peer ended the stream with ${condition} while it should have checked our dialback key`, text), true, 'next', undefined, known)
      return lost('stream-failed', sentence(`The peer ended the stream with ${condition}`, text), !PERMANENT.includes(condition), 'next', TRANSIENT.includes(condition) ? 'address' : 'domain', known)
  }
}

const PERMANENT: readonly string[] = ['invalid-namespace', 'unsupported-version', 'unsupported-encoding', 'unsupported-feature', 'invalid-from', 'improper-addressing', 'bad-namespace-prefix']
/** About the server, whatever the domain. */
const TRANSIENT: readonly string[] = ['system-shutdown', 'resource-constraint', 'internal-server-error', 'reset']

function ofStream (failure: Exclude<Extract<Failure, { at: 'stream' }>, { why: 'stream-error' }>, at: Circumstance['at']): Lost {
  if (failure.why === 'broke-protocol') return lost('stream-failed', sentence(`The peer sent what a stream may not contain (${failure.condition})`, failure.detail), false, 'next', 'domain', { failure, condition: failure.condition })
  if (at === 'dialback') return lost('dialback-error', `${STREAM[failure.why]} while we waited for its answer to our dialback key.`, true, 'next', undefined, { failure })
  return failure.why === 'not-xmpp' ? lost('stream-failed', `What answered is no XMPP server${failure.detail === undefined ? '' : ` (${failure.detail})`}.`, true, 'next', 'address', { failure })
    : lost('stream-failed', `${STREAM[failure.why]} before the stream was authenticated.`, true, 'next', 'address', { failure })
}

const STREAM: Readonly<Record<'not-xmpp' | 'closed' | 'ended' | 'reset' | 'went-silent', string>> = {
  'not-xmpp': 'The peer sent what is no XMPP', closed: 'The peer closed the connection', ended: 'The peer ended the stream', reset: 'The connection was reset', 'went-silent': 'The peer went silent',
}

function lost (reason: Refusal, says: string, temporary: boolean, go: Lost['go'], blame?: Lost['blame'], known: Partial<DialFailure> = {}): Lost {
  return { failed: { ...known, reason, says: says.slice(0, 400), temporary }, go, ...(blame === undefined ? {} : { blame }) }
}

/** A peer's own words are quoted, and were escaped and cut where they were read. */
function sentence (says: string, text: string | undefined): string {
  return text === undefined ? `${says}.` : `${says}: "${text}".`
}
