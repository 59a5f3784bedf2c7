import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { freePort, startNatsServer } from '@dialtone/testkit'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { afterEach, expect, it } from 'vitest'
import { Seen } from '../test-support/kinds.ts'
import { eventually } from '../test-support/rig.ts'
import { connectNats } from './connect-nats.ts'
import { permissionsFor, type NatsApp } from './permissions.ts'
import { outdatedIn, writeNatsUsers } from './write-users.ts'

const root = join(import.meta.dirname, '../../../..')
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

it('a server with what the script writes knows each app by its seed', async () => {
  const folder = newFolder()
  const files = execFileSync(process.execPath, [join(root, 'deploy/nats/write-users.ts'), '--folder', folder, '--vantage', 'inside', '--vantage', 'outside', '--gateway', 'edge'], { encoding: 'utf8' }).trim().split('\n')
  expect(files).toEqual(['nats-server.conf', 'control.nk', 'probe-inside.nk', 'probe-outside.nk', 'gateway-edge.nk', 'system.nk'].map(name => join(folder, name)))
  expect(files.map(file => statSync(file).mode & 0o777)).toEqual(files.map(() => 0o600))
  // Where the test server listens and stores is its own.
  const accounts = readFileSync(join(folder, 'nats-server.conf'), 'utf8').replace(/^(listen|jetstream).*$/gm, '')
  const server = await startNatsServer({ configuration: accounts })
  const joined = (who: NatsApp) => {
    const { user, inboxPrefix } = permissionsFor(who)
    return connectNats({ servers: server.url, name: user, inboxPrefix, credentials: { nkeySeedFile: join(folder, `${user}.nk`) }, createStreams: who.app === 'control', limits: { streams: { observations: { maxBytes: 1e7 } } }, meter: NO_METER, logger: NO_LOGGER })
  }
  const control = await joined({ app: 'control' })
  const inside = await joined({ app: 'probe', vantage: 'inside' })
  expect(await control.extent('observations')).toMatchObject({ first: 0, last: 0 })
  await inside.publish(Seen, ['inside', 'org'], { n: 1 }, { id: '1' })
  expect(await control.extent('observations')).toMatchObject({ first: 1, last: 1 })
  const edge = await joined({ app: 'gateway', gateway: 'edge' })
  expect(edge.connected).toBe(true)
  await Promise.all([control.stop(), inside.stop(), edge.stop()])
  await server.stop()
})

it('the script says how it is called', () => {
  expect(execFileSync(process.execPath, [join(root, 'deploy/nats/write-users.ts'), '--help'], { encoding: 'utf8' })).toMatch(/--folder DIR[^]*--gateway NAME/)
})

it('a file without a seed, and what is no address, are said at once; without a seed the server\'s refusal says what is missing; another\'s seed is said once', async () => {
  const folder = newFolder()
  writeNatsUsers({ folder, vantages: [], gateways: ['edge', 'other'] })
  const accounts = readFileSync(join(folder, 'nats-server.conf'), 'utf8').replace(/^(listen|jetstream).*$/gm, '')
  const server = await startNatsServer({ configuration: accounts })
  const lines: string[] = []
  const hear = (fields: object, says: string) => { lines.push(`${says} ${JSON.stringify(fields)}`) }
  const logger = { ...NO_LOGGER, warn: hear, error: hear }
  const joined = (servers: string, file?: string) => connectNats({ servers, name: 'edge', inboxPrefix: permissionsFor({ app: 'gateway', gateway: 'edge' }).inboxPrefix, createStreams: false, meter: NO_METER, logger, firstMs: 500, ...(file === undefined ? {} : { credentials: { nkeySeedFile: file } }) })
  const junk = join(folder, 'junk.nk')
  writeFileSync(junk, 'nonsense\n')
  await expect(joined(server.url, junk)).rejects.toMatchObject({ code: 'bus-credentials', message: expect.stringContaining(junk) as string })
  for (const address of ['junk', 'http://127.0.0.1:4222', '']) await expect(joined(address)).rejects.toMatchObject({ code: 'bus-address' })
  const unnamed = await joined(server.url)
  await eventually(() => expect(lines.join('\n')).toContain('--bus-seed'))
  await unnamed.stop()
  lines.length = 0
  const wrong = await joined(server.url, join(folder, 'gateway-other.nk'))
  for (const name of ['a', 'b', 'c']) await wrong.subscribe(Seen, [name], () => undefined)
  await eventually(() => expect(lines.filter(line => line.includes('does not allow'))).toHaveLength(1))
  await wrong.stop()
  await server.stop()
})

