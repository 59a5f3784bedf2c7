// What the three real XMPP servers have in common for a test: domains, a place, a TLS mode, a certificate, whom they trust.
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
  /** Listens at these, too. Prosody and ejabberd. */
  alsoAt?: readonly string[]
  /** Default a free port; in a namespace 5269. */
  port?: number
  /** The network namespace that it runs in, of a host of `createNetwork`; `address` is that host's. Its resolver is the host's, too. */
  namespace?: string
  /** PEM; the roots that it trusts (Prosody: beside the system's). Default none: then whoever shows a certificate has to prove itself by dialback. */
  trusts?: string
  /** How many seconds it waits for a peer that does not connect or says nothing, as far as its settings go. Default its own. */
  patience?: number
  /** Whoever knows the secret may connect as a component of this name (XEP-0114) and speak for any address of the server. */
  component?: { name: string, secret: string }
  /** Also takes in clients, of these users of the first domain, each with its name as password; nothing of them outlives the server. Prosody and ejabberd. */
  users?: readonly string[]
}

export type Places = Place & { directTlsPort?: number, componentPort?: number, clientPort?: number }
export type XmppServer = RunningServer & Places

/** The places of one server: for STARTTLS, for direct TLS, for a component. */
export async function placesFor ({ address, port, directTls, component, namespace, users }: XmppOptions): Promise<Places> {
  if (namespace !== undefined) {
    // Nothing but this server is there.
    if (address === undefined) throw new Error('a server in a namespace needs the address of its host')
    return { address, port: port ?? 5269, ...(directTls === true ? { directTlsPort: 5270 } : {}), ...(component === undefined ? {} : { componentPort: 5347 }), ...(users === undefined ? {} : { clientPort: 5222 }) }
  }
  const at = address ?? loopbackAddress()
  const taken = new Set<number>()
  const another = async (): Promise<number> => {
    for (;;) {
      const free = await freePort(at)
      if (!taken.has(free) && free !== port) {
        taken.add(free)
        return free
      }
    }
  }
  return { address: at, port: port ?? await another(), ...(directTls === true ? { directTlsPort: await another() } : {}), ...(component === undefined ? {} : { componentPort: await another() }), ...(users === undefined ? {} : { clientPort: await another() }) }
}

/** The places to wait for. */
export function listening ({ address, port, directTlsPort, componentPort, clientPort }: Places): Place[] {
  return [port, directTlsPort, componentPort, clientPort].filter(each => each !== undefined).map(each => ({ address, port: each }))
}

/** For the programs of a server: where they run. */
export function inside ({ namespace }: Pick<XmppOptions, 'namespace'>): { namespace?: string } {
  return namespace === undefined ? {} : { namespace }
}
