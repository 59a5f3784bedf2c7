// An independent look at a server: what it sends, as bytes, and the certificate it shows. Deliberately not our stream library and not our
// ladder: this is what they are compared with.
import type { X509Certificate } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Place } from './loopback.ts'

export type Seen = {
  /** All that came before TLS; with direct TLS, nothing. */
  clear: string
  /** All that came inside TLS, if that was reached. */
  secured?: string
  certificate?: X509Certificate
  protocol?: string
  /** Why the handshake failed, in OpenSSL's words. */
  handshakeError?: string
}

export type Look = Place & {
  to: string
  from?: string
  /** Take up STARTTLS if it is offered. Default true. */
  starttls?: boolean
  directTls?: boolean
  timeoutMs?: number
}

const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

/** Opens a stream, goes through TLS if it is offered, closes the stream after the last features; ends when the server closes, or throws. */
export async function look ({ address, port, to, from = 'probe.example', starttls = true, directTls = false, timeoutMs = 10_000 }: Look): Promise<Seen> {
  const signal = AbortSignal.timeout(timeoutMs)
  const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='${to}' from='${from}' version='1.0'>`
  const socket = connectTcp({ host: address, port })
  socket.on('error', () => undefined) // what it means is told by what was read
  const seen: Seen = { clear: '' }
  try {
    if (!directTls) {
      socket.write(header)
      const offered = await readUntil(socket, /<\/stream:features>|<stream:features\/>|<\/stream:error>/, signal)
      seen.clear += offered
      if (!starttls || !offered.includes('<starttls')) {
        seen.clear += await bye(socket, signal)
        return seen
      }
      socket.write(STARTTLS)
      const answer = await readUntil(socket, /<proceed[^>]*>|<failure[^>]*>/, signal)
      seen.clear += answer
      if (!answer.includes('<proceed')) return seen
    }
    const secured = await shakeHands(socket, to, signal).catch((error: Error) => {
      seen.handshakeError = error.message
    })
    if (secured === undefined) return seen
    const certificate = secured.getPeerX509Certificate()
    seen.protocol = secured.getProtocol() ?? ''
    if (certificate !== undefined) seen.certificate = certificate
    secured.write(header)
    seen.secured = await readUntil(secured, /<\/stream:features>|<stream:features\/>|<\/stream:error>/, signal)
    seen.secured += await bye(secured, signal)
    return seen
  } finally {
    socket.destroy()
  }
}

/** Reads until the text matches or the other side ends; throws with what was read when it is aborted. */
export function readUntil (socket: Socket, pattern: RegExp | undefined, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (bytes: Buffer): void => {
      text += bytes.toString('utf8')
      if (pattern?.test(text) === true) end(() => resolve(text))
    }
    const onEnd = (): void => end(() => resolve(text))
    const onAbort = (): void => end(() => reject(new Error(`no answer in time; so far: ${text}`)))
    const end = (tell: () => void): void => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      socket.pause()
      signal.removeEventListener('abort', onAbort)
      tell()
    }
    socket.on('data', onData).once('end', onEnd).once('close', onEnd)
    signal.addEventListener('abort', onAbort)
    socket.resume()
  })
}

function bye (socket: Socket, signal: AbortSignal): Promise<string> {
  socket.write('</stream:stream>')
  return readUntil(socket, undefined, signal)
}

function shakeHands (socket: Socket, servername: string, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connectTls({ socket, servername, rejectUnauthorized: false, ALPNProtocols: ['xmpp-server'] })
    secured.once('secureConnect', () => resolve(secured)).on('error', reject)
    signal.addEventListener('abort', () => reject(new Error('no handshake in time')))
  })
}