it('a vantage is added by a restart, and those that were connected come back', async () => {
  const folder = newFolder()
  const accounts = (vantages: string[]): string => readFileSync(writeNatsUsers({ folder, vantages })[0] ?? '', 'utf8').replace(/^(listen|jetstream).*$/gm, '')
  const server = await startNatsServer({ configuration: accounts(['inside']) })
  const joined = (who: NatsApp, firstMs = 3000) => {
    const { user, inboxPrefix } = permissionsFor(who)
    return connectNats({ servers: server.url, name: user, inboxPrefix, credentials: { nkeySeedFile: join(folder, `${user}.nk`) }, createStreams: who.app === 'control', limits: { streams: { observations: { maxBytes: 1e7 } } }, meter: NO_METER, logger: NO_LOGGER, firstMs })
  }
  const control = await joined({ app: 'control' })
  const inside = await joined({ app: 'probe', vantage: 'inside' })
  const more = accounts(['inside', 'outside'])
  const outside = await joined({ app: 'probe', vantage: 'outside' }, 100)
  expect(outside.connected).toBe(false)
  await server.end()
  await server.start(more)
  await eventually(() => expect(outside.connected).toBe(true), 20_000)
  await eventually(async () => {
    await inside.publish(Seen, ['inside', 'org'], { n: 1 }, { id: '1' })
    await outside.publish(Seen, ['outside', 'org'], { n: 2 }, { id: '2' })
    expect(await control.extent('observations')).toMatchObject({ first: 1, last: 2 })
  })
  await Promise.all([control, inside, outside].map(bus => bus.stop()))
  await server.stop()
})

it('keeps the seeds that are there, and refuses what is none', () => {
  const folder = newFolder()
  writeNatsUsers({ folder, vantages: ['inside'] })
  const before = ['control.nk', 'probe-inside.nk'].map(name => readFileSync(join(folder, name), 'utf8'))
  writeNatsUsers({ folder, vantages: ['inside', 'outside'] })
  expect(['control.nk', 'probe-inside.nk'].map(name => readFileSync(join(folder, name), 'utf8'))).toEqual(before)
  writeFileSync(join(folder, 'probe-outside.nk'), 'no seed')
  expect(() => writeNatsUsers({ folder, vantages: ['inside', 'outside'] })).toThrow(expect.objectContaining({ code: 'bus-credentials' }))
  expect(() => writeNatsUsers({ folder, vantages: ['in side'] })).toThrow(expect.objectContaining({ code: 'bad-key' }))
  expect(() => writeNatsUsers({ folder, vantages: [], gateways: ['*'] })).toThrow(expect.objectContaining({ code: 'bad-key' }))
})

it('who is not named again is not dropped unless that is said; twice named is once; what is of other servers is told', () => {
  const parent = join(newFolder(), 'etc')
  const folder = join(parent, 'nats')
  const files = (...args: Parameters<typeof writeNatsUsers>) => writeNatsUsers(...args).map(file => basename(file))
  expect(files({ folder, vantages: ['inside', 'outside', 'inside'], gateways: ['edge'] })).toEqual(['nats-server.conf', 'control.nk', 'probe-inside.nk', 'probe-outside.nk', 'gateway-edge.nk', 'system.nk'])
  // What stands beside it is not only for who wrote it.
  expect([parent, folder].map(each => statSync(each).mode & 0o777 & ~process.umask())).toEqual([0o777 & ~process.umask(), 0o700])
  const before = readFileSync(join(folder, 'nats-server.conf'), 'utf8')
  expect(() => writeNatsUsers({ folder, vantages: ['inside'] })).toThrow(expect.objectContaining({ code: 'left-out', message: expect.stringMatching(/^gateway-edge, probe-outside /) as string }))
  expect(readFileSync(join(folder, 'nats-server.conf'), 'utf8')).toBe(before)
  const nodes = ['nats-1', 'nats-2', 'nats-3'].map(name => ({ name, host: name, port: 6222 }))
  const written = writeNatsUsers({ folder, vantages: ['inside'], nodes, remove: true })
  expect(readdirSync(folder).filter(file => file.endsWith('.nk')).toSorted()).toEqual(['control.nk', 'probe-inside.nk', 'system.nk'])
  expect(outdatedIn(folder, written)).toEqual([join(folder, 'nats-server.conf')])
  // Its seed is gone already, as where somebody took it over.
  rmSync(join(folder, 'probe-inside.nk'))
  expect(files({ folder, vantages: ['berlin'] })).toContain('probe-berlin.nk')
  for (const listen of ['0.0.0.0:99999', '127.0.0.1:0']) expect(() => writeNatsUsers({ folder, vantages: ['berlin'], listen })).toThrow(expect.objectContaining({ code: 'bad-listen' }))
})

