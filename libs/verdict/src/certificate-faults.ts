/**
 * What is wrong with the certificate of a working endpoint, read from the DER that the observation keeps and judged at the observation's own time.
 * Dialback over TLS still carries it unless the peer or the profile needs a valid one: degraded then, down otherwise.
 */
import { PROFILE_DATA, endsAt, identity, leafOf, pathOf } from '@dialtone/checks'
import type { Cause, EndpointObservation, JudgeConfig, Observation } from '@dialtone/contracts'
import { ANY_PURPOSE, SERVER_AUTH } from '@dialtone/stream'
import { quoted } from '@dialtone/kernel'
import type { Seen } from './faults.ts'

const DAY_MS = 86_400_000

/** The certificate's faults in the order of judging; `degraded.certificate-expiring` last. Empty without TLS. */
export function certificateFaults (e: EndpointObservation, o: Observation, config: JudgeConfig): Seen[] {
  if (e.chain === undefined) return []
  const found: Seen[] = []
  const state = carriedByDialback(e, config) ? 'degraded' : 'down'
  const add = (cause: Cause, text: string): void => { found.push({ cause, state, text, endpoint: e.id }) }
  const now = Date.parse(o.startedAt)
  const end = endsAt(e, o)
  const begins = Math.max(...pathOf(e, o).map(({ notBefore }) => notBefore))
  if (end !== undefined && end < now) add('certificate.expired', `it ended on ${day(end)}`)
  if (begins > now) add('certificate.not-yet-valid', `it begins on ${day(begins)}`)

  const name = identity(e, o)
  const leaf = leafOf(e, o)
  if (name?.match === 'none') add('certificate.name-mismatch', name.onlyCommonName ? 'only its common name has the domain, which no longer counts' : `it names ${quoted([...leaf?.dnsNames ?? [], ...leaf?.srvNames ?? [], ...leaf?.xmppAddrs ?? []].slice(0, 4).join(', ') || 'nothing', 160)}`)
  const usage = leaf?.extendedKeyUsage
  if (usage !== undefined && !usage.includes(ANY_PURPOSE) && !usage.includes(SERVER_AUTH)) add('certificate.purpose', 'its extended key usage lacks serverAuth')
  if (e.chain.trust === 'self-signed') add('certificate.self-signed', 'it is signed by itself')
  else if (e.chain.trust !== 'trusted') add('certificate.untrusted', e.chain.detail === undefined ? `the chain is ${e.chain.trust}` : quoted(e.chain.detail))
  if (end !== undefined && end >= now && end < now + config.expiryWarningDays * DAY_MS) found.push({ cause: 'degraded.certificate-expiring', text: `it ends on ${day(end)}`, endpoint: e.id })
  return found
}

/** Dialback is offered after TLS, and the profile does not insist on certificates. */
function carriedByDialback ({ kind, header, headerAgain, features, featuresAgain }: EndpointObservation, { profile }: JudgeConfig): boolean {
  const head = kind === 'direct' ? header : headerAgain
  const offered = kind === 'direct' ? features : featuresAgain
  return PROFILE_DATA[profile].authentication !== 'certificate' && (offered?.dialback === true || head?.dialbackNamespace === true)
}

function day (ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
