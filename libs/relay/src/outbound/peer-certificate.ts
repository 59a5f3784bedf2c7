/**
 * What the certificate of a server that we connected to is worth: chain, name and dates, for the purpose of a server (RFC 6120 §13.7.2, RFC 9525), and the keys
 * that were pinned. The reference is the peer's domain, never the target of its records.
 */
import { SERVER_AUTH, ANY_PURPOSE, identityOf, pathProblem, readCertificate } from '@dialtone/stream'
import { quoted } from '@dialtone/kernel'
import type { Secured } from '@dialtone/net'
import type { LegRules } from '@dialtone/routing'
import type { CertificateSeen } from '../seams.ts'

export const VERDICTS = ['valid', 'self-signed', 'untrusted', 'not-yet-valid', 'expired', 'wrong-purpose', 'wrong-name', 'none'] as const
export type Verdict = { is: (typeof VERDICTS)[number], says: string, /** Absent where no certificate could be read. */ certificate?: CertificateSeen }

/** `now`: milliseconds since the epoch. */
export function verdictOn ({ chain, certificates }: Pick<Secured, 'chain' | 'certificates'>, domain: string, { pins }: Pick<LegRules, 'pins'>, now: number): Verdict {
  const [digest = ''] = chain.sent
  const stored = certificates[digest]
  const facts = stored === undefined ? undefined : readCertificate(Buffer.from(stored.der, 'base64'))
  if (stored === undefined || facts === undefined) return { is: 'none', says: 'The peer showed no certificate that can be read.' }
  const key = stored.spkiSha256
  const certificate: CertificateSeen = { key, issuer: quoted(facts.issuer, 200), notAfter: facts.notAfter, pinned: pins.length > 0, matches: pins.includes(key) }
  const give = (is: Verdict['is'], says: string): Verdict => ({ is, says, certificate })
  if (chain.trust === 'self-signed') return give('self-signed', 'The certificate is signed by its own key, which is not trusted here.')
  if (chain.trust !== 'trusted') return give('untrusted', `The certificate leads to no authority that is trusted here: ${quoted(chain.detail ?? chain.trust, 200)}.`)
  const problem = pathProblem(chain.path.flatMap(each => readCertificate(Buffer.from(certificates[each]?.der ?? '', 'base64')) ?? []), now)
  if (problem !== undefined) return give(problem.is === 'weak' ? 'untrusted' : problem.is, `The certificate of ${problem.facts.subject === '' ? 'the peer' : quoted(problem.facts.subject, 120)} ${problem.says}.`)
  if (facts.extendedKeyUsage !== undefined && !facts.extendedKeyUsage.some(usage => usage === SERVER_AUTH || usage === ANY_PURPOSE)) return give('wrong-purpose', 'The certificate is not for servers.')
  const identity = identityOf(facts, domain)
  return identity.match === 'none' ? give('wrong-name', `The certificate does not name ${domain}.`) : give('valid', `The certificate is good for ${domain}, by ${identity.name}.`)
}

/** Whether the leg is content with it; if not, why, as one sentence. */
export function certificateProblem (verdict: Verdict, { certificate }: Pick<LegRules, 'certificate'>): string | undefined {
  if (certificate === 'any') return undefined
  if (verdict.is !== 'valid') return verdict.says
  return certificate === 'pinned' && verdict.certificate?.matches !== true ? 'The key of the certificate is none of those that are pinned for the peer.' : undefined
}
