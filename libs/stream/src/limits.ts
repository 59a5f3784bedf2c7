/**
 * What a framer accepts at most, counted on raw bytes while they arrive (RFC 6120 §13.12; XEP-0205). Each name is an `XmlLimit`
 * of contracts. RFC 6120 lets no server refuse stanzas below 10,000 bytes; what is exchanged before authentication are no stanzas.
 */
export type Limits = {
  /** XML declaration and stream header, each. */
  headerBytes: number
  /** One first-level element, from its `<` to its last `>`. */
  elementBytes: number
  /** Elements inside one first-level element, itself included. */
  elements: number
  /** Levels below the stream header; a first-level element is at 1. */
  depth: number
  /** Per tag, namespace declarations included. */
  attributes: number
  /** One attribute value, as written. */
  attributeBytes: number
  /** An `xml:lang`, counted as `attribute-bytes`: servers in use drop the stream over a longer one (RFC 5646 §4.4.1 recommends the room). */
  langBytes: number
  /** One qualified name, as written. */
  nameBytes: number
  /** One namespace name, as written. */
  namespaceBytes: number
  /** Namespace declarations inside one first-level element. */
  declarations: number
  /** White space between two first-level elements. */
  whitespaceBytes: number
}

/** For a peer that has proved nothing yet. */
export const BEFORE_AUTHENTICATION: Limits = {
  headerBytes: 4096,
  elementBytes: 8192,
  elements: 64,
  depth: 16,
  attributes: 32,
  attributeBytes: 4096,
  langBytes: 35,
  nameBytes: 256,
  namespaceBytes: 256,
  declarations: 32,
  whitespaceBytes: 1024,
}

/** For a peer whose domain is authenticated. White space is unlimited: it is how a stream is kept alive, and nothing of it is kept. */
export const AFTER_AUTHENTICATION: Limits = {
  headerBytes: 4096,
  elementBytes: 262_144,
  elements: 5000,
  depth: 64,
  attributes: 64,
  attributeBytes: 8192,
  langBytes: 35,
  nameBytes: 1024,
  namespaceBytes: 256,
  declarations: 256,
  whitespaceBytes: Number.POSITIVE_INFINITY,
}
