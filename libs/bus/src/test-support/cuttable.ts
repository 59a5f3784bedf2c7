import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can be cut, for one of several clients to lose it. */
export async function cuttable (url: string): Promise<{ url: string, cut: () => void, mend: () => void, close: () => Promise<void> }> {
  const { hostname, port } = new URL(url)
  const open = new Set<Socket>()
  let whole = true
  const listener = createServer(near => {
    if (!whole) {
      near.destroy()
      return
    }
    const far = connect({ host: hostname, port: Number(port) })
    for (const [one, other] of [[near, far], [far, near]] as const) {
      open.add(one)
      one.on('error', () => undefined).on('close', () => {
        open.delete(one)
        other.destroy()
      }).pipe(other)
    }
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const end = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cut: () => {
      whole = false
      end()
    },
    mend: () => {
      whole = true
    },
    close: async () => {
      end()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}
