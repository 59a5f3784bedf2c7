/**
 * One TCP connection to a literal address, and its upgrade to TLS in place. Every wait has a time-out and a signal, every error is classified once,
 * and reading stops while nobody asks for more, so that a peer that floods fills its own buffers.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type DetailedPeerCertificate, type SecureContext, type SecureVersion, type TLSSocket } from 'node:tls'
import type { Failure, TlsSeen } from '@dialtone/contracts'
import { guarded } from './address-guard.ts'
import { anchorsOf, validateChain, type ChainResult } from './chain.ts'
import { classifyConnect, classifyStream, classifyTls } from './classify.ts'

export type Chunk = { bytes: Uint8Array } | { end: true } | { failure: Failure } | { timeout: true }
export type Secured = ChainResult & { tls: TlsSeen }

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

export type Connection = {
  /** Bytes received in clear and, after the upgrade, inside TLS. */
  readonly received: number
  /** The next bytes, the end, a failure, or `timeout` after that many milliseconds. One reader at a time. */
  read: (timeoutMs: number) => Promise<Chunk>
  write: (text: string) => void
  /** Bytes that came in clear and were not read are discarded, and counted in `stray` (RFC 6120 §5.4.3.3). */
  secure: (options: SecureOptions) => Promise<({ secured: Secured } | { failure: Failure }) & { stray: number }>
  /** Ends our side and waits for the other's end. */
  end: (timeoutMs: number) => Promise<'clean' | 'reset' | 'timeout'>
  destroy: () => void
}

/** Connects to an IP address. The address guard is asked first, and nothing is sent where it refuses. */
export async function connect ({ address, port, allowNets, timeoutMs, signal }: { address: string, port: number, allowNets: readonly string[], timeoutMs: number, signal: AbortSignal }): Promise<{ connection: Connection } | { failure: Failure }> {
  const refused = guarded(address, allowNets)
  if (refused !== undefined) return { failure: { at: 'guard', why: 'address-refused', detail: refused } }
  signal.throwIfAborted()
  const socket = connectSocket({ host: address, port, noDelay: true })
  const failure = await new Promise<Failure | undefined>((resolve, reject) => {
    const timer = setTimeout(() => settle({ at: 'tcp', why: 'timeout' }), timeoutMs)
    const abort = () => {
      settle({ at: 'probe', why: 'cancelled' })
      reject(signal.reason as Error)
    }
    const settle = (failure: Failure | undefined) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      if (failure !== undefined) socket.destroy()
      resolve(failure)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('connect', () => settle(undefined))
    socket.on('error', error => settle(classifyConnect(error)))
  })
  return failure === undefined ? { connection: open(socket, signal) } : { failure }
}

function open (plain: Socket, signal: AbortSignal): Connection {
  let socket: Socket | TLSSocket = plain
  let received = 0
  let failed: unknown
  let wake: () => void = () => undefined
  const listen = (stream: Socket | TLSSocket) => {
    stream.on('error', error => {
      failed ??= error
      wake()
    })
    stream.on('readable', () => wake())
    stream.on('end', () => wake())
    stream.on('close', () => wake())
  }
  listen(plain)
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  plain.once('close', () => signal.removeEventListener('abort', abort))

  const take = (): Chunk | undefined => {
    const bytes = socket.read() as Buffer | null
    if (bytes !== null) {
      received += bytes.length
      return { bytes }
    }
    if (signal.aborted) return { failure: { at: 'probe', why: 'cancelled' } }
    if (failed !== undefined) return { failure: classifyStream(failed, received) }
    return socket.readableEnded || socket.destroyed ? { end: true } : undefined
  }

  const connection: Connection = {
    get received () { return received },
    read: timeoutMs => {
      const ready = take()
      if (ready !== undefined) return Promise.resolve(ready)
      return new Promise(resolve => {
        const timer = setTimeout(() => {
          wake = () => undefined
          resolve({ timeout: true })
        }, timeoutMs)
        wake = () => {
          const chunk = take()
          if (chunk === undefined) return
          clearTimeout(timer)
          wake = () => undefined
          resolve(chunk)
        }
      })
    },
    write: text => {
      if (!socket.destroyed && socket.writable) socket.write(text)
    },
    secure: async options => {
      let stray = 0
      for (let left = plain.read() as Buffer | null; left !== null; left = plain.read() as Buffer | null) stray += left.length
      received += stray
      if (plain.readableEnded || plain.destroyed) return { failure: { at: 'tls', why: 'closed' }, stray }
      plain.removeAllListeners('readable')
      plain.removeAllListeners('end')
      const result = await handshake(plain, options)
      if ('failure' in result) return { ...result, stray }
      socket = result.secure
      listen(socket)
      return { secured: result.secured, stray }
    },
    end: async timeoutMs => {
      socket.end()
      const deadline = performance.now() + timeoutMs
      for (let left = timeoutMs; left > 0; left = deadline - performance.now()) {
        const chunk = await connection.read(left)
        if ('bytes' in chunk) continue
        connection.destroy()
        return 'end' in chunk ? 'clean' : 'timeout' in chunk ? 'timeout' : 'reset'
      }
      connection.destroy()
      return 'timeout'
    },
    destroy: () => {
      socket.destroy()
      plain.destroy()
    },
  }
  return connection
}

