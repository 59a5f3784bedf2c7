import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { makeFolder } from './folder.ts'
import { launch, type Program } from './launch.ts'
import { accepts, freePort, loopbackAddress, type Place } from './loopback.ts'

it('is ready when the program listens, shows what it logged, and leaves nothing when stopped', async () => {
  const at = await aPlace()
  const folder = makeFolder('test')
  const server = await launch({ name: 'listener', programs: [listener(at)], folder })
  expect(await accepts(at)).toBe(true)
  expect(await server.logged(/listening/)).toBe('listening with PATH,HOME,LC_ALL')
  expect(server.running()).toBe(true)
  process.kill(server.pids[0] ?? 0, 'SIGKILL')
  await expect.poll(server.running).toBe(false)
  await server.stop()
  await server.stop()
  expect(await accepts(at)).toBe(false)
  expect(existsSync(folder.path)).toBe(false)
  expect(server.pids.map(alive)).toEqual([false])
})

it('ends a program that ignores TERM, and its children', async () => {
  const at = await aPlace()
  const server = await launch({ name: 'stubborn', programs: [listener(at, "process.on('SIGTERM', () => {}); console.log('child ' + require('child_process').spawn('/bin/sleep', ['1000']).pid);")], folder: makeFolder('test') })
  const child = Number((await server.logged(/^child /)).slice(6))
  expect(alive(child)).toBe(true)
  await server.stop()
  expect([...server.pids, child].map(alive)).toEqual([false, false])
})

it('names the end of the log when the program ends at its start, and removes the folder', async () => {
  const folder = makeFolder('test')
  const program: Program = { name: 'broken', command: process.execPath, args: ['-e', "console.log('no such zone'); process.exit(3)"], listens: [await aPlace()] }
  await expect(launch({ name: 'broken', programs: [program], folder })).rejects.toThrow(/broken ended at its start \(3\); the end of its log:\nno such zone/)
  expect(existsSync(folder.path)).toBe(false)
})

it('does not wait for ever for one that never listens', async () => {
  const program: Program = { name: 'idle', command: '/bin/sleep', args: ['1000'], listens: [await aPlace()] }
  await expect(launch({ name: 'idle', programs: [program], folder: makeFolder('test'), timeoutMs: 200 })).rejects.toThrow(/idle does not listen on 127\./)
})

it('takes the server along when the test process is killed', async () => {
  const at = await aPlace()
  const script = `
    import { launch } from ${JSON.stringify(here('./launch.ts'))}
    import { makeFolder } from ${JSON.stringify(here('./folder.ts'))}
    const server = await launch({ name: 'orphan', programs: [${JSON.stringify(listener(at))}], folder: makeFolder('orphan') })
    process.stdout.write(String(server.pids[0]))
    process.kill(process.pid, 'SIGKILL')`
  const test = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  test.stdout.on('data', bytes => { said += String(bytes) })
  await once(test, 'close')
  const pid = Number(said)
  expect(pid).toBeGreaterThan(1)
  await expect.poll(() => alive(pid)).toBe(false)
})

function listener ({ address, port }: Place, before = ''): Program {
  const script = `${before} require('net').createServer(s => s.on('error', () => {})).listen(${port}, '${address}', () => console.log('listening with ' + Object.keys(process.env)))`
  return { name: 'listener', command: process.execPath, args: ['-e', script], listens: [{ address, port }] }
}

async function aPlace (): Promise<Place> {
  const address = loopbackAddress()
  return { address, port: await freePort(address) }
}

/** A process that has ended counts as dead, although nobody may have waited for it yet. */
function alive (pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function here (file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
