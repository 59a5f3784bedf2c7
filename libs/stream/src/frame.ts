import type { StreamCondition, XmlLimit } from '@dialtone/contracts'

/** An attribute with its namespace resolved and its value decoded. Namespace declarations are not attributes. */
export type Attribute = { prefix: string, name: string, namespace: string, value: string }

/** The root's start tag: a stream header, if `readHeader` says so. */
export type HeaderFrame = {
  bytes: Uint8Array
  prefix: string
  name: string
  namespace: string
  attributes: readonly Attribute[]
  /** Declared on the root: prefix to namespace name, '' for the default. */
  namespaces: ReadonlyMap<string, string>
}

/**
 * One complete first-level element. Valid until the callback returns: copy what is to be kept. A framer shows all its elements in one object, so
 * that one kept past its callback throws when it is read, and in a later callback is that of the later element.
 */
export type ElementFrame = {
  /** As sent: a view of `data`, made at each call. */
  readonly bytes: Uint8Array
  /** The element is data[start … end). */
  readonly data: Uint8Array
  readonly start: number
  readonly end: number
  /** The bytes stay as they are until `write` returns, since they lie in the caller's chunk; false when they lie in a buffer that is used again. */
  readonly lasting: boolean
  /**
   * The bytes equal what `serialise (toElement (frame, header), declared)` writes, where `declared` is what our own headers declare: the default
   * jabber:server, and the prefixes stream and db. False says nothing.
   */
  readonly canonical: boolean
  readonly prefix: string
  /** Local name. */
  readonly name: string
  readonly namespace: string
  /** For an element of jabber:server that is a stanza (RFC 6120 §8). */
  readonly kind: 'message' | 'presence' | 'iq' | undefined
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly type?: string | undefined
  /** xml:lang */
  readonly lang?: string | undefined
  /** Whether `type` is this word of ASCII, however it is spelled; false when there is none. */
  readonly typeIs: (word: string) => boolean
  /**
   * Whether the domains of the addresses `from` and `to` are, byte for byte, these two, given in their canonical form (`canonicalDomain`) as
   * ASCII, in arrays that do not change. True only if `domainOf` gives the same two; false also for another spelling of them. Nothing is decoded.
   */
  readonly pairIs: (from: Uint8Array, to: Uint8Array) => boolean
}

/** Why a stream cannot be read on: the condition to close it with (RFC 6120 §4.9.3), and the byte of the stream where it showed. */
export type FramerError = { condition: StreamCondition, limit?: XmlLimit, detail: string, offset: number }

/** Who hears what was read, in the order of the stream; nothing after `end` or `error`. */
export type FramerSink = {
  header: (header: HeaderFrame) => void
  element: (element: ElementFrame) => void
  end: () => void
  error: (error: FramerError) => void
}
