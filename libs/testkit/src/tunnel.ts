// A way from here to what listens in a namespace: a port on our loopback, whose connections go on in there.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { loopbackAddress, type Place } from './loopback.ts'
import type { NetworkHost } from './network.ts'

/** Opens it; what cannot be connected to in there is closed here. */
export async function openTunnel (host: Pick<NetworkHost, 'connect'>, to: Place): Promise<Place & { url: string, stop: () => Promise<void> }> {
  const open = new Set<Socket>()
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket))
  }
  const join = (here: Socket, there: Socket): void => {
    keep(there)
    here.pipe(there).pipe(here)
    here.once('close', () => there.destroy())
    there.once('close', () => here.destroy())
  }
  const server = createServer({ allowHalfOpen: true }, here => {
    keep(here)
    host.connect(to).then(there => join(here, there), () => here.destroy())
  })
  const address = loopbackAddress()
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address, port, url: `http://${address}:${port}`,
    stop: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
