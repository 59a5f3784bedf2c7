// What the three real XMPP servers have in common for a test: domains, a place, a TLS mode, a certificate.
import type { KeyPair } from './certificates.ts'
import type { RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

/** How a server treats encryption between servers. */
export type TlsMode = 'off' | 'optional' | 'required'

export type XmppOptions = {
  /** The domains it serves. */
  hosts: readonly string[]
  tls: TlsMode
  /** Shown for every host. Without one a server cannot offer TLS, whatever its mode. */
  certificate?: KeyPair
  /** Also listen for TLS from the first byte (XEP-0368), where the server can. */
  directTls?: boolean
  /** Default a loopback address of its own. */
  address?: string
  /** Default a free port. */
  port?: number
}

export type XmppServer = RunningServer & Place & { directTlsPort?: number }

/** The places of one server, the second for direct TLS. */
export async function placesFor ({ address = loopbackAddress(), port, directTls }: XmppOptions): Promise<Place & { directTlsPort?: number }> {
  const first = port ?? await freePort(address)
  if (directTls !== true) return { address, port: first }
  let second = await freePort(address)
  while (second === first) second = await freePort(address)
  return { address, port: first, directTlsPort: second }
}

/** The places to wait for. */
export function listening ({ address, port, directTlsPort }: Place & { directTlsPort?: number }): Place[] {
  return [port, directTlsPort].filter(each => each !== undefined).map(each => ({ address, port: each }))
}
