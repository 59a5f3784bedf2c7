// Where servers of tests listen: each on a loopback address of its own, so that no two tests and no real service meet, at a port that the
// kernel says is free there.
import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

export type Place = { address: string, port: number }

/** One of sixteen million loopback addresses, never 127.0.0.x, where real services listen. */
export function loopbackAddress (): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}`
}

/** A port that nothing listens on at this address, neither TCP nor, as far as TCP can tell, anything else. */
export async function freePort (address: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve))
  const bound = server.address()
  await new Promise(resolve => server.close(resolve))
  if (bound === null || typeof bound === 'string') throw new Error(`no port at ${address}`)
  return bound.port
}

/** Whether something accepts TCP connections there now. */
export function accepts ({ address, port }: Place): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false)).setTimeout(1000, () => end(false))
  })
}
