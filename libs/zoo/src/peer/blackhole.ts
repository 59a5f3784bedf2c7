/**
 * An address and port on loopback where connections are neither accepted nor refused, as behind a firewall that drops: a listening socket whose
 * queue is full, because the thread that owns it sleeps. The kernel then drops every SYN. One of it serves the whole process.
 */
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { SleeperData } from './blackhole-sleeper.ts'

export type Blackhole = { readonly address: string, readonly port: number, /** The last one to close it ends the thread. */ close: () => Promise<void> }

const ADDRESS = '127.66.0.1'
const BACKLOG = 1
/** Linux takes one connection more than the backlog; each filler beyond that is dropped, and costs nothing. */
const FILLERS = BACKLOG + 2

type Open = { port: number, end: () => Promise<void> }

let open: Promise<Open> | undefined
let users = 0

/** Opens it, or joins those who use it already. `wanted`: its port, where it is not open yet and the port is free. */
export async function openBlackhole (wanted = 0): Promise<Blackhole> {
  users++
  open ??= dig(wanted)
  const { port, end } = await open
  let mine = true
  return {
    address: ADDRESS,
    port,
    close: async () => {
      if (!mine) return
      mine = false
      users--
      if (users > 0) return
      open = undefined
      await end()
    },
  }
}

async function dig (wanted: number): Promise<Open> {
  const awake = new Int32Array(new SharedArrayBuffer(4))
  const data: SleeperData = { address: ADDRESS, port: wanted, backlog: BACKLOG, awake }
  const worker = new Worker(new URL('./blackhole-sleeper.ts', import.meta.url), { workerData: data, execArgv: [] })
  const exited = new Promise<void>(resolve => { worker.once('exit', () => resolve()) })
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const fillers: Socket[] = []
  await new Promise<void>(resolve => {
    let taken = 0
    const one = () => {
      taken++
      if (taken > BACKLOG) resolve()
    }
    for (let i = 0; i < FILLERS; i++) fillers.push(connect(port, ADDRESS).on('error', () => undefined).on('connect', one))
  })
  return {
    port,
    end: async () => {
      for (const socket of fillers) socket.destroy()
      Atomics.store(awake, 0, 1)
      Atomics.notify(awake, 0)
      await exited
    },
  }
}
