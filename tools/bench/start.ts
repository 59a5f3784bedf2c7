// start: from exec of node to the first DNS packet of `dialtone check`, without npx. What a person waits before anything happens.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { finish, machine, median, rounded } from '../bench-report.ts'

const RUNS = 15
const BAR_MS = 250
const root = resolve(import.meta.dirname, '../..')

const resolver = createSocket('udp4').bind(0, '127.0.0.1')
await once(resolver, 'listening')
const { port } = resolver.address()
await run(['-e', '0'], false)
await firstPacket() // the first run fills the caches of the file system and of the compiler
const times: number[] = []
const bare: number[] = []
for (let at = 0; at < RUNS; at++) {
  times.push(await firstPacket())
  bare.push(await run(['-e', '0'], false))
}
resolver.close()

const ours = median(times)
finish({
  bench: 'start',
  machine: machine({ bench: process.pid }),
  ours: { medianMs: rounded(ours, 1), worstMs: rounded(Math.max(...times), 1) },
  peers: { node: { version: process.version, emptyProgramMs: rounded(median(bare), 1) }, bar: { ms: BAR_MS } },
  ratios: { bar: rounded(BAR_MS / ours), node: rounded(median(bare) / ours) },
}, [`  first DNS packet after ${rounded(ours, 1)} ms (median of ${RUNS}, worst ${rounded(Math.max(...times), 1)} ms); an empty program ends after ${rounded(median(bare), 1)} ms; bar ${BAR_MS} ms`])

/** Milliseconds from exec to the first packet at our resolver. */
async function firstPacket (): Promise<number> {
  return run([join(root, 'apps/cli/src/main.ts'), 'check', 'partner.example', '--quiet', '--resolver', `127.0.0.1:${port}`], true)
}

async function run (args: readonly string[], untilPacket: boolean): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  if (untilPacket) await once(resolver, 'message')
  else await ended
  const ms = performance.now() - began
  if (untilPacket) {
    child.kill('SIGKILL')
    await ended
  }
  return ms
}