/** The handshake is over when our side has finished; a refusal of our certificate may still come, and is heard by the first read. */
function handshake (plain: Socket, options: SecureOptions): Promise<{ secured: Secured, secure: TLSSocket } | { failure: Failure }> {
  return new Promise(resolve => {
    let secure: TLSSocket
    const settle = (result: { secured: Secured, secure: TLSSocket } | { failure: Failure }) => {
      clearTimeout(timer)
      plain.removeListener('close', closed)
      if ('failure' in result) plain.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => settle({ failure: { at: 'tls', why: 'timeout' } }), options.timeoutMs)
    const closed = () => settle({ failure: { at: 'tls', why: 'closed' } })
    plain.once('close', closed)
    try {
      secure = connectTls({
        socket: plain,
        secureContext: contextOf(options),
        rejectUnauthorized: false,
        ...(options.sni === undefined || options.sni === '' ? {} : { servername: options.sni }),
        ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
        checkServerIdentity: () => undefined,
      })
    } catch (error) {
      return settle({ failure: classifyTls(error) })
    }
    secure.once('error', error => settle({ failure: classifyTls(error) }))
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error')
      settle({ secured: { tls: tlsSeen(secure, options), ...validateChain(sentBy(secure), anchorsOf(options.anchors)) }, secure })
    })
  })
}

function tlsSeen (socket: TLSSocket, { sni = '' }: SecureOptions): TlsSeen {
  const key = socket.getEphemeralKeyInfo() as { type?: string, name?: string, size?: number } | null
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(key?.name === undefined ? {} : { group: key.name }),
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    sni,
    clientCertificateRequested: socket.getSharedSigalgs().length > 0,
  }
}

/** The certificates of the peer, leaf first. Node links them by issuer, so that a certificate which nothing leads to is not seen. */
function sentBy (socket: TLSSocket): Uint8Array[] {
  const sent: Uint8Array[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && sent.length < 32 && !sent.some(der => next?.raw.equals(der) === true)) {
    sent.push(next.raw)
    next = next.issuerCertificate as DetailedPeerCertificate | undefined
  }
  return sent
}

const contexts = new Map<string, SecureContext>()

/** Without the system's authorities (we validate), and shared: making a context costs more than a handshake. */
function contextOf ({ clientCertificate, minVersion = 'TLSv1', maxVersion = 'TLSv1.3' }: SecureOptions): SecureContext {
  const key = [minVersion, maxVersion, clientCertificate?.certificate, clientCertificate?.key].join('\n')
  const shared = contexts.get(key)
  if (shared !== undefined) return shared
  const old = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  const context = createSecureContext({
    ca: [], minVersion, maxVersion,
    ...(old ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  })
  if (contexts.size < 50) contexts.set(key, context)
  return context
}
