/**
 * What the sender of a stanza that is not delivered is told (RFC 6120 §8.3.3, gateways.md 5.7): a condition and a type for each reason. The text names the
 * reason by its stable word and nothing else: neither a peer nor a topology, for in a room everybody reads it.
 */
import type { Refusal } from '@dialtone/contracts'

export type ErrorType = 'cancel' | 'modify' | 'wait'
/** `by`: whether the error says that the gateway made it (XEP-0478 §4 wants it not to). */
export type Bounce = { condition: string, type: ErrorType, says: string, by: boolean }

export const BOUNCES: Readonly<Record<Refusal, Bounce>> = {
  'domain-invalid': cancel('remote-server-not-found', 'the address is no domain'),
  'dns-absent': cancel('remote-server-not-found', 'the domain has no XMPP service'),
  'dns-failed': wait('remote-server-timeout', 'the domain could not be looked up'),
  'address-refused': cancel('remote-server-not-found', 'the records point to where we do not connect'),
  'unreachable': wait('remote-server-timeout', 'the server could not be reached'),
  'tls-failed': wait('remote-server-timeout', 'no encryption could be agreed on'),
  'certificate-refused': wait('remote-server-timeout', 'a certificate was not accepted'),
  'stream-failed': wait('remote-server-timeout', 'no stream could be negotiated'),
  'host-unknown': cancel('remote-server-not-found', 'the server does not serve the domain'),
  'authentication-refused': wait('remote-server-timeout', 'the server did not accept who we are'),
  'dialback-invalid': wait('internal-server-error', 'the server judged our key invalid'),
  'dialback-error': wait('remote-server-timeout', 'the server could not check our key'),
  'policy-deny': cancel('not-allowed', 'the policy of the gateway denies it'),
  'held': wait('remote-server-timeout', 'it was held for too long'),
  'draining': wait('remote-server-timeout', 'the service is going down'),
  'blocked': cancel('not-allowed', 'the operator of the gateway has blocked it'),
  'queue-full': wait('resource-constraint', 'too much is waiting already'),
  'too-large': { condition: 'policy-violation', type: 'modify', says: 'the stanza is too large', by: false },
  'inside-down': wait('remote-server-timeout', 'the server could not be reached'),
  'unknown-domain': cancel('item-not-found', 'the domain is not served here'),
  'same-zone': cancel('item-not-found', 'the domain is not served here'),
  'expired': wait('remote-server-timeout', 'it has waited for too long'),
  'dropped': wait('remote-server-timeout', 'the operator of the gateway has dropped what waited'),
  'internal-fault': wait('internal-server-error', 'the gateway has failed'),
}

function cancel (condition: string, says: string): Bounce {
  return { condition, type: 'cancel', says, by: true }
}

function wait (condition: string, says: string): Bounce {
  return { condition, type: 'wait', says, by: true }
}

/** The text of an error: the reason's word for machines, the sentence, and the trace id that the gateway's log and facts have. */
export function bounceSays (reason: Refusal, trace: string): string {
  return `${BOUNCES[reason].says} (${reason}, ${trace})`
}
