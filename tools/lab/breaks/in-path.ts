// Proxies in the middle of the way from the inside to a server: real sockets on the firewall, which the firewall leads connections to.
import { certificateOf, type NetworkHost } from '@dialtone/testkit'
import { createSecureContext, connect as connectTls, TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import type { Undo } from '../world/undo.ts'

/** Where each hears connections that the firewall leads aside, at its inside address. */
export const PORTS = { strip: 15269, intercept: 15270 } as const
const FIREWALL_INSIDE = '10.10.0.1'
/** No features are longer. */
const MAX_FEATURES = 65_536

/** Passes all on, but leaves the offer of STARTTLS out of the features. */
export async function stripStarttls (firewall: NetworkHost, server: string): Promise<Undo> {
  return await inBetween(firewall, PORTS.strip, server, (client, upstream) => {
    client.pipe(upstream)
    let held = ''
    const read = (bytes: Buffer): void => {
      held += bytes.toString('latin1')
      if (!/<\/stream:features>|<stream:features[^>]*\/>/.test(held) && held.length < MAX_FEATURES) return
      upstream.off('data', read)
      client.write(held.replace(/<starttls[^>]*\/>|<starttls[^>]*>.*?<\/starttls>/s, ''), 'latin1')
      upstream.pipe(client)
    }
    upstream.on('data', read)
  })
}

/** Passes all on until TLS begins, and then speaks TLS with either side, to the inside as the domain, with a certificate of an authority that nobody knows. */
export async function intercept (firewall: NetworkHost, server: string, domain: string): Promise<Undo> {
  const { chain, key } = await certificateOf('unknown-ca', domain)
  const secureContext = createSecureContext({ cert: chain, key })
  return await inBetween(firewall, PORTS.intercept, server, (client, upstream) => {
    const ask = (bytes: Buffer): void => { upstream.write(bytes) }
    client.on('data', ask)
    upstream.on('data', function answer (bytes: Buffer) {
      if (!/<proceed[^>]*\/>\s*$/.test(bytes.toString('latin1'))) {
        client.write(bytes)
        return
      }
      upstream.off('data', answer)
      client.off('data', ask)
      const there = keep(connectTls({ socket: upstream, servername: domain, rejectUnauthorized: false }))
      const here = keep(new TLSSocket(client, { isServer: true, secureContext }))
      client.write(bytes)
      here.pipe(there).pipe(here)
    })
  })
}

async function inBetween (firewall: NetworkHost, port: number, server: string, join: (client: Socket, upstream: Socket) => void): Promise<Undo> {
  const open = new Set<Socket>()
  const held = (socket: Socket): Socket => {
    open.add(socket)
    return keep(socket).once('close', () => open.delete(socket))
  }
  const listener = await firewall.listen({ address: FIREWALL_INSIDE, port })
  const carry = async (client: Socket): Promise<void> => {
    const upstream = held(await firewall.connect({ address: server, port: 5269 }))
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
    if (client.destroyed) upstream.destroy()
    else join(client, upstream)
  }
  listener.on('connection', (client: Socket) => {
    held(client)
    carry(client).catch(() => client.destroy())
  })
  return async () => {
    for (const socket of open) socket.destroy()
    await new Promise(resolve => listener.close(resolve))
  }
}

function keep<S extends Socket> (socket: S): S {
  socket.on('error', () => socket.destroy())
  return socket
}
