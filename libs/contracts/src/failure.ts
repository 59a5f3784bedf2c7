import { Type, type Static } from 'typebox'
import { STREAM_CONDITIONS, XML_LIMITS } from './words.ts'

const detail = Type.Optional(Type.String({ maxLength: 400, description: 'What was seen, quoted and cut' }))
const closed = { additionalProperties: false }

/**
 * Failure: every way the outside world can stop a check of an endpoint. Closed on purpose. Built once, in
 * `net/src/classify.ts`, and carried unchanged from there. `unclassified` is a bug report to ourselves.
 */
export const Failure = Type.Union([
  /** The address guard: a private, loopback or otherwise refused range, named in `detail`. Nothing was sent. */
  Type.Object({ at: Type.Literal('guard'), why: Type.Enum(['address-refused']), detail }, closed),
  Type.Object({ at: Type.Literal('tcp'), why: Type.Enum(['refused', 'reset', 'timeout', 'unreachable']), detail }, closed),
  /** `<failure/>` instead of `<proceed/>` (RFC 6120 §5.4.2.2). */
  Type.Object({ at: Type.Literal('starttls'), why: Type.Enum(['refused']), detail }, closed),
  Type.Object({
    at: Type.Literal('tls'),
    /** `not-tls`: the other side answered the ClientHello with something that is no TLS record. */
    why: Type.Enum(['alert-from-peer', 'alert-from-us', 'protocol', 'not-tls', 'closed', 'reset', 'timeout']),
    /** The alert's name in RFC 8446 §6, e.g. `unknown_ca`. */
    alert: Type.Optional(Type.String()),
    /** The alert came after our side had finished the handshake (TLS 1.3 client certificates). */
    late: Type.Optional(Type.Boolean()),
    detail,
  }, closed),
  Type.Object({
    at: Type.Literal('stream'),
    /** The peer ended the stream with `<stream:error/>` (RFC 6120 §4.9). */
    why: Type.Literal('stream-error'),
    /** As sent; conditions that RFC 6120 does not know are kept, quoted and cut. */
    condition: Type.String({ maxLength: 64 }),
    text: Type.Optional(Type.String({ maxLength: 400 })),
    /** First application-specific child, as `{namespace}name`. */
    application: Type.Optional(Type.String({ maxLength: 200 })),
    detail,
  }, closed),
  Type.Object({
    at: Type.Literal('stream'),
    /** The peer sent what a stream may not contain, and we ended it with `condition`. */
    why: Type.Literal('broke-protocol'),
    condition: Type.Enum([...STREAM_CONDITIONS]),
    limit: Type.Optional(Type.Enum([...XML_LIMITS])),
    detail,
  }, closed),
  Type.Object({
    at: Type.Literal('stream'),
    /**
     * `not-xmpp`: bytes that are no stream header. `closed`: FIN without `</stream:stream>`. `ended`: `</stream:stream>` where more was due.
     * `went-silent`: nothing came within the stage's time-out.
     */
    why: Type.Enum(['not-xmpp', 'closed', 'ended', 'reset', 'went-silent']),
    /** Bytes received on this connection before it stopped. */
    received: Type.Integer({ minimum: 0 }),
    detail,
  }, closed),
  /** About us, not about the peer. `no-address-family`: this vantage has no route of that family. */
  Type.Object({ at: Type.Literal('probe'), why: Type.Enum(['no-address-family', 'cancelled', 'no-resources', 'unclassified']), detail }, closed),
])
export type Failure = Static<typeof Failure>
