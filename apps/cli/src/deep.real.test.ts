// A deep check as an operator runs it, against a peer that asks back: a second listener, which has our pair under check. What it prints in each
// format, that nothing secret is in it, and that a watch tells its first verdict and sums up.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '@dialtone/contracts'
import { startListener, type Expectation, type Listener, type Prove } from '@dialtone/ladder'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { freePort } from '@dialtone/testkit'
import { afterAll, afterEach, expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'dialtone-deep-'))
const SECRET = 'a secret of more than 128 bits'
const secret = join(folder, 'secret')
writeFileSync(secret, `${SECRET}\n`)
const started: Listener[] = []
afterEach(async () => { for (const listener of started.splice(0)) await listener.stop() })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('reports a dialback as JSON: the key, the callback, the answer, and no secret', async () => {
  const { args } = await peer()
  const { code, out } = await dialtone(['check', 'partner.example', '--json', ...args])
  const report = JSON.parse(out) as Report
  expect([0, 1, 2, 3]).toContain(code)
  expect(report.observation.asked.depth).toBe('probe')
  expect(report.observation.deep).toMatchObject({ as: 'probe.example', connections: [{ role: 'dialback', dialback: { key: 'true', answer: { type: 'valid' } } }], callbacks: [{ asked: { answered: 'valid' } }] })
  expect(out).not.toContain(SECRET)
  expect(out).not.toContain(DIGEST.sha256(SECRET))
})

it('draws it for a person, in 80 columns', async () => {
  const { args, ours } = await peer()
  const { out, errors } = await dialtone(['check', 'partner.example', ...args])
  expect(out).toMatch(new RegExp(`B us ──db:result──► 127\\.0\\.0\\.1:\\d+ +\\+0\\.\\d{3} s {2}in clear\n {4}us ◄──db:verify── 127\\.0\\.0\\.1:\\d+ \\(in clear\\) +\\+0\\.\\d{3} s {2}we answered: valid\n {4}us ◄──db:result── valid`))
  expect(out).toContain(`listener 127.0.0.1:${ours}: `)
  expect(errors).toContain('dialtone: warning: the listener has no certificate')
})

it('prints TAP and JUnit', async () => {
  const { args } = await peer()
  expect((await dialtone(['check', 'partner.example', '--format', 'tap', ...args])).out).toMatch(/^TAP version 14\n1\.\.1\n# Subtest: partner\.example\n {4}1\.\.\d+\n/)
  expect((await dialtone(['check', 'partner.example', '--format', 'junit', ...args])).out).toMatch(/^<\?xml [^\n]+\n<testsuites name="dialtone">\n {2}<testsuite name="partner\.example" [^]*<\/testsuite>\n<\/testsuites>\n$/)
})

it('watches with one listener, tells what it is and sums up', async () => {
  const { args } = await peer()
  const { out } = await dialtone(['watch', 'partner.example', '--json', '--every', '1', '--count', '2', ...args])
  const lines = out.trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toMatchObject([{ on: 'change', domain: 'partner.example', from: null }, { on: 'summary', checks: 2, total: { of: 2 } }])
})

it('sums up when it is interrupted', async () => {
  const { args } = await peer()
  const { out, errors } = await dialtone(['watch', 'partner.example', ...args], 'SIGINT')
  expect(errors).toContain('watching partner.example; changes only. Ctrl-C ends it and sums up\n')
  expect(out).toMatch(/\n1 check in \d+ s.*\na check took .* at most\n$/)
})

it('ends a watch with 141 at the first change that nobody reads', async () => {
  const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const child = spawn(process.execPath, [MAIN, 'watch', 'partner.example', '--json', '--every', '1', '--endpoint', `127.0.0.1:${port}`, '--allow-net', '127.0.0.0/8', '--resolver', '127.0.0.1:9'], { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', chunk => { errors += chunk })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    server.close()
    const [code] = await once(child, 'exit') as [number]
    expect([code, errors]).toEqual([141, ''])
  } finally {
    server.close()
    child.kill('SIGKILL')
  }
})

/** A server of partner.example that takes our key and asks our listener about it, and the options that lead to it. */
async function peer (): Promise<{ args: string[], ours: number }> {
  const ours = await freePort('127.0.0.1')
  const keys = keysOf('the secret of the peer, which is another', DIGEST)
  const listener = await startListener({ domain: 'partner.example', places: [{ address: '127.0.0.1', port: 0, kind: 'starttls' }], keys, anchors: { system: false, given: [] } })
  started.push(listener)
  const prove: Prove = async ({ from, to, id, key }) => ({ answer: { type: await verified(ours, `<db:verify from='${from}' to='${to}' id='${id}'>${key}</db:verify>`) } })
  const expectation: Expectation = { peer: 'probe.example', addresses: new Set(['127.0.0.1']), prove, since: () => performance.now(), streamIds: new Set(), callbacks: [], callbacksLeftOut: 0, strays: new Map(), asked: new Map() }
  listener.expect(expectation)
  return {
    ours,
    args: [
      '--depth', 'probe', '--probe-domain', 'probe.example', '--secret', secret, '--listen', `127.0.0.1:${ours}`, '--quick',
      '--endpoint', `127.0.0.1:${listener.places[0]?.port ?? 0}`, '--allow-net', '127.0.0.0/8', '--resolver', '127.0.0.1:9',
    ],
  }
}

function verified (port: number, question: string): Promise<'valid' | 'invalid'> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let heard = ''
    socket.setEncoding('utf8').on('error', reject).on('data', chunk => {
      heard += chunk
      const [, type] = /<db:verify [^>]*type='(valid|invalid)'/.exec(heard) ?? []
      if (type === undefined) return
      socket.end('</stream:stream>')
      resolve(type as 'valid' | 'invalid')
    })
    socket.write(`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='partner.example' to='probe.example' version='1.0'>${question}`)
  })
}

/** `stopBy`: sent once something was printed. */
async function dialtone (args: readonly string[], stopBy?: NodeJS.Signals): Promise<{ code: number | null, out: string, errors: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' } })
  let [out, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', chunk => {
    out += chunk
    if (stopBy !== undefined && !child.killed) child.kill(stopBy)
  })
  child.stderr.setEncoding('utf8').on('data', chunk => { errors += chunk })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, out, errors }
}
