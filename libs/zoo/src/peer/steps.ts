/**
 * What a scripted peer does on one connection, as data: a list of steps, carried out in order by `perform.ts`. When the list ends, or the
 * other side is gone, the connection is closed. Nothing here is checked for sense: peers that make none are the point.
 */
import type { CertificateSpec } from '../certificates/certificates.ts'

export type Script = readonly Step[]

export type Step =
  /** Waits for the other side's stream header, `<starttls/>`, or any bytes that are no XML. */
  | { do: 'await', what: 'header' | 'starttls' | 'bytes' }
  | ({ do: 'header' } & HeaderOptions)
  | ({ do: 'features' } & FeatureOptions)
  /** `everyMs`: one byte at a time. */
  | { do: 'send', text: string, everyMs?: number }
  | { do: 'send-hex', hex: string }
  /** The text again and again, until this many bytes are sent or the other side is gone. */
  | { do: 'flood', text: string, bytes: number }
  /** A stream error and the end of the stream. */
  | { do: 'error', condition: string, text?: string, application?: string }
  | ({ do: 'tls' } & TlsOptions)
  | { do: 'pause', ms: number }
  /** Says nothing until the other side is gone. */
  | { do: 'silence' }
  /** Waits for the end of the other side's stream and answers it. */
  | { do: 'goodbye' }
  /** EXTERNAL, dialback in all three roles and answers to pings, until the other side says goodbye. */
  | ({ do: 'dialback' } & Dialback)
  /** FIN, or RST. */
  | { do: 'close' } | { do: 'reset' }

/** The answer to a stream header (RFC 6120 §4.7). Everything has the value that is right. */
export type HeaderOptions = {
  /** The domains that the peer serves; a header `to` any other gets `host-unknown`. Default: the domain of the scenario. */
  serves?: readonly string[] | 'everyone' | 'nobody'
  /** A header `from` this domain gets this stream error. */
  refuses?: { from: string, condition: string, text?: string }
  /** How `host-unknown` is explained, as Prosody does. */
  unknownText?: string
  /** Attributes that are left out. */
  without?: readonly ('id' | 'from' | 'to' | 'version')[]
  version?: string
  /** The default namespace. */
  content?: string
  /** The namespace of the `stream` prefix. */
  streams?: string
  /** `false`: `xmlns:db` is not declared. */
  dialback?: false
  /** A `from` that is not the `to` which was asked for. */
  from?: string
}

/** One `<stream:features/>`. Empty by default. */
export type FeatureOptions = {
  starttls?: 'optional' | 'required'
  external?: true
  /** `errors`: with the child that ejabberd and Metre add (XEP-0220 §2.5). */
  dialback?: true | 'errors'
  bidi?: true
  limits?: { maxBytes: number, idleSeconds: number }
}

/** A TLS handshake as the server. */
export type TlsOptions = {
  certificate: CertificateSpec
  /** Shown to clients that name no server (SNI). Default: the same. */
  withoutSni?: CertificateSpec
  /** Sends `<proceed/>` first; `stray` follows it in clear, in the same segment. */
  proceed?: { stray?: string }
  only?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL names. */
  ciphers?: string
  /** OpenSSL names; what the server accepts from client certificates, too. */
  signatures?: string
  /** `asked`: any or none will do. `demanded`: none will not, and the handshake ends with an alert. Default: never. */
  clientCertificate?: 'never' | 'asked' | 'demanded'
  /** TLS 1.2: the client's certificate is answered with this fatal alert (RFC 5246 §7.2.2). */
  alertAtCertificate?: number
}

/** How a peer authenticates us: dialback (XEP-0220), or EXTERNAL where it offers that. Everything has the value that is right. */
export type Dialback = {
  /** The SASL condition with which it refuses EXTERNAL. */
  refusesExternal?: string
  /**
   * What it does with our key. `ask`: calls back and asks. `leave`: calls back and ends the connection before it asks. `none`: asks nobody. `wrong-id`:
   * asks with an id of its own making.
   */
  callback?: 'ask' | 'leave' | 'none' | 'wrong-id'
  /** The callback goes on in TLS where our listener offers it. */
  callbackTls?: true
  /** What it says of our key: what it was told, that whatever it was told, nothing, or an error. */
  answer?: 'as-told' | 'valid' | 'invalid' | 'none' | { error: string, text?: string, type?: string }
  /** Milliseconds before it answers. */
  afterMs?: number
  /**
   * What is odd about the answer. `other-pair`: for domains that nobody asked about. `other-stream`: on the stream of the callback. `twice`: first valid,
   * then invalid. `unsolicited`: with an answer to a question that we did not ask, before its own. `prefix`: the namespace is bound to another prefix.
   * `echo`: with the key in it and an id, as Prosody does. `no-condition`: an error that does not say which.
   */
  odd?: 'other-pair' | 'other-stream' | 'twice' | 'unsolicited' | 'prefix' | 'echo' | 'no-condition'
  /** What it says when it is asked about a key. */
  question?: 'right' | 'valid' | 'invalid' | 'item-not-found'
  /** `never`: our pings are not answered. */
  pings?: 'never'
}
