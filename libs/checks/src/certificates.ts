// The certificates of an endpoint as facts, read from the DER that the observation keeps.
import type { EndpointObservation, Observation } from '@dialtone/contracts'
import { identityOf, readCertificate, type CertificateFacts, type Identity } from '@dialtone/stream'
import { fromBase64 } from './base64.ts'

/** The first certificate that the peer sent; undefined when there was none or it cannot be read. */
export function leafOf (endpoint: EndpointObservation, observation: Observation): CertificateFacts | undefined {
  return read(endpoint.chain?.sent[0], observation)
}

/** The certificates of the path that was built, leaf first. */
export function pathOf (endpoint: EndpointObservation, observation: Observation): CertificateFacts[] {
  return (endpoint.chain?.path ?? []).flatMap(digest => read(digest, observation) ?? [])
}

/** Which name of the leaf fits the domain. */
export function identity (endpoint: EndpointObservation, observation: Observation): Identity | undefined {
  const leaf = leafOf(endpoint, observation)
  return leaf === undefined ? undefined : identityOf(leaf, observation.domain)
}

/** The earliest end on the path: that is when peers stop accepting it. */
export function endsAt (endpoint: EndpointObservation, observation: Observation): number | undefined {
  const ends = pathOf(endpoint, observation).map(({ notAfter }) => notAfter)
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** A fleet shows more than are kept: those of one observation are asked for together. */
const KNOWN = 2000
const known = new Map<string, CertificateFacts | undefined>()

function read (digest: string | undefined, observation: Observation): CertificateFacts | undefined {
  const der = digest === undefined ? undefined : observation.certificates[digest]?.der
  if (digest === undefined || der === undefined) return undefined
  // By content: an observation that lies about its digests must not poison another's.
  if (known.has(der)) return known.get(der)
  const facts = readCertificate(fromBase64(der))
  if (known.size >= KNOWN) known.clear()
  known.set(der, facts)
  return facts
}
