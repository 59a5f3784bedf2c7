// What is wrong with input is one line that says so, with the exit code for it: the command as an operator runs it.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SCENARIOS } from '@dialtone/zoo'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runZoo } from './run-zoo.ts'
import { fakeServer } from './test-support/fake-server.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const BIN = fileURLToPath(new URL('../../../bin/dialtone', import.meta.url))
let folder = ''
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dialtone-hostile-')) })
afterAll(() => { rmSync(folder, { recursive: true }) })

for (const [name, args, says] of [
  ['its own domain as OURS', ['check', 'a.example', '--as', 'A.example'], '--as names your own domain, and a.example is the one to check'],
  ['its own domain as OURS, watched', ['watch', 'a.example', '--as', 'A.example', '--count', '1'], '--as names your own domain, and a.example is the one to check'],
  ['an endpoint that is no host, watched', ['watch', 'a.example', '--endpoint', 'foo..bar:5269', '--count', '1'], "'foo..bar' is no host: it has an empty label"],
  ['an option that would change nothing', ['listen', '--probe-domain', 'a.example', '--secret', 'secret', '--ca', 'root.pem'], "Unknown option '--ca'"],
  ['an endpoint that is no host', ['check', 'a.example', '--endpoint', 'foo..bar:5269'], "'foo..bar' is no host: it has an empty label"],
  ['a number that looks like an address', ['check', 'a.example', '--endpoint', '127.050.0.1:5269'], "'127.050.0.1' is no host: it looks like an address and is none"],
  ['a resolver by name', ['check', 'a.example', '--resolver', 'dns.example'], "--resolver takes an IP address, not 'dns.example'"],
  ['no observation', ['judge', 'empty.json'], 'holds no observation at all'],
  ['reports in reports in reports', ['judge', 'deep.json'], 'holds no observation'],
] as const) {
  it(`names ${name}`, async () => {
    writeFileSync(join(folder, 'empty.json'), '[]')
    writeFileSync(join(folder, 'deep.json'), `${'{"reports":['.repeat(5000)}${']}'.repeat(5000)}`)
    const { code, out, err } = await dialtone(args)
    expect([code, out]).toEqual([64, ''])
    expect(err).toMatch(/^dialtone: [^\n]+\n$/)
    expect(err).toContain(says)
  })
}

it('judges a forged observation without letting it speak to the terminal', async () => {
  const [outcome] = await runZoo(SCENARIOS.filter(({ name }) => name === 'claimed'), { parallel: 1, signal: AbortSignal.timeout(20_000) })
  const forged = JSON.parse(JSON.stringify((outcome as { report: { observation: object } }).report.observation).replaceAll('partner.example', 'partner.example\\n● UP  fine\\u001b[2J')) as object
  writeFileSync(join(folder, 'forged.json'), JSON.stringify(forged))
  const { out } = await dialtone(['judge', 'forged.json'])
  expect(out).toContain('partner.example\\u{a}● UP')
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

it('obeys SIGTERM while the writer of a pipe has more to say', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const args of [['listen', '--probe-domain', 'probe.example', '--secret', pipe], ['judge', pipe], ['check', '--from-file', '-']]) {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' })
    const ended = new Promise(resolve => { child.once('close', resolve) })
    let err = ''
    child.stderr.setEncoding('utf8').on('data', text => { err += text })
    // Either is done when the command reads: a pipe opens when both sides do, and holds less than a megabyte.
    const writer = args.includes(pipe) ? await open(pipe, 'w') : await new Promise<undefined>(resolve => { child.stdin.write('# nothing\n'.repeat(100_000), () => resolve(undefined)) })
    child.kill('SIGTERM')
    expect(await ended, args.join(' ')).toBe(143)
    expect(err).toBe('dialtone: stopped by SIGTERM; nothing was judged\n')
    await writer?.close()
  }
})

it('obeys SIGINT and SIGTERM while it waits for the fleet: in a sentence, and by the exit code of the signal', async () => {
  const view = { id: 'c1', state: 'running', startedAt: '2026-11-23T10:00:00.000Z', vantages: [] }
  await using server = await fakeServer({
    'POST /v1/checks': { json: view }, 'GET /v1/checks/c1': { json: view }, 'GET /v1/peers': { json: { items: [] } }, 'GET /v1/overview': { json: { domains: [] } },
    'POST /v1/gateways/edge/trace': { json: { effects: [], next: 1 } }, 'GET /v1/gateways/edge/trace': { json: { lines: [], next: 1 } },
  })
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    for (const [args, asks] of [[['run', 'ours.example'], 'GET /v1/checks/c1'], [['gateway', 'trace', 'edge'], 'GET /v1/gateways/edge/trace']] as const) {
      server.asked.length = 0
      const child = spawn(process.execPath, [MAIN, ...args, '--server', server.url, '--token', 'dlt_x'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
      const ended = new Promise(resolve => { child.once('close', resolve) })
      let err = ''
      child.stderr.setEncoding('utf8').on('data', text => { err += text })
      await expect.poll(() => [err, server.asked.map(({ method, path }) => `${method} ${path}`)].flat(), { timeout: 20_000 }).toContain(asks)
      child.kill(signal)
      expect(await ended, args.join(' ')).toBe(code)
      expect(err.split('\n').filter(line => line !== '' && !line.startsWith('check c1 of'))).toEqual([`dialtone: stopped by ${signal}; nothing was judged`])
    }
  }
}, 60_000)

it('takes a secret from a command of the shell', async () => {
  const { code, err } = await dialtone(['-c', `"$0" "$1" check partner.example --as ours.example --depth shared --secret <(sleep 0.2; printf 'one\\ntwo\\n')`, process.execPath, BIN], 'pipe', 'bash')
  expect([code, err]).toEqual([64, expect.stringMatching(/^dialtone: --secret '\/dev\/fd\/\d+' holds more than one line: [^\n]+\n$/)])
})

it('says that the disk is full', async () => {
  const { code, err } = await dialtone(['explain'], openSync('/dev/full', 'w'))
  expect(code).toBe(64)
  expect(err).toContain('the output cannot be written (ENOSPC): is the disk full?')
})

function dialtone (args: readonly string[], stdout: 'pipe' | number = 'pipe', program?: string): Promise<{ code: number | null, out: string, err: string }> {
  const child = spawn(program ?? process.execPath, program === undefined ? [MAIN, ...args] : args, { cwd: folder, stdio: ['ignore', stdout, 'pipe'] })
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', text => { out += text })
  child.stderr?.setEncoding('utf8').on('data', text => { err += text })
  return new Promise(resolve => child.once('close', code => resolve({ code, out, err })))
}