it('what is open to everybody, a seed of two users, and where nothing can be written are refused in a sentence', () => {
  const folder = join(newFolder(), 'nats')
  const refused = (code: string, says: RegExp, where = folder) => expect(() => writeNatsUsers({ folder: where, vantages: ['inside', 'outside'] })).toThrow(expect.objectContaining({ code, message: expect.stringMatching(says) as string }))
  writeNatsUsers({ folder, vantages: ['inside', 'outside'] })
  chmodSync(folder, 0o777)
  refused('bus-credentials', /nats is open to everybody on this host \(mode 0777\).*chmod o-w$/)
  // As a container has it, whose user is another.
  chmodSync(folder, 0o711)
  chmodSync(join(folder, 'control.nk'), 0o644)
  refused('bus-credentials', /control\.nk is open to everybody on this host \(mode 0644\)/)
  chmodSync(join(folder, 'control.nk'), 0o640)
  writeNatsUsers({ folder, vantages: ['inside', 'outside'] })
  writeFileSync(join(folder, 'probe-outside.nk'), readFileSync(join(folder, 'probe-inside.nk')))
  refused('bus-credentials', /probe-outside\.nk holds the seed of another user/)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  refused('unwritable', /file cannot be written or read \(it, or what it is in, is no folder\)/, file)
  refused('unwritable', /no folder/, join(file, 'below'))
  refused('unwritable', /\/proc\/x cannot be written or read \(nothing can be made there\)/, '/proc/x/y')
  const nodes = ['nats-server', 'nats-2', 'nats-3'].map(name => ({ name, host: name, port: 6222 }))
  expect(() => writeNatsUsers({ folder, vantages: ['inside', 'outside'], nodes })).toThrow(expect.objectContaining({ code: 'bad-node' }))
})

it('an app says that everybody may read its seed', async () => {
  const folder = newFolder()
  writeNatsUsers({ folder, vantages: ['inside'] })
  const said: string[] = []
  const logger = { ...NO_LOGGER, warn: (fields: object, says: string) => void said.push(`${says} ${JSON.stringify(fields)}`) }
  const joined = async () => await (await connectNats({ servers: 'nats://127.0.0.1:1', name: 'x', credentials: { nkeySeedFile: join(folder, 'control.nk') }, meter: NO_METER, logger, firstMs: 1 })).stop()
  await joined()
  expect(said.filter(line => line.includes('everybody'))).toEqual([])
  chmodSync(join(folder, 'control.nk'), 0o644)
  await joined()
  expect(said.filter(line => line.includes('everybody'))).toEqual([expect.stringMatching(/may read the seed.*"mode":"0644"/)])
})

it('a server that listens on 0.0.0.0 is reached over IPv6 as well, as where a cluster has no other', async () => {
  const port = await freePort('127.0.0.1')
  const folder = newFolder()
  const file = join(folder, 'nats.conf')
  writeFileSync(file, `listen: "0.0.0.0:${port}"\n`)
  const server = await startNatsServer({ port, file })
  const socket = connect({ host: '::1', port })
  const [greeting] = await once(socket, 'data') as [Buffer]
  expect(greeting.toString()).toMatch(/^INFO /)
  socket.destroy()
  await server.stop()
})

it('a seed that cannot be read, and a password in an address, are told at once, without the password', async () => {
  const refused = connectNats({ servers: 'nats://127.0.0.1:1,nats://control:hunter2@127.0.0.1:2', name: 'x', meter: NO_METER, logger: NO_LOGGER })
  await expect(refused).rejects.toMatchObject({ code: 'bus-credentials', message: expect.not.stringContaining('hunter2') })
  await expect(connectNats({ servers: 'nats://127.0.0.1:1', name: 'x', credentials: { nkeySeedFile: '/nowhere/control.nk' }, meter: NO_METER, logger: NO_LOGGER })).rejects.toMatchObject({ code: 'bus-credentials' })
})

function newFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-nats-'))
  folders.push(folder)
  return folder
}
