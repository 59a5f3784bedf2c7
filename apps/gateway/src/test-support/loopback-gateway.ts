// A gateway as the process that it is, on the loopback, that may be killed and started again with what is on its disk.
import { fileURLToPath } from 'node:url'
import { spawnTied, type Place } from '@dialtone/testkit'
import { until } from './strikes.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

export type LoopbackGateway = {
  /** All series of what it exposes, now; undefined when it does not answer. `dialtone_x{a="b"}` to a number. */
  metrics: () => Promise<Map<string, number> | undefined>
  /** What `/readyz` says. */
  ready: () => Promise<string>
  untilReady: () => Promise<void>
  logs: () => string
  signal: (name: 'SIGTERM' | 'SIGHUP' | 'SIGKILL') => void
  /** Resolves to the exit code, null after a signal. */
  ended: Promise<number | null>
}

/** Does not wait for anything. `args`: beside its name, its state and where it serves HTTP. */
export function startLoopbackGateway ({ name = 'edge', state, http, args, env = {} }: { name?: string, state: string, http: Place, args: readonly string[], env?: Record<string, string> }): LoopbackGateway {
  const child = spawnTied(process.execPath, [MAIN, '--name', name, '--state', state, '--http', `${http.address}:${http.port}`, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-200_000) })
  const ended = new Promise<number | null>(resolve => { child.once('exit', resolve) })
  const get = async (path: string): Promise<string> => await (await fetch(`http://${http.address}:${http.port}${path}`, { signal: AbortSignal.timeout(5000) })).text()
  const ready = () => get('/readyz').catch((error: unknown) => `not reached: ${String(error)}`)
  return {
    ready, ended,
    logs: () => said,
    signal: signal => { child.kill(signal) },
    metrics: async () => {
      const text = await get('/metrics').catch(() => undefined)
      if (text === undefined) return undefined
      return new Map(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
    },
    untilReady: async () => {
      await until(async () => {
        if (child.exitCode !== null) throw new Error(`the gateway has ended with ${child.exitCode}:\n${said}`)
        return (await ready()).startsWith('ready')
      }, () => `the gateway is not ready:\n${said.slice(-5000)}`)
    },
  }
}
