// The lab through its command, as a person uses it, and a few of its breaks by the plain tools of the seed.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Asked, LabStatus } from './holder/protocol.ts'
import { request } from './holder/request.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'dialtone-lab-'))
const state = join(folder, 'lab')
let namespaces: Map<string, string> | undefined

beforeAll(async () => { expect(await lab('up', '--no-fleet')).toMatchObject({ code: 0 }) }, 120_000)
afterAll(async () => {
  await lab('down')
  rmSync(folder, { recursive: true, force: true })
})

it('is up once, however often it is brought up, and says what there is', async () => {
  expect(await lab('up', '--no-fleet')).toMatchObject({ code: 0, out: expect.stringContaining('the lab is up already') })
  expect(await lab('up')).toMatchObject({ code: 1, err: `lab: the lab is up already, without fleets. To have it otherwise, bring it down first: npm run lab -- down --state ${state}\n` })
  const { hosts, servers, broken, state: is } = await status()
  expect([is, broken]).toEqual(['up', []])
  expect(hosts.map(({ name }) => name)).toContain('firewall')
  expect(servers.every(({ running }) => running)).toBe(true)
  expect((await lab('status')).out).toMatch(/^up, held by process \d+/)
})

it('breaks and heals by name, once, and helps with names', async () => {
  expect(await lab('break', 'patt')).toMatchObject({ code: 64, err: expect.stringMatching(/^lab: no break is called 'patt'; did you mean 'pat'\? There are: pat, /) })
  expect(await lab('heal', '???')).toMatchObject({ code: 64, err: expect.stringMatching(/^lab: no break is called '\?\?\?'. There are: pat, /) })
  expect(await seed()).toEqual({ outside: 'open', inside: 'open' })
  expect(await lab('break', 'pat')).toMatchObject({ code: 0, out: expect.stringMatching(/^broken: the translation of port 5269 is gone/) })
  expect((await lab('break', 'pat')).out).toMatch(/^broken already, since /)
  expect(await seed()).toEqual({ outside: 'no answer', inside: 'open' })
  expect((await status()).firewall['deny-in-5269']).toBeGreaterThan(0)
  expect((await status()).broken).toMatchObject([{ name: 'pat' }])
  expect((await lab('heal', 'pat')).out).toBe('healed: pat\n')
  expect((await lab('heal', 'pat')).out).toBe('pat is not broken\n')
  expect(await seed()).toEqual({ outside: 'open', inside: 'open' })
})

it('shows what is being broken or healed, where that takes two seconds', async () => {
  for (const [command, being] of [['break', 'broken'], ['heal', 'healed']] as const) {
    const doing = lab(command, 'dnssec')
    await expect.poll(async () => (await request<LabStatus>(join(state, 'socket'), 'GET', '/status')).broken, { interval: 10, timeout: 10_000 }).toMatchObject([{ name: 'dnssec', being }])
    expect(await doing).toMatchObject({ code: 0 })
  }
})

it('heals what was broken together, and users notice nothing any more', async () => {
  for (const name of ['pat-closed', 'srvport', 'service', 'dns-inside', 'outbound-reject']) expect((await lab('break', name)).code).toBe(0)
  expect(await seed()).toEqual({ outside: 'refused', inside: 'refused' })
  expect(await ran('amsterdam', 'dig', '+short', '+tries=1', 'SRV', '_xmpp-server._tcp.cupdomain.test')).toContain('0 0 5369 cup1.cupdomain.test.')
  expect(await ran('inside', 'dig', '+short', '+tries=1', '+time=1', 'SRV', '_xmpp-server._tcp.gmail.test')).toMatch(/no servers could be reached|connection refused/)
  expect(await nc('inside', '198.51.100.11')).toBe('refused')
  expect((await lab('heal', 'all')).out).toContain('healed: outbound-reject, dns-inside, service, srvport, pat-closed')
  const { noticed } = JSON.parse((await lab('ask', '--json')).out) as Asked
  expect(noticed.map(({ peer, says }) => `${peer} ${says}`)).toEqual(['gmail.test pong', 'webex.test pong', 'plain.test pong', 'gtls.test pong', 'six.test pong'])
})

it('breaks one thing in one way at a time', async () => {
  await lab('break', 'pat-closed')
  expect(await lab('break', 'secrets')).toMatchObject({ code: 1, err: "lab: 'secrets' changes what 'pat-closed' has changed; heal 'pat-closed' first\n" })
  expect([(await status()).broken.map(({ name }) => name), await seed()]).toEqual([['pat-closed'], { outside: 'refused', inside: 'open' }])
  await lab('heal', 'pat-closed')
  expect(await seed()).toEqual({ outside: 'open', inside: 'open' })
})

