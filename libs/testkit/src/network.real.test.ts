import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork, type BlockOptions, type Network } from './network.ts'

const OURS = { name: 'ours', addresses: ['203.0.113.10', '203.0.113.11'] } as const
const THEIRS = { name: 'theirs', addresses: ['198.51.100.10'] } as const
const OTHER = { name: 'other', addresses: ['198.51.100.20'], resolver: '192.0.2.53' } as const
const made: Network[] = []

afterEach(async () => {
  await Promise.all(made.splice(0).map(network => network.remove()))
})

it('has each host see the address that another one sends from', async () => {
  const network = await aNetwork()
  const server = await network.host('ours').listen({ port: 5269 })
  const seen = nextOf(server)
  const socket = await network.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
  expect((await seen).remoteAddress).toBe('198.51.100.10')
  expect(await heard(await seen, socket, 'hello')).toBe('hello')
  expect(await heard(socket, await seen, 'and back')).toBe('and back')

  const fromAnother = nextOf(await network.host('theirs').listen({ port: 5269 }))
  await network.host('ours').connect({ address: '198.51.100.10', port: 5269, from: '203.0.113.11' })
  expect((await fromAnother).remoteAddress).toBe('203.0.113.11')
})

it('runs programs in there, with names of its own and no way out', async () => {
  const network = await aNetwork()
  const { stdout } = await network.host('other').run('/bin/cat', ['/etc/resolv.conf', '/etc/hosts'])
  expect(stdout).toMatch(/^nameserver 192\.0\.2\.53\n127\.0\.0\.1 localhost \S+\n$/)
  const machine = readFileSync('/etc/resolv.conf', 'utf8')
  expect(machine).not.toContain('192.0.2.53')
  const { stdout: addresses } = await network.host('ours').run('ip', ['-4', '-o', 'address'], { env: { LC_ALL: 'C' } })
  expect(addresses.match(/inet \S+/g)).toEqual(['inet 127.0.0.1/8', 'inet 203.0.113.10/32', 'inet 203.0.113.11/32'])
  await expect(network.host('ours').connect({ address: '9.9.9.9', port: 53 })).rejects.toMatchObject({ code: 'ENETUNREACH' })
  await expect(network.host('ours').run('/bin/sleep', ['60'], { timeoutMs: 100 })).rejects.toThrow('/bin/sleep did not end within 100 ms')
})

for (const [how, port, code] of [
  ['drop', 5269, 'silence'], ['refuse', 5269, 'ECONNREFUSED'], ['unreachable', 5269, 'EHOSTUNREACH'],
  ['drop', undefined, 'silence'], ['refuse', undefined, 'ECONNREFUSED'], ['unreachable', undefined, 'EHOSTUNREACH'],
] as const) {
  it(`blocks by '${how}' at ${port ?? 'every port'}, for whom it was asked, until it is lifted`, async () => {
    const network = await aNetwork()
    await network.host('ours').listen({ port: 5269 })
    await network.host('ours').listen({ port: 5270 })
    const options: BlockOptions = { how, from: 'theirs', ...(port === undefined ? {} : { port }) }
    const block = network.block('ours', options)
    expect(block.packets()).toBe(0)
    expect(await outcome(network, 'theirs', 5269)).toBe(code)
    expect(block.packets()).toBeGreaterThan(0)
    expect(await outcome(network, 'theirs', 5270)).toBe(port === undefined ? code : 'connected')
    expect(await outcome(network, 'other', 5269)).toBe('connected')
    block.lift()
    block.lift()
    expect(await outcome(network, 'theirs', 5269)).toBe('connected')
  })
}

it('cuts a connection that is open', async () => {
  const network = await aNetwork()
  const server = await network.host('ours').listen({ port: 5269 })
  const seen = nextOf(server)
  const socket = await network.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
  await seen
  network.block('ours', { how: 'refuse' })
  const failed = once(socket, 'error')
  socket.write('x')
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
})

it('leads a connection to another host than the one that was meant', async () => {
  const network = await aNetwork()
  await network.host('ours').listen({ port: 5269 })
  const wrong = nextOf(await network.host('other').listen({ port: 5269 }))
  const divert = network.divert('ours', { to: 'other', port: 5269 })
  await network.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
  expect((await wrong).localAddress).toBe('198.51.100.20')
  expect(divert.packets()).toBe(1)
})

it('is two networks at once with the same names and addresses', async () => {
  const [one, two] = await Promise.all([aNetwork(), aNetwork()])
  await one.host('ours').listen({ port: 5269 })
  const seen = nextOf(await two.host('ours').listen({ port: 5269 }))
  one.block('ours', { how: 'refuse' })
  expect(await outcome(one, 'theirs', 5269)).toBe('ECONNREFUSED')
  const socket = await two.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
  expect(await heard(await seen, socket, 'here')).toBe('here')
  await one.remove()
  expect(await outcome(two, 'theirs', 5269)).toBe('connected')
})

