/**
 * The server's side of a TLS handshake on a socket that is open already. `tls.createServer` is used without listening: only that way are SNI,
 * client certificates and session ids handled as in a server.
 */
import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type TLSSocket, type TlsOptions as NodeTlsOptions } from 'node:tls'
import { certificateFor, trustedRoot } from '../certificates/certificates.ts'
import type { TlsOptions } from './steps.ts'

/** TLS record types, and the level of an alert that ends the connection (RFC 5246 §6.2.1, §7.2). */
const HANDSHAKE = 22
const ALERT = 21
const FATAL = 2

/** Undefined when the handshake failed or the other side went away. */
export async function secureAsServer (plain: Socket, options: TlsOptions): Promise<TLSSocket | undefined> {
  const settings = await nodeOptions(options)
  return await new Promise(resolve => {
    const server = createServer(settings, resolve)
    server.on('tlsClientError', () => resolve(undefined))
    plain.once('close', () => resolve(undefined))
    server.emit('connection', options.alertAtCertificate === undefined ? plain : alertingAtCertificate(plain, options.alertAtCertificate))
  })
}

async function nodeOptions ({ certificate, withoutSni, only, ciphers, signatures, clientCertificate = 'never' }: TlsOptions): Promise<NodeTlsOptions> {
  const named = await certificateFor(certificate)
  const shown = withoutSni === undefined ? named : await certificateFor(withoutSni)
  return {
    cert: shown.chain,
    key: shown.key,
    ...(withoutSni === undefined ? {} : { SNICallback: (_name, done) => done(null, createSecureContext({ cert: named.chain, key: named.key })) }),
    ALPNProtocols: ['xmpp-server'],
    ...(only === undefined ? {} : { minVersion: only, maxVersion: only }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(signatures === undefined ? {} : { sigalgs: signatures }),
    // Authorities are for one that refuses the others' certificates: OpenSSL would send them along with its own.
    ca: clientCertificate === 'demanded' ? await trustedRoot() : [],
    requestCert: clientCertificate !== 'never',
    rejectUnauthorized: clientCertificate === 'demanded',
  }
}

/**
 * Lets a TLS 1.2 handshake run up to the client's second flight, which holds its certificate in clear, and answers that with a fatal alert: what
 * a server does that does not like the certificate. Node's own server never says so; it closes.
 */
function alertingAtCertificate (plain: Socket, description: number): Duplex {
  let flights = 0
  const between = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      plain.write(chunk, () => done())
    },
    final: done => {
      plain.end()
      done()
    },
  })
  plain.on('data', (chunk: Buffer) => {
    if (chunk[0] === HANDSHAKE) flights++
    if (flights < 2) between.push(chunk)
    else plain.end(Buffer.from([ALERT, 3, 3, 0, 2, FATAL, description]))
  })
  plain.on('close', () => between.destroy())
  plain.resume()
  return between
}
