/**
 * What the dialback of one connection proves (XEP-0220 §2.1): it works, something is at fault, or it is still open. Called only where the key was sent
 * in the name about which a verdict is given; what each depth may decide is written in causes.md, and held to in deep-proofs.ts.
 */
import { dialbackDeviationOf, dialbackOf, listens, stopped, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, JudgeConfig, Untested } from '@dialtone/contracts'
import { unreachable } from '@dialtone/kernel'
import { answerText, brokenOff, denied, explained, open, provedByCallback, unanswered } from './callback-faults.ts'
import { streamError, wrongHost, type Seen } from './faults.ts'
import { placeOf } from './place.ts'

/** What one connection proves about the way from us to the peer. `untested`: it could not be asked, or its answer means nothing. */
export type Proof = { works: 'external' | 'dialback' } | { fault: Seen } | { untested: Untested } | undefined

/** `claimed`: the claim question was answered, beside its control, as if by the server of OURS. */
export function dialbackProof (connection: DeepConnection, o: DeepObservation, config: JudgeConfig, claimed: boolean): Proof {
  const { endpoint, dialback } = connection
  const { is } = dialbackOf(connection, o.deep)
  const said = answerText(connection)
  const fault = (seen: Seen): Proof => ({ fault: seen })
  switch (is) {
    case 'valid': case 'valid-without-callback': case 'valid-although-denied': return takenBack(connection) ?? { works: 'dialback' }
    case 'valid-made-up': case 'invalid-made-up': return { untested: inTheNameOf(o) }
    case 'invalid': return fault(denied(connection, o, config, said, claimed))
    case 'denied': return fault(forbidden(connection, o, config, said, claimed))
    case 'policy': case 'claims-sender': return fault(provedByCallback(connection, o) ?? refused(connection, said))
    case 'needs-encryption': return fault(unencrypted(connection, o, said))
    case 'needs-certificate': return fault(provedByCallback(connection, o) ?? { cause: 'auth.external-refused', text: `${said}: dialback alone is not enough`, endpoint })
    case 'callback-blocked': return fault(explained(connection, o, 'dialback.callback-blocked', said))
    case 'callback-misdirected': return fault(explained(connection, o, 'dialback.callback-misdirected', said))
    case 'callback-failed': return fault(unanswered(connection, o, said, true))
    case 'none': return fault(unanswered(connection, o, said, false))
    case 'wrong-host': return fault({ cause: wrongHost(addressOf(connection, o), config), text: said, endpoint })
    case 'busy': return fault({ cause: 'peer.busy', text: said, endpoint })
    case 'other-error': return fault(provedByCallback(connection, o) ?? strange(connection, o, said))
    case 'stream-error': return fault(ended(connection, o, config))
    case 'stream-ended': return fault(leftOff(connection, o, said))
    case 'none-yet': return fault(o.deep.quick
      ? open(endpoint, said, 'no answer within 15 s; asked to stop there (--quick)', 'Check again without --quick: servers that cannot call back stay silent for up to 90 s, and then it is known.')
      : open(endpoint, said, 'no answer within 15 s; not waited for longer, because another endpoint had been silent', 'Look at the endpoint that was waited for to the end first: the cause is mostly the same.'))
    case 'interrupted': return { untested: { what: `the end of the dialback at ${placeOf(endpoint, o.endpoints)}`, needs: 'a check that is not interrupted' } }
    case 'not-asked': {
      const refusal = dialback === undefined ? refusedBefore(connection, o, config) : undefined
      return refusal === undefined ? { untested: { what: `dialback at ${placeOf(endpoint, o.endpoints)}`, needs: 'a connection that gets as far as sending a key' } } : fault(refusal)
    }
    default: return unreachable(is)
  }
}

/** What nobody can say without the secret of our real server. */
export function inTheNameOf ({ asked, deep }: DeepObservation): Untested {
  return { what: `dialback in the name of ${asked.as ?? deep.as}`, needs: '--depth shared --secret FILE' }
}

/** A stream error before anybody could authenticate: a refusal of our name, or of who shows no certificate. */
export function refusedBefore (connection: DeepConnection, o: DeepObservation, config: JudgeConfig): Seen | undefined {
  const failure = stopped(connection)?.failure
  if (failure?.at !== 'stream' || failure.why !== 'stream-error') return undefined
  const { endpoint, tls, certificate, pair } = connection
  const address = addressOf(connection, o)
  return streamError(failure, { endpoint, encrypted: tls !== undefined, certificate, as: pair.from, ...(address === undefined ? {} : { address }) }, config)
}

