/**
 * One TCP connection to a literal address, and its upgrade to TLS in place. Every wait has a time-out and a signal, every error is classified once,
 * and reading stops while nobody asks for more, so that a peer that floods fills its own buffers.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Failure } from '@dialtone/contracts'
import { guarded } from './address-guard.ts'
import { classifyConnect, classifyStream } from './classify.ts'
import { acceptHandshake, beginHandshake, type AcceptOptions, type Handshaken, type PeerSecured, type SecureOptions, type Secured } from './handshake.ts'

export type Chunk = { bytes: Uint8Array } | { end: true } | { failure: Failure } | { timeout: true }
/** Who takes bytes as they come. `ended` is called once and last; without a failure, the other side has ended its own. */
export type Flow = { bytes: (chunk: Uint8Array) => void, ended: (failure?: Failure) => void, drained: () => void }
export type Ended = 'clean' | 'reset' | 'timeout' | 'unsent'
export type Connection = {
  /** Bytes received in clear and, after the upgrade, inside TLS. */
  readonly received: number
  /** The next bytes, the end, a failure, or `timeout` after that many milliseconds or when `until` aborts. One reader at a time. */
  read: (timeoutMs: number, until?: AbortSignal) => Promise<Chunk>
  write: (text: string) => void
  /** From now on, and through every upgrade, bytes are handed over as they come, and `read` is not called any more. */
  flow: (flow: Flow) => void
  /** Stops and begins again to take bytes from the other side, which then fills its own buffers. Counted: as many `resume` as `pause`. */
  pause: () => void
  resume: () => void
  /** One write of bytes that are not changed afterwards. `drained` of the flow tells when all of it has left. */
  send: (bytes: Uint8Array) => void
  /** Bytes that came in clear and were not read are discarded, and counted in `stray` (RFC 6120 §5.4.3.3). */
  secure: (options: SecureOptions) => Promise<({ secured: Secured } | { failure: Failure }) & { stray: number }>
  /** The server's side of the handshake. What has arrived and was not read belongs to it. */
  secureAsServer: (options: AcceptOptions) => Promise<{ secured: PeerSecured } | { failure: Failure }>
  /** Ends our side and waits for the other's end, and for what we have written to leave; `unsent`: not all of it did. */
  end: (timeoutMs: number) => Promise<Ended>
  destroy: () => void
  /** Bytes that were written and are still here because the other side does not take them. */
  readonly unsent: number
}

export type ConnectOptions = {
  address: string
  port: number
  allowNets: readonly string[]
  timeoutMs: number
  signal: AbortSignal
  /** Connects from this address of the host, to peers of its family; to others as the system chooses. */
  sourceAddress?: string
}

