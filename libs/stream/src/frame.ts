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

/** One complete first-level element. */
export type ElementFrame = {
  /** As sent. Valid until the callback returns: copy what is to be kept. */
  readonly bytes: Uint8Array
  readonly prefix: string
  /** Local name. */
  readonly name: string
  readonly namespace: string
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly type?: string | undefined
  /** xml:lang */
  readonly lang?: string | undefined
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
