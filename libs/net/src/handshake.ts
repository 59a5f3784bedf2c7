/**
 * TLS over a socket that is open already, from either side. Whom the certificate names and whether its chain is trusted are facts for others: here
 * every certificate passes.
 */
import { constants, createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket, connect as connectTls, createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import type { Failure, TlsSeen } from '@dialtone/contracts'
import { anchorsOf, validateChain, type ChainResult } from './chain.ts'
import { classifyTls } from './classify.ts'
import { createKept } from './kept.ts'

export type Secured = ChainResult & { tls: TlsSeen }

/** Of a peer that came to us: what it sent (DER, leaf first) is judged only where it matters who it is, since that costs more than the handshake. */
export type PeerSecured = { tls: TlsSeen, sent: readonly Uint8Array[] }

export type SecureOptions = {
  /** The server name, always the domain. */
  sni?: string
  alpn?: readonly string[]
  clientCertificate?: { certificate: string, key: string }
  minVersion?: SecureVersion
  maxVersion?: SecureVersion
  anchors: { system: boolean, given: readonly string[] }
  timeoutMs: number
}

export type AcceptOptions = {
  /** PEM; the chain as it is sent, leaf first. For who names no server, or one that `certificateFor` does not know. */
  certificate: { certificate: string, key: string }
  /** By the server name (SNI), as the peer sent it. */
  certificateFor?: (name: string) => { certificate: string, key: string } | undefined
  /** Who offers protocols and none of these is refused with an alert (row C10). Default xmpp-server; empty: whatever is offered is not looked at. */
  alpn?: readonly string[]
  /** For the tests of rows C8 and C9 alone: sessions are resumed, handshakes repeated. */
  unguarded?: true
  timeoutMs: number
}

export type Handshaken<S> = { secured: S, secure: TLSSocket } | { failure: Failure }

/** The handshake is over when our side has finished; a refusal of our certificate may still come, and is heard by the first read. */
export function beginHandshake (plain: Socket, options: SecureOptions): Promise<Handshaken<Secured>> {
  const seen = (secure: TLSSocket): Secured => ({ tls: tlsSeen(secure, options.sni ?? ''), ...validateChain(sentBy(secure), anchorsOf(options.anchors)) })
  return handshaken(plain, options.timeoutMs, 'secureConnect', seen, () => connectTls({
    socket: plain,
    secureContext: contextOf(options),
    rejectUnauthorized: false,
    ...(options.sni === undefined || options.sni === '' ? {} : { servername: options.sni }),
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
    checkServerIdentity: () => undefined,
  }))
}

/** The server's side: asks for a certificate and takes any or none; whether it proves anything is judged afterwards, from the chain. */
export function acceptHandshake (plain: Socket, options: AcceptOptions): Promise<Handshaken<PeerSecured>> {
  return handshaken(plain, options.timeoutMs, 'secure', secure => ({ tls: tlsSeen(secure, nameOf(secure)), sent: sentBy(secure) }), () => {
    const { certificateFor, alpn = ['xmpp-server'] } = options
    const secure = new TLSSocket(plain, {
      isServer: true,
      secureContext: serverContextOf(options.certificate, options.unguarded),
      requestCert: true,
      rejectUnauthorized: false,
      ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
      ...(certificateFor === undefined ? {} : {
        SNICallback: (name, done) => {
          const chosen = certificateFor(name)
          done(null, chosen === undefined ? undefined : serverContextOf(chosen, options.unguarded))
        },
      }),
    })
    // Node tells errors after the handshake of a socket that was wrapped by hand to nobody else, and leaves it open.
    secure.on('_tlsError', (error: Error) => secure.destroy(error))
    return secure
  })
}

/** `done` is the event of a finished handshake, which differs by side; `seen` is what is kept of it. */
function handshaken<S> (plain: Socket, timeoutMs: number, done: 'secureConnect' | 'secure', seen: (secure: TLSSocket) => S, begin: () => TLSSocket): Promise<Handshaken<S>> {
  return new Promise(resolve => {
    let secure: TLSSocket
    const settle = (result: Handshaken<S>) => {
      clearTimeout(timer)
      plain.removeListener('close', closed)
      if ('failure' in result) plain.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => settle({ failure: { at: 'tls', why: 'timeout' } }), timeoutMs)
    const closed = () => settle({ failure: { at: 'tls', why: 'closed' } })
    // It may have gone between the request for TLS and now: nobody would tell.
    if (plain.destroyed) return closed()
    plain.once('close', closed)
    try {
      secure = begin()
    } catch (error) {
      return settle({ failure: classifyTls(error) })
    }
    // For as long as it lives: an error without a listener would end the process, and one may come before the next reader does.
    let over = false
    secure.on('error', error => { if (!over) settle({ failure: classifyTls(error) }) })
    secure.once(done, () => {
      over = true
      try {
        settle({ secured: seen(secure), secure })
      } catch (error) {
        settle({ failure: classifyTls(error) })
      }
    })
  })
}

function tlsSeen (socket: TLSSocket, sni: string): TlsSeen {
  const key = socket.getEphemeralKeyInfo() as { type?: string, name?: string, size?: number } | null
  const protocol = socket.getProtocol() ?? 'unknown'
  return {
    protocol,
    cipher: socket.getCipher().standardName,
    ...(key?.name === undefined ? {} : { group: key.name }),
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    sni,
    // The algorithms come with the request, which older versions send without (RFC 5246 §7.4.4).
    ...(protocol === 'TLSv1' || protocol === 'TLSv1.1' ? {} : { clientCertificateRequested: socket.getSharedSigalgs().length > 0 }),
  }
}

/** The certificates of the peer, leaf first. Node links them by issuer, so that a certificate which nothing leads to is not seen. */
function sentBy (socket: TLSSocket): Uint8Array[] {
  const sent: Buffer[] = []
  // Not getPeerCertificate, which reads every field of every certificate into objects: that costs as much as the handshake.
  for (let next = socket.getPeerX509Certificate(); next !== undefined && sent.length < 32; next = next.issuerCertificate) {
    const { raw } = next
    if (sent.some(der => der.equals(raw))) break
    sent.push(raw)
  }
  return sent
}

/** A key for X25519 alone is made ahead, as servers do: one of ML-KEM for whoever does not take it costs as much again. Who wants it asks (RFC 8446 §4.1.4). */
const GROUPS = '*X25519:X25519MLKEM768:P-256:X448:P-521:P-384'

/** By a digest: no key lies about as the name of something else. Those that were not used longest are forgotten; as many as a zone may have certificates. */
const contexts = createKept<SecureContext>({ most: 1000 })
const serverContexts = createKept<SecureContext>({ most: 1000 })

/** Without the system's authorities (we validate), and shared: making a context costs more than a handshake. */
function contextOf ({ clientCertificate, minVersion = 'TLSv1', maxVersion = 'TLSv1.3' }: SecureOptions): SecureContext {
  const key = digestOf([minVersion, maxVersion, clientCertificate?.certificate, clientCertificate?.key].join('\n'))
  const shared = contexts.get(key)
  if (shared !== undefined) return shared
  const old = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  const context = createSecureContext({
    ca: [], minVersion, maxVersion, ecdhCurve: GROUPS,
    ...(old ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  })
  contexts.set(key, context)
  return context
}

/** The server name that a peer asked for; '' for none. */
function nameOf (socket: TLSSocket): string {
  const { servername } = socket as { servername?: unknown }
  return typeof servername === 'string' ? servername : ''
}

/**
 * Without tickets: a session that is resumed brings its certificate along, past whatever has changed since (CVE-2025-23419); and with a session
 * context of its own for each certificate, should one be resumed all the same. TLS 1.2 and newer, no renegotiation. Kept by certificate, so that a
 * new one serves the next handshake; those that were not used longest are forgotten.
 */
function serverContextOf ({ certificate, key }: AcceptOptions['certificate'], unguarded = false): SecureContext {
  const id = digestOf(`${unguarded}\n${certificate}\n${key}`)
  const shared = serverContexts.get(id)
  if (shared !== undefined) return shared
  const context = createSecureContext({
    ca: [], cert: certificate, key, minVersion: 'TLSv1.2', sessionIdContext: digestOf(unguarded ? '' : id).slice(0, 32),
    ...(unguarded ? {} : { secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION }),
  })
  serverContexts.set(id, context)
  return context
}

function digestOf (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
