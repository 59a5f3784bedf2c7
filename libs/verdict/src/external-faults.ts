// What EXTERNAL on one connection proves (XEP-0178): our certificate is accepted, refused in one of its ways, or nobody could tell.
import { deviationOf, externalOf, stopped, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, JudgeConfig } from '@dialtone/contracts'
import { unreachable } from '@dialtone/kernel'
import { ANY_PURPOSE, CLIENT_AUTH } from '@dialtone/stream'
import { refusedBefore, type Proof } from './dialback-faults.ts'
import { placeOf } from './place.ts'

/** How each refusal is told. */
const REFUSED = {
  withheld: 'it asked for our certificate, was shown it, and offers no EXTERNAL',
  'refused-at-handshake': 'it refused our certificate in the handshake',
  'refused-late': 'it refused our certificate on the first read after the handshake',
  'refused-by-stream-error': 'it refused our certificate',
  'refused-by-sasl': 'it refused EXTERNAL',
} as const

/** The state of a refusal depends on dialback, and is decided where both are known: deep-proofs.ts. */
export function externalProof (connection: DeepConnection, o: DeepObservation, config: JudgeConfig): Proof {
  const { endpoint } = connection
  const { is, detail } = externalOf(connection)
  switch (is) {
    case 'accepted': return { works: 'external' }
    case 'withheld': case 'refused-at-handshake': case 'refused-late': case 'refused-by-stream-error': case 'refused-by-sasl':
      return { fault: { cause: 'auth.external-refused', text: `${REFUSED[is]}${detail === undefined ? '' : `: ${detail}`}`, endpoint, ...(isOurs(connection) ? { side: 'ours', hop: 'our-server', actor: 'server-admin' } as const : {}) } }
    case 'not-shown': return { fault: { cause: 'auth.external-refused', state: 'unknown', text: 'asks for a certificate, and we had none to show', endpoint } }
    case 'not-requested': return undefined
    case 'unanswered': case 'not-asked': {
      const refusal = refusedBefore(connection, o, config)
      return refusal === undefined ? { untested: { what: `EXTERNAL at ${placeOf(endpoint, o.endpoints)}`, needs: 'a connection that gets as far as asking for it' } } : { fault: refusal }
    }
    default: return unreachable(is)
  }
}

/** Dates, purpose or chain of our certificate explain it: ours to mend. Without a reason it may as well be what the peer trusts. */
function isOurs (connection: DeepConnection): boolean {
  const failure = stopped(connection)?.failure
  if (failure?.at === 'tls') return OURS_TO_MEND.has(failure.alert ?? '')
  if (failure?.at === 'stream' && failure.why === 'stream-error') return deviationOf(failure)?.means === 'our-certificate'
  const usages = connection.certificateUsages
  return usages !== undefined && usages.length > 0 && !usages.includes(CLIENT_AUTH) && !usages.includes(ANY_PURPOSE)
}

const OURS_TO_MEND: ReadonlySet<string> = new Set(['certificate_expired', 'certificate_revoked', 'unsupported_certificate', 'bad_certificate', 'unknown_ca'])
