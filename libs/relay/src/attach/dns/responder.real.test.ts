// Real servers whose only resolver is the responder: Prosody asks by itself or with libunbound, ejabberd asks for SRV with Erlang's resolver and for addresses with the C
// library's. For a foreign domain that no DNS knows both come to the gateway; for each other's domains, which are inside, they go to each other.
import type { Server, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createNetwork, startEjabberd, startKnot, startProsody, startUnbound, sayAsComponent, type Network, type RunningServer, type XmppServer } from '@dialtone/testkit'

const FOREIGN = 'partner.nowhere.example'
const ADDRESS = { prosody: '192.0.2.10', ejabberd: '192.0.2.11', gateway: '192.0.2.20', dns: '192.0.2.30' } as const
const PROGRAM = fileURLToPath(new URL('../test-support/responder-program.ts', import.meta.url))

let network: Network
let output = ''
const servers: Partial<Record<'prosody' | 'ejabberd', XmppServer>> = {}
const running: RunningServer[] = []
const headers: string[] = []

beforeAll(async () => {
  network = await createNetwork({
    hosts: (Object.keys(ADDRESS) as (keyof typeof ADDRESS)[]).map(name => ({ name, addresses: [ADDRESS[name]], ...(name === 'prosody' || name === 'ejabberd' ? { resolver: ADDRESS.gateway } : {}) })),
  })
  const { namespace } = network.host('dns')
  const zones = (['prosody', 'ejabberd'] as const).map(name => ({ name: `${name}.ours.example`, records: [`_xmpp-server._tcp SRV 0 5 5269 xmpp`, `xmpp A ${ADDRESS[name]}`] }))
  const knot = await startKnot({ zones: [{ name: '.', records: [] }, ...zones], address: '127.0.0.1', port: 5300, namespace })
  running.push(knot)
  running.push(await startUnbound({ stubs: knot.zones.map(zone => ({ zone, address: '127.0.0.1', port: 5300 })), address: ADDRESS.dns, port: 53, namespace }))

  const spec = { listen: [{ address: ADDRESS.gateway, port: 53 }], clients: [`${ADDRESS.prosody}/32`, `${ADDRESS.ejabberd}/32`], gateway: { name: 'gateway.ours.example', addresses: [ADDRESS.gateway] }, forwardTo: [{ address: ADDRESS.dns, port: 53 }] }
  const program = network.host('gateway').spawn(process.execPath, [PROGRAM, JSON.stringify({ spec, ours: ['ours.example'] })], { stdio: ['ignore', 'pipe', 'inherit'] })
  program.stdout?.setEncoding('utf8').on('data', (text: string) => { output += text })
  await until(() => output.includes('ready'))

  const gateway: Server = await network.host('gateway').listen({ port: 5269 })
  gateway.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', chunk => {
      headers.push(chunk.toString())
      socket.end()
    })
  })
  const options = (name: 'prosody' | 'ejabberd') => ({ hosts: [`${name}.ours.example`], tls: 'off' as const, address: ADDRESS[name], namespace: network.host(name).namespace, component: { name: `test.${name}.ours.example`, secret: 'component' } })
  servers.prosody = await startProsody(options('prosody'))
  running.push(servers.prosody)
  servers.ejabberd = await startEjabberd(options('ejabberd'))
  running.push(servers.ejabberd)
})

afterAll(async () => {
  await Promise.all(running.map(server => server.stop()))
  await network?.remove()
})

for (const name of ['prosody', 'ejabberd'] as const) {
  const other = name === 'prosody' ? 'ejabberd' : 'prosody'
  it(`${name} comes to the gateway for a foreign domain, and to ${other} for one of the inside`, async () => {
    await ping(name, FOREIGN)
    await until(() => headers.some(header => header.includes(`'${FOREIGN}'`) && header.includes(`'${name}.ours.example'`)))
    await ping(name, `${other}.ours.example`)
    const { logs } = servers[other] as XmppServer
    await until(() => logs().includes(`${name}.ours.example`))
    expect(headers.filter(header => header.includes(`'${other}.ours.example'`) && header.includes(`to='${other}`))).toEqual([])
    expect(output).toMatch(/dialtone_responder_answers_total {"zone":"inside","transport":"udp","answer":"srv"}/)
    expect(output).toMatch(/dialtone_responder_forwarded_total {"zone":"inside","from":"resolver"}/)
  })
}

it('a host that is no client gets no answer', async () => {
  const { stdout } = await network.host('dns').run('/usr/bin/timeout', ['3', process.execPath, '-e', `
    const socket = require('node:dgram').createSocket('udp4')
    socket.on('message', () => console.log('answered'))
    socket.send(Buffer.from('123401000001000000000000', 'hex'), 53, '${ADDRESS.gateway}')
    setTimeout(() => { console.log('over'); socket.close() }, 500)`])
  await until(() => output.includes('"stranger"'))
  expect(stdout).toBe('over\n')
})

async function ping (name: 'prosody' | 'ejabberd', domain: string): Promise<void> {
  const server = servers[name] as XmppServer
  const socket = await network.host(name).connect({ address: server.address, port: server.componentPort ?? 0 })
  await sayAsComponent(socket, { name: `test.${name}.ours.example`, secret: 'component' }, `<iq type='get' id='ping' from='${name}.ours.example' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
}

async function until (holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 20_000; !holds();) {
    if (performance.now() > deadline) throw new Error(`it did not happen; the responder said:\n${output}\nthe gateway heard:\n${headers.join('\n')}`)
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }
}