it('keeps as broken what it could neither break nor undo, and heals it when that can be done', async () => {
  const kept = await ran('firewall', 'nft', 'list', 'table', 'inet', 'asa')
  await ran('firewall', 'nft', 'delete', 'table', 'inet', 'asa')
  expect(await lab('break', 'pat')).toMatchObject({ code: 1, err: expect.stringMatching(/could not be undone: [^]*It counts as broken; to try again to undo it: lab heal pat/) })
  expect(await lab('heal', 'pat')).toMatchObject({ code: 1 })
  expect((await status()).broken).toMatchObject([{ name: 'pat' }])
  await ran('firewall', 'sh', '-c', `nft -f - <<'END'\n${kept}END`)
  expect((await lab('heal', 'pat')).out).toBe('healed: pat\n')
  expect([(await status()).broken, await seed()]).toEqual([[], { outside: 'open', inside: 'open' }])
})

it('has somebody in the middle who takes STARTTLS away, or shows another certificate, to the inside alone', async () => {
  expect(await features('inside')).toContain('<starttls')
  expect((await lab('break', 'starttls-stripped')).err).toBe('')
  expect([await features('inside'), await features('amsterdam')]).toEqual([expect.not.stringContaining('<starttls'), expect.stringContaining('<starttls')])
  expect((await lab('break', 'tls-intercepted')).err).toBe('')
  const [inside, outside] = [await certificate('inside'), await certificate('amsterdam')]
  expect([inside, outside]).toEqual([expect.stringMatching(/^-----BEGIN/), expect.stringMatching(/^-----BEGIN/)])
  expect(inside).not.toBe(outside)
  await lab('heal', 'all')
  expect(await features('inside')).toContain('<starttls')
  expect(await certificate('inside')).toBe(outside)
})

it('breaks what Dialtone says nothing of, too, and users notice of it what the matrix says they do', { timeout: 90_000 }, async () => {
  const hairpin = async (): Promise<string> => await nc('inside', '203.0.113.10')
  const shown = async (): Promise<string> => await certificate('inside', 'cupdomain.test', '10.10.0.10')
  const unanswered = async (): Promise<string[]> => (JSON.parse((await lab('ask', '--json')).out) as Asked).noticed.filter(({ says }) => says !== 'pong').map(({ peer }) => peer)
  const [before, good] = [await hairpin(), await shown()]
  expect([before, good]).toEqual(['no answer', expect.stringMatching(/^-----BEGIN/)])

  expect((await lab('break', 'hairpin')).err).toBe('')
  expect((await lab('break', 'cert-srvname')).err).toBe('')
  expect([await hairpin(), new X509Certificate(await shown()).raw.includes('_xmpp-server.cupdomain.test'), await unanswered()]).toEqual(['refused', true, []])
  await lab('heal', 'all')

  expect((await lab('break', 'cert-xmppaddr')).err).toBe('')
  expect([new X509Certificate(await shown()).subjectAltName, await unanswered()]).toEqual([expect.stringContaining('othername'), ['gtls.test']])
  await lab('heal', 'all')
  expect([await hairpin(), await shown(), await unanswered()]).toEqual([before, good, []])
})

it('is slow by every way to a peer', async () => {
  const took = async (address: string, port: string): Promise<number> => {
    const began = performance.now()
    expect(await ran('amsterdam', 'nc', '-vzn', '-w', '8', address, port)).toContain('succeeded')
    return performance.now() - began
  }
  const all = async (): Promise<number[]> => await Promise.all(['192.0.2.160', '2001:db8:60::60'].flatMap(address => ['5269', '5270'].map(port => took(address, port))))
  await ran('amsterdam', 'true')
  expect((await all()).filter(ms => ms > 1900)).toEqual([])
  expect((await lab('break', 'slow')).err).toBe('')
  expect((await all()).filter(ms => ms < 1900)).toEqual([])
  await lab('heal', 'slow')
})

