// The process that holds the lab, in the background: `lab up` starts it, and everything of the lab ends with it, however it ends.
//   node tools/lab/holder/main.ts STATE_DIRECTORY [--no-fleet]
import { OperatorError } from '@dialtone/kernel'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSocketServer, type Server } from 'node:net'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { holdLab } from './lab.ts'
import { request } from './request.ts'
import { FILES, type Refused } from './protocol.ts'

/** How often it is looked whether the socket is there still; how long one that ends is awaited, looking so often. */
const [GONE_MS, ENDING_MS, AGAIN_MS] = [1000, 60_000, 200]

const [directory = '', ...flags] = process.argv.slice(2)
const socket = join(directory, FILES.socket)
const log = (line: string): void => { process.stdout.write(`${new Date().toISOString()} ${line}\n`) }

const server = createServer((asked, answer) => {
  asked.resume()
  reply(asked).then(body => send(answer, 200, body), (error: unknown) => {
    if (!(error instanceof OperatorError)) log(`${asked.method ?? ''} ${asked.url ?? ''}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    send(answer, error instanceof OperatorError ? 409 : 500, { code: error instanceof OperatorError ? error.code : 'failed', message: error instanceof Error ? error.message : String(error) } satisfies Refused)
  })
})
if (!await listenAlone()) {
  log('another process holds this lab; leaving it alone')
  process.exit(0)
}
writeFileSync(join(directory, FILES.pid), `${process.pid}\n`)
log(`holding the lab of ${directory}`)
const lab = holdLab({ withFleets: !flags.includes('--no-fleet'), log })
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => { void end(0) })
lab.ready.catch((error: unknown) => {
  log(`it cannot be brought up: ${error instanceof Error ? error.message : String(error)}`)
  void end(1)
})

// Whom nobody can reach any more is of no use.
setInterval(() => {
  if (!existsSync(socket)) void end(1)
}, GONE_MS).unref()

async function reply ({ method = '', url = '' }: IncomingMessage): Promise<unknown> {
  const [, verb = '', name = ''] = url.split('/').map(decodeURIComponent)
  switch (`${method} ${verb}`) {
    case 'GET status': return await lab.status()
    case 'POST break': return await lab.break(name)
    case 'POST heal': return await lab.heal(name)
    case 'POST ask': return await lab.ask()
    case 'POST stop':
      await end(0)
      return {}
    default: throw new OperatorError('not-found', `the holder knows no '${method} ${verb}'`)
  }
}

let ending: Promise<void> | undefined
/** The answer to who asked for it goes out before the process does. */
function end (code: number): Promise<void> {
  return ending ??= endAll(code)
}

async function endAll (code: number): Promise<void> {
  await lab.stop().catch((error: unknown) => { log(`stopping: ${String(error)}`) })
  log('stopped')
  server.close(() => process.exit(code))
  setTimeout(() => process.exit(code), 1000).unref()
}

function send (answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json', 'connection': 'close' }).end(JSON.stringify(body))
}

/** Whether the lab of this directory is ours now; otherwise another process holds it. One that ends is awaited. */
async function listenAlone (): Promise<boolean> {
  // A name without a file, which is free as soon as its holder is gone, however it went.
  const [claim, name] = [createSocketServer(each => each.destroy()), `\0dialtone-lab-${createHash('sha256').update(realpathSync(directory)).digest('hex')}`]
  for (let left = ENDING_MS; !await listens(claim, name); left -= AGAIN_MS) {
    if (left <= 0) throw new Error(`another process holds the lab of ${directory}, and does not answer`)
    if (await request(socket, 'GET', '/status').then(() => true, (error: unknown) => !(error instanceof OperatorError && error.code === 'not-up'))) return false
    await pause(AGAIN_MS)
  }
  // Left by one that was killed. What is no socket is not a lab's.
  if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true) rmSync(socket)
  const before = process.umask(0o077)
  try {
    if (!await listens(server, socket)) throw new Error(`${socket} is no socket of a lab`)
  } finally {
    process.umask(before)
  }
  return true
}

/** Whether it listens there now; false where the name is taken. */
async function listens (to: Server, path: string): Promise<boolean> {
  to.listen(path)
  return await once(to, 'listening').then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') return false
    throw error
  })
}
