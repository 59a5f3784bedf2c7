// The thread of a blackhole: listens, says its port, and sleeps until the shared number changes. Nobody accepts in the meantime.
import { createServer, type AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** `port`: any that is free where this one is taken. */
export type SleeperData = { address: string, port: number, backlog: number, awake: Int32Array }

const { address, port, backlog, awake } = workerData as SleeperData
const server = createServer()
const listen = (at: number) => server.listen({ host: address, port: at, backlog })
server.once('error', () => listen(0))
server.once('listening', () => {
  setImmediate(() => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort?.postMessage((server.address() as AddressInfo).port)
    Atomics.wait(awake, 0, 0)
    process.exit()
  })
})
listen(port)
