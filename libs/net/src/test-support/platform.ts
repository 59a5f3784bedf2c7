// TLS as the runtime does it by itself, for tests that show why we do more: both ends in this process, on loopback.
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { TLSSocket, connect, createSecureContext, type SecureVersion } from 'node:tls'
import { certificateFor, trustedRoot, type CertificateSpec } from '@dialtone/zoo'

/** What a server that wraps its sockets by hand is given. `trusts`: PEM of its anchors; the zoo's root unless told otherwise. */
export type ServerSide = { sessionIdContext?: string, ticketKeys?: Buffer, trusts?: string, version?: SecureVersion }
export type Seen = { error: string, resumed: boolean, session: Buffer | undefined, subjectAltName: string | undefined }

const NAMES = { dns: ['partner.example'] }

/** One handshake, and what the server learns: its error's code or `none`. `shows`: the client's certificate; `offers`: a session to resume. */
export async function handshake (server: ServerSide, { shows, offers }: { shows?: CertificateSpec, offers?: Buffer } = {}): Promise<Seen> {
  const own = await certificateFor({ names: NAMES })
  const client = shows === undefined ? undefined : await certificateFor(shows)
  const context = createSecureContext({
    cert: own.chain, key: own.key, ca: [server.trusts ?? await trustedRoot()], maxVersion: server.version ?? 'TLSv1.2', ...(server.ticketKeys === undefined ? {} : { ticketKeys: server.ticketKeys }),
    ...(server.sessionIdContext === undefined ? {} : { sessionIdContext: server.sessionIdContext }),
  })
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const plain = connectTcp((listener.address() as { port: number }).port, '127.0.0.1')
  const [socket] = await accepted
  const receiving = new TLSSocket(socket, { isServer: true, secureContext: context, requestCert: true, rejectUnauthorized: false })
  const initiating = connect({ socket: plain, rejectUnauthorized: false, ...(client === undefined ? {} : { cert: client.chain, key: client.key }), ...(offers === undefined ? {} : { session: offers }) })
  initiating.on('error', () => undefined)
  const session = new Promise<Buffer>(resolve => { initiating.once('session', resolve) })
  try {
    const outcome = await Promise.race([
      once(receiving, 'secure').then(() => undefined),
      new Promise<Error>(resolve => { receiving.once('error', resolve) }),
    ])
    if (outcome !== undefined) return { error: codeOf(outcome), resumed: false, session: undefined, subjectAltName: undefined }
    // What was verified is not in the typed interface of a socket that was wrapped by hand.
    const verified = (receiving as unknown as { ssl: { verifyError: () => Error | null } }).ssl.verifyError()
    receiving.write('x')
    const given = offers === undefined ? await session : undefined
    return { error: verified === null ? 'none' : codeOf(verified), resumed: receiving.isSessionReused(), session: given, subjectAltName: receiving.getPeerCertificate().subjectaltname }
  } finally {
    initiating.destroy()
    receiving.destroy()
    listener.close()
  }
}

/** The certificates of a chain in DER, as they are sent. */
export async function derOf (spec: CertificateSpec): Promise<Uint8Array[]> {
  const { chain } = await certificateFor(spec)
  return (chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(pem => Uint8Array.from(new X509Certificate(pem).raw))
}

function codeOf (error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}
