// A NATS server with JetStream on loopback, as Debian packages it: on a port of its own, which it keeps over restarts, so that clients find it again. It
// can be killed as a power cut would end it, with its disk kept.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { accepts, freePort, loopbackAddress } from './loopback.ts'
import { killGroup, spawnTied } from './spawn-tied.ts'

export type NatsServerOptions = {
  /** Added to its configuration: accounts, users, limits. */
  configuration?: string
  /** Default a loopback address of its own. */
  address?: string
  port?: number
  /** The network namespace that it runs in, with `address` and `port`. */
  namespace?: string
  /** Its whole configuration, as somebody else wrote it, with the same `address` and `port`. JetStream's files are where it says. */
  file?: string
  /** Not started yet: for clients that come before it. */
  started?: boolean
}

export type NatsServer = {
  /** `nats://127.0.0.1:41223` */
  url: string
  /** Its folder: configuration, log, JetStream's files. */
  folder: string
  readonly pid: number
  /** Starts it on the same port with what is on its disk, and other configuration if it is given. */
  start: (configuration?: string) => Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill: () => Promise<void>
  /** As an operator ends it; its disk is kept. */
  end: () => Promise<void>
  /** What of it is on disk is gone. While it does not run. */
  forget: () => void
  logs: () => string
  /** Ends it and removes its folder. Safe to call twice. */
  stop: () => Promise<void>
}

const READY_MS = 20_000
const POLL_MS = 5

/** Ready when it answers the first line of the protocol. */
export async function startNatsServer ({ configuration = '', address = loopbackAddress(), port, namespace, file: written, started = true }: NatsServerOptions = {}): Promise<NatsServer> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('nats')
  const log = join(folder.path, 'nats.out')
  const store = join(folder.path, 'jetstream')
  let more = configuration
  let child: ChildProcess | undefined

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = once(ending, 'exit')
    killGroup(ending, signal)
    await gone
  }
  const start = async (other = more): Promise<void> => {
    if (child !== undefined) throw new Error('the NATS server runs already')
    more = other
    mkdirSync(store, { recursive: true })
    const file = written ?? folder.write('nats.conf', `listen: "${at.address}:${at.port}"\njetstream { store_dir: "${store}" }\n${more}\n`)
    const output = openSync(log, 'a', 0o600)
    const begun = spawnTied('/usr/sbin/nats-server', ['-c', file], { cwd: folder.path, stdio: ['ignore', output, output], ...(namespace === undefined ? {} : { namespace }) })
    closeSync(output)
    child = begun
    const until = performance.now() + READY_MS
    const from = logs().length
    while (!(namespace === undefined ? await accepts(at) : logs().slice(from).includes('Server is ready'))) {
      if (begun.pid === undefined || begun.exitCode !== null || begun.signalCode !== null || performance.now() > until) {
        await end('SIGKILL')
        throw new Error(`the NATS server does not listen; the end of its log:\n${logs().split('\n').slice(-15).join('\n')}`)
      }
      await pause(POLL_MS)
    }
  }
  const logs = (): string => readFileSync(log, 'utf8')
  const server: NatsServer = {
    url: `nats://${at.address}:${at.port}`,
    folder: folder.path,
    get pid () {
      return child?.pid ?? 0
    },
    start,
    kill: () => end('SIGKILL'),
    end: () => end('SIGTERM'),
    forget: () => rmSync(store, { recursive: true, force: true }),
    logs,
    stop: async () => {
      await end('SIGKILL')
      folder.remove()
    },
  }
  if (started) {
    try {
      await start()
    } catch (error) {
      folder.remove()
      throw error
    }
  }
  return server
}