it('runs a command on a host, and says what is wrong with what it is asked for', async () => {
  expect(await lab('shell', 'inside', '--', 'cat', '/etc/resolv.conf')).toMatchObject({ code: 0, out: 'nameserver 10.10.0.53\n' })
  expect(await lab('shell', 'inside', '--', 'nosuchcmd')).toMatchObject({ code: 127 })
  expect(await lab('shell', 'nowhere')).toMatchObject({ code: 1, err: expect.stringContaining("no host of the lab is called 'nowhere'; there are: firewall, ours") })
  expect(await lab('break')).toMatchObject({ code: 64 })
  expect(await lab('mend', 'pat')).toMatchObject({ code: 64, err: expect.stringContaining("there is no command 'mend'") })
  expect(await lab('break', 'gateway-drained')).toMatchObject({ code: 1, err: expect.stringContaining('there is no gateway: the lab was started without fleets') })
  expect(await lab('up', '--state', `/tmp/${'x'.repeat(120)}`)).toMatchObject({ code: 64, err: expect.stringContaining('too long for a socket') })
  for (const wrong of ['/proc/x', '/sys/x/y', '/dev/null']) expect(await lab('up', '--state', wrong)).toMatchObject({ code: 64, err: expect.stringMatching(/^lab: \S+ cannot be the lab's directory \(.+\); choose another one with --state DIR\n$/) })
})

describe('a second lab', () => {
  it('is another one, and leaves nothing when its holder is killed', async () => {
    const other = ['--state', join(folder, 'other')]
    expect((await lab('status', ...other)).code).toBe(1)
    expect(await interrupted(other)).toEqual({ code: 130, err: expect.stringMatching(/^lab: it goes on coming up .* npm run lab -- down --state \S+\n$/) })
    const pid = await upTwice(other)
    expect((await status()).pid).not.toBe(pid)
    const { hosts } = JSON.parse((await lab('status', '--json', ...other)).out) as LabStatus
    spawnSync('sh', ['-c', `kill -9 $(ip netns pids ${hosts.find(({ name }) => name === 'plain')?.namespace})`])
    expect((await lab('status', ...other)).out).toMatch(/\nended by themselves\n {2}the server of plain\n {2}To have them again: [^]* plain .*NOT RUNNING/)
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => left(pid), { timeout: 15_000 }).toEqual([])
    expect((await lab('break', 'pat', ...other)).err).toBe(`lab: the lab is not up. To bring it up: npm run lab -- up ${other.join(' ')}\n`)
    // What it left, its log too, is in nobody's way.
    writeFileSync(join(folder, 'other', 'holder.log'), ' it cannot be brought up: before\n')
    const again = await upTwice(other)
    expect(await request(join(folder, 'other', 'socket'), 'POST', '/break/%').catch(String)).toMatch('URI malformed')
    // Whom nobody reaches any more ends.
    rmSync(join(folder, 'other'), { recursive: true })
    await expect.poll(() => left(again), { timeout: 15_000 }).toEqual([])
    expect((await lab('down', ...other)).out).toBe('the lab is not up\n')
    // Overtaken.
    const overtaken = lab('up', '--no-fleet', ...other)
    await expect.poll(() => existsSync(join(folder, 'other', 'socket')), { timeout: 15_000, interval: 20 }).toBe(true)
    expect((await lab('down', ...other)).out).toBe('the lab is down\n')
    expect(await overtaken).toMatchObject({ code: 1, err: expect.stringMatching(/^lab: the lab was brought down meanwhile\./) })
    expect(existsSync(join(folder, 'other'))).toBe(false)
    expect((await status()).state).toBe('up')
  }, 120_000)

  it('takes no directory that holds other things, and removes nothing there', async () => {
    const [mine, empty] = [join(folder, 'mine'), join(folder, 'empty')]
    for (const each of [mine, empty]) mkdirSync(each)
    for (const name of ['socket', 'holder.log']) writeFileSync(join(mine, name), 'mine')
    for (const each of [mine, empty]) expect((await lab('down', '--state', each)).out).toBe('the lab is not up\n')
    expect(await lab('up', '--no-fleet', '--state', mine)).toMatchObject({ code: 64, err: expect.stringContaining('holds other things') })
    expect([readdirSync(mine), readdirSync(empty)]).toEqual([['holder.log', 'socket'], []])
  })
})

it('leaves nothing when it is brought down', async () => {
  const { pid } = await status()
  for (const { code, out } of await Promise.all([lab('down'), lab('down'), lab('down')])) expect([code, out]).toEqual([0, expect.stringMatching(/^the lab is (down|not up)\n$/)])
  await expect.poll(() => left(pid), { timeout: 15_000 }).toEqual([])
  expect(existsSync(state)).toBe(false)
})

describe('with Dialtone in it', () => {
  it('has users on both sides of the gateway reach each other, and shows no token', { timeout: 240_000 }, async () => {
    expect(await lab('up')).toMatchObject({ code: 0 })
    try {
      const { noticed } = JSON.parse((await lab('ask', '--json')).out) as Asked
      expect(noticed.filter(({ says }) => says !== 'pong')).toEqual([])
      expect(noticed.map(({ user, peer }) => `${user} ${peer}`)).toEqual(expect.arrayContaining([
        'edgeuser@edgedomain.test gtls.test', 'edgeuser@edgedomain.test six.test', 'jdoe2@gtls.test edgedomain.test', 'suser@six.test edgedomain.test', 'cupuser1@cupdomain.test gtls.test',
      ]))
      const { urls } = await status()
      expect(JSON.stringify(urls)).not.toContain('dlt_')
      const file = urls['token of shared'] ?? ''
      expect([statSync(file).mode & 0o777, readFileSync(file, 'utf8')]).toEqual([0o600, expect.stringMatching(/^dlt_/)])
      const { ok } = await fetch(`${urls['control of shared']}/v1/overview`, { headers: { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } })
      expect(ok).toBe(true)
      expect(await lab('up', '--no-fleet')).toMatchObject({ code: 1, err: expect.stringContaining('up already, with fleets') })
      const { pid } = await status()
      for (const control of processes().filter(each => / control --bus /.test(command(each)) && command(each).includes(`dialtone-real-${pid}-lab-shared`))) process.kill(Number(control), 'SIGKILL')
      await expect.poll(async () => (await status()).died, { timeout: 15_000 }).toEqual(['shared control'])
    } finally {
      expect(await lab('down')).toMatchObject({ code: 0 })
    }
  })
})

/** Ctrl-C, as soon as its holder is there. */
async function interrupted (other: readonly string[]): Promise<{ code: number | null, err: string }> {
  const child = spawn(process.execPath, [MAIN, 'up', '--no-fleet', ...other], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [err, code] = [textOf(child.stderr), new Promise<number | null>(resolve => child.once('close', resolve))]
  await expect.poll(() => existsSync(join(folder, 'other', 'socket')), { timeout: 15_000, interval: 20 }).toBe(true)
  child.kill('SIGINT')
  return { code: await code, err: await err }
}

/** Two bring it up at once, and it is one. Its process. */
async function upTwice (other: readonly string[]): Promise<number> {
  const two = await Promise.all([lab('up', '--no-fleet', ...other), lab('up', '--no-fleet', ...other)])
  const pids = two.map(({ out }) => Number(/held by process (\d+)/.exec(out)?.[1]))
  expect([two.map(({ code }) => code), new Set(pids).size]).toEqual([[0, 0], 1])
  return pids[0] ?? NaN
}

async function lab (...args: readonly string[]): Promise<{ code: number | null, out: string, err: string }> {
  const at = args.indexOf('--')
  const own = args.includes('--state') ? [] : ['--state', state]
  const child = spawn(process.execPath, [MAIN, ...(at < 0 ? [...args, ...own] : [...args.slice(0, at), ...own, ...args.slice(at)])], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), new Promise<number | null>(resolve => child.once('close', resolve))])
  return { code, out, err }
}

async function textOf (stream: ChildProcess['stdout']): Promise<string> {
  let text = ''
  for await (const part of stream ?? []) text += String(part)
  return text
}

async function status (): Promise<LabStatus> {
  return JSON.parse((await lab('status', '--json')).out) as LabStatus
}

/** What a command on a host says. */
async function ran (host: string, ...given: readonly string[]): Promise<string> {
  namespaces ??= new Map((await status()).hosts.map(({ name, namespace }) => [name, namespace]))
  const child = spawn('ip', ['netns', 'exec', namespaces.get(host) ?? '', ...given], { stdio: ['ignore', 'pipe', 'pipe'] })
  return (await Promise.all([textOf(child.stdout), textOf(child.stderr)])).join('')
}

async function nc (host: string, address: string): Promise<string> {
  const said = await ran(host, 'nc', '-vzn', '-w', '3', address, '5269')
  return /succeeded/.test(said) ? 'open' : /refused/.test(said) ? 'refused' : 'no answer'
}

/** The two telnets of the seed. */
async function seed (): Promise<{ outside: string, inside: string }> {
  return { outside: await nc('amsterdam', '203.0.113.10'), inside: await nc('inside', '10.10.0.10') }
}

/** What gtls.test offers. */
async function features (host: string): Promise<string> {
  const script = `const s = require('net').connect(5269, '198.51.100.40'); let all = ''
    s.write("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='gtls.test' from='else.test' version='1.0'>")
    const end = () => { console.log(all); process.exit() }
    s.on('data', d => { all += d; if (/features>|error/.test(all)) end() }).on('error', e => { all += e.code; end() }); setTimeout(end, 20_000)`
  return await ran(host, process.execPath, '-e', script)
}

/** The certificate that a server shows there, as PEM. */
async function certificate (host: string, domain = 'webex.test', address = '192.0.2.130'): Promise<string> {
  const said = await ran(host, 'sh', '-c', `openssl s_client -starttls xmpp-server -xmpphost ${domain} -connect ${address}:5269 < /dev/null`)
  return /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(said)?.[0] ?? said
}

/** What there is of a holder: namespaces, folders, processes. */
function left (pid: number): string[] {
  return [
    ...readdirSync('/run/netns').filter(name => name.startsWith(`dialtone-${pid}-`)),
    ...readdirSync(tmpdir()).filter(name => name.startsWith(`dialtone-real-${pid}-`)),
    ...processes().filter(each => command(each).includes(`dialtone-real-${pid}-`)).map(each => `process ${each}: ${command(each)}`),
  ]
}

function processes (): string[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name))
}

function command (pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
