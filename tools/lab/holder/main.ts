// The process that holds the lab, in the background: `lab up` starts it, and everything of the lab ends with it, however it ends.
//   node tools/lab/holder/main.ts STATE_DIRECTORY [--no-fleet]
import { OperatorError } from '@dialtone/kernel'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { holdLab } from './lab.ts'
import { request } from './request.ts'
import { FILES, type Refused } from './protocol.ts'

const [directory = '', ...flags] = process.argv.slice(2)
const socket = join(directory, FILES.socket)
const log = (line: string): void => { process.stdout.write(`${new Date().toISOString()} ${line}\n`) }

const server = createServer((asked, answer) => {
  asked.resume()
  const [, verb = '', name = ''] = (asked.url ?? '').split('/')
  reply(`${asked.method ?? ''} ${verb}`, decodeURIComponent(name)).then(body => send(answer, 200, body), (error: unknown) => {
    if (!(error instanceof OperatorError)) log(`${asked.method ?? ''} ${asked.url ?? ''}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    send(answer, error instanceof OperatorError ? 409 : 500, { code: error instanceof OperatorError ? error.code : 'failed', message: error instanceof Error ? error.message : String(error) } satisfies Refused)
  })
})
if (!await listenAlone(server)) {
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

async function reply (what: string, name: string): Promise<unknown> {
  switch (what) {
    case 'GET status': return await lab.status()
    case 'POST break': return await lab.break(name)
    case 'POST heal': return await lab.heal(name)
    case 'POST ask': return await lab.ask()
    case 'POST stop':
      await end(0)
      return {}
    default: throw new OperatorError('not-found', `the holder knows no '${what}'`)
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
  for (const file of [FILES.socket, FILES.pid]) rmSync(join(directory, file), { force: true })
  server.close(() => process.exit(code))
  setTimeout(() => process.exit(code), 1000).unref()
}

function send (answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json', 'connection': 'close' }).end(JSON.stringify(body))
}

/** Whether the socket is ours now. One that nobody hears at is what a killed holder left. */
async function listenAlone (to: Server): Promise<boolean> {
  for (let left = 2; ; left--) {
    to.listen(socket)
    const failed = await once(to, 'listening').then(() => undefined, (error: NodeJS.ErrnoException) => error)
    if (failed === undefined) return true
    if (failed.code !== 'EADDRINUSE' || left === 0) throw failed
    if (await request(socket, 'GET', '/status').then(() => true, (error: unknown) => !(error instanceof OperatorError && error.code === 'not-up'))) return false
    rmSync(socket, { force: true })
  }
}
