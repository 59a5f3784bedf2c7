/**
 * The receiving server's question (XEP-0220 §2.2.1): was this key made by the authoritative server of the domain that shows it? On a stream of its own, never on
 * the one that the key came on, and with as much TLS as the leg demands.
 */
import type { DialbackAnswer, Plan, Question } from '@dialtone/stream'
import type { Surroundings, Verify } from '../seams.ts'
import { reportFault } from '../faults.ts'
import { createBadTargets } from './bad-targets.ts'
import { anchorsFor, type OutboundOptions } from './dial.ts'
import { ofNoWay, type Lost } from './failures.ts'
import { LIMITS } from './limits.ts'
import { outboundTls, verificationsTotal } from './metrics.ts'
import { negotiate } from './negotiate.ts'
import { walk } from './walk.ts'
import { Wire } from './wire.ts'

export function createVerify (surroundings: Surroundings, options: Omit<OutboundOptions, 'intake'> = {}): Verify {
  const { clock, random, meter } = surroundings
  const limits = { ...LIMITS, ...options.limits }
  const weakened = options.weakened ?? {}
  const badTargets = options.badTargets ?? createBadTargets(surroundings, limits)

  return async ({ zone, question: { from, to, id, key }, leg, signal, ...wanted }) => {
    // The question goes from us to the server of whoever showed the key.
    const question: Question = { from: to, to: from, id, key }
    const result = await walk<DialbackAnswer>({
      ...wanted, zone, domain: from, leg, badTargets, random, limits, weakened, clock, meter, signal, step: () => undefined,
      attempt: async ({ target, connected: { connection, abandon }, deadline, tell, measured, signal: during }) => {
        const plan: Plan = { kind: target.kind, tls: leg.tls === 'none' ? 'never' : leg.tls === 'required' && weakened.stripped !== true ? 'insist' : 'offered', authenticate: 'none', question }
        const outcome = await negotiate(new Wire(connection, { event: () => undefined }, error => reportFault(surroundings, 'verifying', error), { of: { id: '', zone: zone.name, pairs: [{ from: to, to: from }], names: undefined }, trace: surroundings.tracing }), {
          plan, pair: { from: to, to: from }, keys: zone.keys, anchors: anchorsFor(surroundings.world(), zone, { from: to, to: from }), leg, certificate: zone.certificateFor(to), limits, weakened, clock, deadline, tell, measured, signal: during, established: () => undefined,
          judged: ({ is }, protocol) => meter.add(outboundTls, { zone: zone.name, protocol: protocol === 'TLSv1.2' || protocol === 'TLSv1.3' ? protocol : 'other', verdict: is }),
        })
        if (during.aborted) abandon.abort()
        if (outcome === 'established') return { lost: ofNoWay('The stream was not for a question.') }
        return 'lost' in outcome ? outcome : { won: outcome.answer }
      },
    })
    const answer = 'won' in result ? result.won : errorOf(result.lost)
    meter.add(verificationsTotal, { zone: zone.name, answer: 'won' in result ? answer.type : 'unreachable' })
    return answer.type === 'error' && 'won' in result ? heard(answer) : answer
  }
}

/** XEP-0220 §2.5: as the peer that showed the key is told. Nothing of how we got there. */
function errorOf ({ failed: { reason } }: Lost): DialbackAnswer {
  switch (reason) {
    case 'dns-absent': case 'domain-invalid': case 'host-unknown': return { type: 'error', condition: 'remote-server-not-found' }
    case 'unreachable': case 'address-refused': case 'tls-failed': case 'certificate-refused': return { type: 'error', condition: 'remote-connection-failed' }
    default: return { type: 'error', condition: 'remote-server-timeout' }
  }
}

/** The authoritative server knows nothing of the domain, or could not say. */
function heard ({ condition }: Extract<DialbackAnswer, { type: 'error' }>): DialbackAnswer {
  return { type: 'error', condition: condition === 'item-not-found' || condition === 'host-unknown' ? 'remote-server-not-found' : 'remote-server-timeout' }
}
