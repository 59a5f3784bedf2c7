import { X509Certificate } from 'node:crypto'
import { identityOf, readCertificate, type CertificateFacts } from '@dialtone/stream'
import type { KeyPair } from '../seams.ts'

/** Read once for as long as the certificate is the same. */
const read = new WeakMap<KeyPair, CertificateFacts | undefined>()

/** Whether the certificate that we would show names the domain. */
export function names (pair: KeyPair | undefined, domain: string): boolean {
  if (pair === undefined) return false
  if (!read.has(pair)) read.set(pair, factsOf(pair))
  const facts = read.get(pair)
  return facts !== undefined && identityOf(facts, domain).match !== 'none'
}

function factsOf ({ certificate }: KeyPair): CertificateFacts | undefined {
  try {
    return readCertificate(new X509Certificate(certificate).raw)
  } catch {
    return undefined
  }
}