it('leaves nothing when it is removed', async () => {
  const before = machine()
  const network = await aNetwork()
  const { namespace } = network.host('ours')
  const server = await network.host('ours').listen({ port: 5269 })
  const accepted = nextOf(server)
  const socket = await network.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
  const sockets = [socket, await accepted]
  const child = network.host('theirs').spawn('/bin/sleep', ['1000'])
  network.block('ours', { how: 'drop' })
  expect(ofThisProcess()).toHaveLength(4)
  expect(existsSync(`/etc/netns/${namespace}`)).toBe(true)
  expect(machine()).toEqual(before)
  await network.remove()
  await network.remove()
  expect(ofThisProcess()).toEqual([])
  expect(existsSync(`/etc/netns/${namespace}`)).toBe(false)
  expect(child.signalCode).toBe('SIGKILL')
  expect(server.listening).toBe(false)
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true])
  expect(machine()).toEqual(before)
})

it('leaves nothing when it cannot be made', async () => {
  await expect(createNetwork({ hosts: [OURS, { name: 'wrong', addresses: ['203.0.113.999'] }] })).rejects.toThrow(/203\.0\.113\.999/)
  await expect(createNetwork({ hosts: [{ name: 'a; true', addresses: ['203.0.113.10'] }] })).rejects.toThrow("'a; true' is no name for a host")
  expect(ofThisProcess()).toEqual([])
})

const ENDS_GUARD = `
      const { spawnSync } = await import('node:child_process')
      const guards = () => spawnSync('pgrep', ['-P', String(process.pid), '-f', 'trap'], { encoding: 'utf8' }).stdout.trim()
      const first = guards()
      process.kill(Number(first), 'SIGKILL')
      for (let tries = 0; tries < 50; tries++) {
        await new Promise(resolve => setTimeout(resolve, 20))
        if (!['', first].includes(guards())) break
      }
      process.kill(process.pid, 'SIGKILL')`

for (const [how, end] of [
  ['ends', ''], ['throws', "throw new Error('on purpose')"], ['exits', 'process.exit(3)'], ['is told to end', "process.kill(process.pid, 'SIGTERM')"], ['is killed', "process.kill(process.pid, 'SIGKILL')"],
  ['is killed, and what waits for its end was before', ENDS_GUARD],
] as const) {
  it(`leaves nothing when its process ${how}`, async () => {
    const script = `
      import { createNetwork } from ${JSON.stringify(fileURLToPath(new URL('./network.ts', import.meta.url)))}
      const network = await createNetwork({ hosts: [{ name: 'ours', addresses: ['203.0.113.10'] }] })
      const child = network.host('ours').spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
      child.unref()
      await network.host('ours').run('/bin/true', [])
      process.stdout.write(network.host('ours').namespace + ' ' + child.pid)
      ${end}`
    const other = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    other.stdout.on('data', bytes => { said += String(bytes) })
    await once(other, 'close')
    const [namespace = '', pid = ''] = said.split(' ')
    expect(namespace).toMatch(new RegExp(`^dialtone-${other.pid}-[0-9a-f]{8}-ours$`))
    await expect.poll(() => [...readdirSync('/run/netns'), ...(existsSync('/etc/netns') ? readdirSync('/etc/netns') : [])].filter(name => name.startsWith(`dialtone-${other.pid}-`)), { timeout: 5000 }).toEqual([])
    await expect.poll(() => alive(pid)).toBe(false)
  })
}

async function aNetwork (): Promise<Network> {
  const network = await createNetwork({ hosts: [OURS, THEIRS, OTHER] })
  made.push(network)
  return network
}

