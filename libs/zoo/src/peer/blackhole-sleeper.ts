// The thread of a blackhole: listens, says its port, and sleeps until the shared number changes. Nobody accepts in the meantime.
import { createServer, type AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

export type SleeperData = { address: string, backlog: number, awake: Int32Array }

const { address, backlog, awake } = workerData as SleeperData
const server = createServer()
server.listen({ host: address, port: 0, backlog }, () => {
  setImmediate(() => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort?.postMessage((server.address() as AddressInfo).port)
    Atomics.wait(awake, 0, 0)
    process.exit()
  })
})
