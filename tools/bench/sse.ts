/**
 * sse: a thousand readers of the live events of control, a hundred events a second, written at most four times a second. Bars: nobody more than a second behind, and
 * half a core. In the same run a plain server writes every event to every reader as it comes, as the usual recipe has it. SSE_CLIENTS and SSE_SECONDS change the size.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finish, machine, rounded } from '../bench-report.ts'

const CLIENTS = Number(process.env['SSE_CLIENTS'] ?? 1000)
const SECONDS = Number(process.env['SSE_SECONDS'] ?? 20)
const AGENTS = 500
const BAR = { behindMs: 1000, cores: 0.5 }

type Measured = { pid: number, cores: number, megabytes: number, events: number, worstMs: number, medianMs: number, complete: number, writesPerSecond: number }

const ours = await measure('served.ts')
const plain = await measure('plain.ts')
const shown = (measured: Measured) => Object.fromEntries(Object.entries(measured).filter(([name]) => name !== 'pid').map(([name, value]) => [name, rounded(value, name === 'cores' ? 3 : 0)]))
finish({
  bench: 'sse',
  machine: machine({ bench: process.pid, ours: ours.pid, plain: plain.pid }),
  ours: { clients: CLIENTS, eventsPerSecond: AGENTS / 5, ...shown(ours) },
  peers: { plain: shown(plain), bar: BAR },
  ratios: { cpu: rounded(plain.cores / ours.cores), bar: rounded(BAR.cores / ours.cores), behind: rounded(BAR.behindMs / ours.worstMs) },
}, [['ours', ours] as const, ['every event to every reader', plain] as const].map(([name, { cores, megabytes, worstMs, medianMs, complete, writesPerSecond }]) =>
  `  ${name}: ${rounded(cores, 3)} of a core, ${rounded(megabytes, 0)} MB; behind ${rounded(medianMs, 0)} ms, at most ${rounded(worstMs, 0)} ms; ${rounded(writesPerSecond, 1)} reads a second each; ${complete} of ${CLIENTS} have the last event`))
if (ours.cores > BAR.cores || ours.worstMs > BAR.behindMs || ours.complete !== CLIENTS) {
  console.error(`sse: above the bar of ${BAR.cores} of a core and ${BAR.behindMs} ms, or somebody missed an event`)
  process.exitCode = 1
}

async function measure (program: string): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-sse-'))
  const child = fork(join(import.meta.dirname, 'sse', program), [folder, String(AGENTS), String(SECONDS)])
  try {
    const [{ url, token }] = await once(child, 'message') as [{ url: string, token: string }]
    const { port } = new URL(url)
    const readers: Reader[] = []
    // No token may have more than a hundred streams.
    for (let at = 0; readers.length < CLIENTS; at++) {
      const own = await tokenOf(url, token, `reader-${at}`)
      readers.push(...await Promise.all(Array.from({ length: Math.min(50, CLIENTS - readers.length) }, () => read(Number(port), own))))
    }
    child.send('go')
    const [{ cpu, megabytes, events }] = await once(child, 'message') as [{ cpu: number, megabytes: number, events: number }]
    // The last event is given as long as the bar allows, and a little more to tell late from never.
    const until = performance.now() + 5 * BAR.behindMs
    while (readers.some(({ last }) => !last()) && performance.now() < until) await new Promise(resolve => { setTimeout(resolve, 20) })
    const behind = readers.map(({ behindMs }) => behindMs()).toSorted((a, b) => a - b)
    const reads = readers.reduce((sum, { reads }) => sum + reads(), 0)
    for (const { socket } of readers) socket.destroy()
    return { pid: child.pid ?? 0, cores: cpu, megabytes, events, worstMs: behind.at(-1) ?? Infinity, medianMs: behind[Math.floor(behind.length / 2)] ?? Infinity, complete: readers.filter(({ last }) => last()).length, writesPerSecond: reads / CLIENTS / SECONDS }
  } finally {
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The plain program knows no tokens. */
async function tokenOf (url: string, admin: string, name: string): Promise<string> {
  const response = await fetch(`${url}/v1/tokens`, { method: 'POST', headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }, body: JSON.stringify({ name, role: 'viewer' }) })
  return response.ok && response.headers.get('content-type')?.includes('json') === true ? (await response.json() as { token: string }).token : admin
}

type Reader = { socket: Socket, behindMs: () => number, last: () => boolean, reads: () => number }

/** A reader that looks at the time of the oldest event of all that it is given at once. */
async function read (port: number, token: string): Promise<Reader> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.write(`GET /v1/events?topics=agent HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const [first] = await once(socket, 'data') as [Buffer]
  if (!first.includes(' 200 ')) throw new Error(first.toString().slice(0, 500))
  let [worst, complete, reads] = [0, false, 0]
  socket.on('data', bytes => {
    const at = bytes.indexOf('"at":"')
    if (at === -1 || at + 30 > bytes.length) return
    reads++
    worst = Math.max(worst, Date.now() - Date.parse(bytes.toString('latin1', at + 6, at + 30)))
    if (bytes.includes('"agent":"last"')) complete = true
  })
  return { socket, behindMs: () => worst, last: () => complete, reads: () => reads }
}

async function ended (child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.disconnect()
  await exit
}