describe('with IPv6', () => {
  const hosts = [
    { name: 'ours', addresses: ['203.0.113.10', '2001:db8:1::10'] as const }, { name: 'theirs', addresses: ['198.51.100.10', '2001:db8:2::10'] as const }, { name: 'old', addresses: ['198.51.100.20'] as const },
  ]
  it('carries both, and blocks both', async () => {
    const network = await createNetwork({ hosts })
    made.push(network)
    const seen = nextOf(await network.host('ours').listen({ port: 5269, address: '2001:db8:1::10' }))
    await network.host('theirs').connect({ address: '2001:db8:1::10', port: 5269 })
    expect((await seen).remoteAddress).toBe('2001:db8:2::10')
    expect(await outcomeAt(network, 'old', '2001:db8:1::10', 5269)).toBe('ENETUNREACH')
    const block = network.block('ours', { how: 'refuse', from: 'theirs', port: 5269 })
    expect([await outcomeAt(network, 'theirs', '2001:db8:1::10', 5269), await outcomeAt(network, 'theirs', '203.0.113.10', 5269)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED'])
    block.lift()
    expect(await outcomeAt(network, 'theirs', '2001:db8:1::10', 5269)).toBe('connected')
  })
})

describe('behind a host that forwards', () => {
  it('is known to that host alone with private addresses, and to all with others', async () => {
    const network = await createNetwork({ nets: ['203.0.113.0/24'], hosts: [
      { name: 'firewall', addresses: ['203.0.113.1', '2001:db8:1::1'], forwardsAt: '10.10.0.1' },
      { name: 'inner', addresses: ['10.10.0.10'], behind: 'firewall' }, { name: 'between', addresses: ['203.0.113.20', '10.10.0.20', '2001:db8:1::20'], behind: 'firewall' },
      { name: 'theirs', addresses: ['198.51.100.10', '2001:db8:2::10'] },
    ] })
    made.push(network)
    const seen = nextOf(await network.host('inner').listen({ port: 5269 })).then(({ remoteAddress }) => remoteAddress)
    await network.host('between').listen({ port: 5269 })
    await network.host('between').listen({ port: 5269, address: '2001:db8:1::20' })
    expect(await outcomeAt(network, 'between', '10.10.0.10', 5269)).toBe('connected')
    expect(await seen).toBe('10.10.0.20')
    expect(await outcomeAt(network, 'theirs', '10.10.0.10', 5269)).toBe('ENETUNREACH')
    expect([await outcomeAt(network, 'theirs', '203.0.113.20', 5269), await outcomeAt(network, 'theirs', '2001:db8:1::20', 5269)]).toEqual(['connected', 'connected'])
    expect(await outcomeAt(network, 'theirs', '203.0.113.99', 5269)).toBe('EHOSTUNREACH')
    await expect(createNetwork({ hosts: [{ name: 'lost', addresses: ['10.10.0.10'], behind: 'nobody' }] })).rejects.toThrow("'lost' cannot be behind 'nobody'")
  })
})

/** What becomes of connecting to the first address of 'ours'. Silence takes a second. */
describe('a site behind a firewall', () => {
  const hosts = [
    { name: 'inner', addresses: ['10.10.0.10'] as const }, { name: 'desk', addresses: ['10.10.0.20'] as const }, THEIRS,
  ]
  const aSite = async () => {
    const network = await createNetwork({ hosts })
    made.push(network)
    const site = network.site({ inside: ['inner', 'desk'], publicAddresses: ['203.0.113.10', '203.0.113.11'] })
    return { network, site }
  }

  it('sends as its public address, and lets in only what it forwards', async () => {
    const { network, site } = await aSite()
    const inner = await network.host('inner').listen({ port: 5269 })
    const outer = nextOf(await network.host('theirs').listen({ port: 5269 }))
    await network.host('desk').connect({ address: '198.51.100.10', port: 5269 })
    expect((await outer).remoteAddress).toBe('203.0.113.10')
    expect(await outcomeAt(network, 'theirs', '203.0.113.10', 5269)).toBe('silence')
    expect(await outcomeAt(network, 'theirs', '10.10.0.10', 5269)).toBe('silence')

    const forward = site.forward({ address: '203.0.113.10', port: 5269 }, { host: 'inner' })
    const seen = nextOf(inner)
    await network.host('theirs').connect({ address: '203.0.113.10', port: 5269 })
    expect((await seen).remoteAddress).toBe('198.51.100.10')
    expect(forward.packets()).toBe(1)
    expect(await outcomeAt(network, 'theirs', '203.0.113.11', 5269)).toBe('silence')
    expect(await outcomeAt(network, 'desk', '203.0.113.10', 5269)).toBe('silence') // no hairpin
    expect(await outcomeAt(network, 'desk', '10.10.0.10', 5269)).toBe('connected')

    forward.lift()
    expect(await outcomeAt(network, 'theirs', '203.0.113.10', 5269)).toBe('silence')
  })
})

const outcome = (network: Network, from: string, port: number): Promise<string> => outcomeAt(network, from, '203.0.113.10', port)

async function outcomeAt (network: Network, from: string, address: string, port: number): Promise<string> {
  const script = `const socket = require('net').connect(${port}, '${address}')
    const say = word => { console.log(word); process.exit() }
    socket.on('connect', () => say('connected')).on('error', error => say(error.code)); setTimeout(() => say('silence'), 1000)`
  return (await network.host(from).run(process.execPath, ['-e', script])).stdout.trim()
}

async function nextOf (server: Server): Promise<Socket> {
  return (await once(server, 'connection') as [Socket])[0]
}

async function heard (to: Socket, from: Socket, text: string): Promise<string> {
  from.write(text)
  return String((await once(to, 'data') as [Buffer])[0])
}

function ofThisProcess (): string[] {
  return readdirSync('/run/netns').filter(name => name.startsWith(`dialtone-${process.pid}-`))
}

/** What the machine's own network is like. */
function machine (): Record<string, string> {
  return Object.fromEntries([['ip', 'link'], ['ip', 'address'], ['ip', 'route'], ['nft', 'list', 'ruleset']].map(([command = '', ...args]) => [
    [command, ...args].join(' '), spawnSync(command, args, { encoding: 'utf8' }).stdout.replaceAll(/valid_lft \S+ preferred_lft \S+/g, ''),
  ]))
}

function alive (pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