/** Connects to an IP address. The address guard is asked first, and nothing is sent where it refuses. */
export async function connect ({ address, port, allowNets, timeoutMs, signal, sourceAddress }: ConnectOptions): Promise<{ connection: Connection } | { failure: Failure }> {
  const refused = guarded(address, allowNets)
  if (refused !== undefined) return { failure: { at: 'guard', why: 'address-refused', detail: refused } }
  signal.throwIfAborted()
  const socket = connectSocket({ host: address, port, noDelay: true, ...(sourceAddress !== undefined && isIP(sourceAddress) === isIP(address) ? { localAddress: sourceAddress } : {}) })
  const failure = await new Promise<Failure | undefined>(resolve => {
    const timer = setTimeout(() => settle({ at: 'tcp', why: 'timeout' }), timeoutMs)
    const abort = () => settle({ at: 'probe', why: 'cancelled' })
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

/** A connection over a socket that is open already: one that was accepted. Its bytes must not have been read. */
export function open (plain: Socket, signal: AbortSignal): Connection {
  let socket: Socket | TLSSocket = plain
  let received = 0
  let failed: unknown
  let wake: () => void = () => undefined
  let flow: Flow | undefined
  let pauses = 0
  const listen = (stream: Socket | TLSSocket) => {
    failed ??= stream.errored ?? undefined
    stream.on('error', error => {
      failed ??= error
      wake()
    })
    stream.on('end', () => wake())
    stream.on('close', () => wake())
    if (flow === undefined) stream.on('readable', () => wake())
    else pour(stream, flow)
  }
  const pour = (stream: Socket | TLSSocket, { bytes, drained }: Flow) => {
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length
      bytes(chunk)
    })
    stream.on('drain', drained)
    if (pauses > 0) stream.pause()
    else stream.resume()
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
    read: (timeoutMs, until) => {
      const ready = take()
      if (ready !== undefined) return Promise.resolve(ready)
      if (until?.aborted === true) return Promise.resolve({ timeout: true })
      return new Promise(resolve => {
        const settle = (chunk: Chunk) => {
          clearTimeout(timer)
          until?.removeEventListener('abort', late)
          wake = () => undefined
          resolve(chunk)
        }
        const late = () => settle({ timeout: true })
        const timer = setTimeout(late, timeoutMs)
        until?.addEventListener('abort', late)
        wake = () => {
          const chunk = take()
          if (chunk !== undefined) settle(chunk)
        }
      })
    },
    write: text => {
      if (socket.destroyed || !socket.writable) return
      // What is said in one go leaves in one packet: a header with its features, an error with its footer.
      if (socket.writableCorked === 0) {
        socket.cork()
        process.nextTick(flush, socket)
      }
      socket.write(text)
    },
    flow: into => {
      flow = into
      let told = false
      wake = () => {
        if (told || !(failed !== undefined || socket.readableEnded || socket.destroyed)) return
        told = true
        into.ended(signal.aborted ? { at: 'probe', why: 'cancelled' } : failed === undefined ? undefined : classifyStream(failed, received))
      }
      socket.removeAllListeners('readable')
      pour(socket, into)
      // A stream that was read by 'readable' begins to flow one tick later, paused or not.
      process.nextTick(() => { if (pauses > 0) socket.pause() })
      wake()
    },
    pause: () => { if (pauses++ === 0) socket.pause() },
    resume: () => { if (--pauses === 0 && flow !== undefined) socket.resume() },
    send: bytes => {
      if (socket.destroyed || !socket.writable) return
      flush(socket)
      socket.write(bytes)
    },
    secure: async options => {
      let stray = 0
      for (let left = plain.read() as Buffer | null; left !== null; left = plain.read() as Buffer | null) stray += left.length
      received += stray
      if (plain.readableEnded || plain.destroyed) return { failure: { at: 'tls', why: 'closed' }, stray }
      return { ...await upgrade(() => beginHandshake(plain, options)), stray }
    },
    secureAsServer: options => upgrade(() => acceptHandshake(plain, options)),
    end: async timeoutMs => {
      flush(socket)
      socket.end()
      if (flow !== undefined) return await over(socket, timeoutMs, () => failed !== undefined).finally(connection.destroy)
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
      flush(socket)
      socket.destroy()
      plain.destroy()
    },
    get unsent () { return socket.writableLength },
  }
  return connection

  async function upgrade<S> (handshake: () => Promise<Handshaken<S>>): Promise<{ secured: S } | { failure: Failure }> {
    // What was said in clear leaves in clear.
    flush(plain)
    plain.removeAllListeners('readable')
    plain.removeAllListeners('data')
    plain.removeAllListeners('drain')
    plain.removeAllListeners('end')
    if (flow !== undefined) plain.pause()
    const result = await handshake()
    if ('failure' in result) return result
    socket = result.secure
    listen(socket)
    return { secured: result.secured }
  }
}

/** Until the other side ends, too, and all has left that we have written; what the other side still sends goes to its flow. */
function over (socket: Socket, timeoutMs: number, failed: () => boolean): Promise<Ended> {
  return new Promise(resolve => {
    const settle = (how: Ended) => {
      clearTimeout(timer)
      resolve(how)
    }
    const timer = setTimeout(() => settle(socket.writableFinished ? 'timeout' : 'unsent'), timeoutMs)
    const look = () => {
      if (failed()) settle('reset')
      else if (socket.destroyed) settle(socket.writableFinished ? 'clean' : 'unsent')
      else if (socket.readableEnded && socket.writableFinished) settle('clean')
    }
    socket.once('end', look).once('finish', look).once('close', look)
    look()
  })
}

function flush (socket: Socket): void {
  while (socket.writableCorked > 0) socket.uncork()
}