/**
 * `forbidden` without the words of a known server: by the specification the authoritative server denied the key, in practice a refusal as often. Nobody
 * asked us, so that it is taken for the lesser.
 */
function forbidden (connection: DeepConnection, o: DeepObservation, config: JudgeConfig, said: string, claimed: boolean): Seen {
  return denied(connection, o, config, said, claimed, seen => seen.cause === 'unknown' || claimed ? seen : refused(connection, said))
}

/** Once it may be a pause or a limit; refusals.ts says when it is policy. */
function refused ({ endpoint, pair, dialback }: DeepConnection, said: string): Seen {
  const known = dialback?.answer === undefined ? undefined : dialbackDeviationOf(dialback.answer)
  return {
    cause: 'peer.busy', text: said, endpoint, refusal: pair.from,
    ...(known?.means === 'claims-sender' ? { remedy: `Ask the peer whether OURS is among its own domains: ${known.server} answers so when ${known.when} (source, not run). The claim question decides it: dialtone check DOMAIN --as OURS. Otherwise ask it to allow OURS, and check again in five minutes.` } : {}),
  }
}

/** The demand for encryption, where there is some: a refusal in other words. */
function unencrypted (connection: DeepConnection, o: DeepObservation, said: string): Seen {
  if (connection.dialback?.secured === true) return provedByCallback(connection, o) ?? refused(connection, said)
  return { cause: connection.features?.starttls === 'optional' || connection.features?.starttls === 'required' ? 'tls.required-by-peer' : 'tls.not-offered', text: `${said}, in clear`, endpoint: connection.endpoint }
}

/** Valid, and then something that ended the stream for a protocol reason, such as another answer: nobody could rely on it. */
function takenBack (connection: DeepConnection): Proof {
  const failure = stopped(connection)?.failure
  return failure?.at === 'stream' && failure.why === 'broke-protocol' ? { fault: { cause: 'peer.protocol-error', text: `answered valid, and then: ${failure.detail ?? failure.condition}`, endpoint: connection.endpoint } } : undefined
}

/** An answer that no specification knows, or that we ended the stream for. */
function strange (connection: DeepConnection, o: DeepObservation, said: string): Seen {
  const { endpoint, dialback } = connection
  const failure = stopped(connection)?.failure
  if (dialback?.answer === undefined) return { cause: 'peer.protocol-error', text: failure?.detail ?? 'it answered what was not asked', endpoint }
  // A reader makes undefined-condition of none (RFC 6120 §8.3.3.21).
  const { condition = 'undefined-condition', text } = dialback.answer
  if (condition === 'undefined-condition' && text === undefined) return { cause: 'peer.protocol-error', text: 'db:result error without a condition', endpoint }
  return brokenOff(connection, o) ?? open(endpoint, said, 'the peer answers our key with an error that says nothing known', 'Ask the peer for its log of the same second; the condition and the text are in the evidence.')
}

function ended (connection: DeepConnection, o: DeepObservation, config: JudgeConfig): Seen {
  const failure = stopped(connection)?.failure
  if (failure?.at === 'stream' && failure.why === 'stream-error' && failure.condition === 'remote-connection-failed') return explained(connection, o, 'dialback.callback-blocked', `stream error ${failure.condition}`)
  const proved = provedByCallback(connection, o)
  if (proved !== undefined) return proved
  const seen = refusedBefore(connection, o, config) ?? leftOff(connection, o, answerText(connection))
  // A condition that is known names the peer's cause.
  return seen.cause === 'peer.protocol-error' ? brokenOff(connection, o) ?? seen : seen
}

/** The stream ended early and without a word. */
function leftOff (connection: DeepConnection, o: DeepObservation, said: string): Seen {
  const seen = unanswered(connection, o, said, false)
  // Nobody gives up a connection attempt that early: without a callback, a close proves no firewall.
  return seen.cause === 'dialback.callback-blocked' ? open(connection.endpoint, seen.text, `the peer ended the stream without an answer${listens(o.deep) ? ', and was not seen to call back' : ''}`, 'Ask the peer for its log of the same second: a limit, a policy or a crash ends a stream like that.') : seen
}

function addressOf ({ endpoint }: DeepConnection, { endpoints }: DeepObservation): string | undefined {
  return endpoints.find(({ id }) => id === endpoint)?.address
}
