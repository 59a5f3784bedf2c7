/**
 * A real fleet with something to show: `dialtone up` with its demo of 31 domains and pairs, and in the same process a gateway between two real Prosody servers, through
 * which stanzas go both ways, some of which are returned and some of which wait; watched by a real Prometheus.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { certificateOf, freePort, loopbackAddress, sayAsComponent, spawnTied, startDns, startPrometheus, startProsody, testRoot, type Prometheus, type XmppServer } from '@dialtone/testkit'
import { JOBS } from '../../alerting/index.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const OURS = 'office.example'
const PARTNER = 'partner.office.example.net'
/** A peer that nothing answers for. */
export const DEAD = 'dead.example'
const DENIED = 'denied.example'
const COMPONENT = { name: `test.${OURS}`, secret: 'component' }
const READY_MS = 120_000
/** A scrape may take as long, on a machine that has much else to do. */
const SCRAPE_SECONDS = 4
const EVERY_MS = 500

export type FleetAtWork = {
  prometheus: Prometheus
  url: string
  /** What the API of control answers. */
  api: <T>(path: string) => Promise<T>
  /** Asks without a token. */
  knock: () => Promise<number>
  stop: () => Promise<void>
}

export async function startFleetAtWork (): Promise<FleetAtWork> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-grafana-'))
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const stop = async () => { for (const each of stops.splice(0).toReversed()) await each() }
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return `file:${join(folder, name)}`
  }
  try {
    const [outside, inside, responder] = await Promise.all([place(), place(), place()])
    const dns = await startDns({
      zones: [
        { name: OURS, records: [`_xmpp-server._tcp SRV 0 5 ${outside.port} xmpp`, `xmpp A ${outside.address}`] },
        { name: PARTNER, records: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${outside.address}`] },
      ],
    })
    stops.push(() => dns.stop())
    const ours = await startProsody({ hosts: [OURS], tls: 'off', resolver: responder, component: COMPONENT, patience: 10 })
    stops.push(() => ours.stop())
    const partner = await startProsody({ hosts: [PARTNER], tls: 'optional', certificate: await certificateOf('good', PARTNER), resolver: dns.resolver, patience: 10 })
    stops.push(() => partner.stop())

    const { chain, key } = await certificateOf('good', OURS)
    const closed = await freePort('127.0.0.1')
    const anchors = { system: false, given: [file('root.pem', await testRoot())] }
    const resources = [
      {
        kind: 'Gateway', name: 'edge', spec: {
          desired: 'running', secret: file('secret', 'bX9v2Yk8Qw3rT6uI1oP4aS7dF0gH5jKl'), drainSeconds: 1,
          zones: [
            { name: 'world', side: 'external', listen: [outside], certificates: [{ certificate: file('ours.pem', chain), key: file('ours.key', key) }], anchors, resolver: dns.resolver },
            { name: 'office', side: 'internal', domains: [OURS], listen: [inside], responder: { listen: [responder], clients: ['127.0.0.0/8'], gateway: { name: `gateway.${OURS}`, addresses: [inside.address], port: inside.port }, forwardTo: [dns.resolver] } },
          ],
        },
      },
      { kind: 'Domain', name: OURS, spec: { internal: [{ host: ours.address, port: ours.port }] } },
      { kind: 'Peer', name: PARTNER, spec: { ours: [OURS], endpoints: [{ host: partner.address, port: partner.port }], allowNets: ['127.0.0.0/8'] } },
      { kind: 'Peer', name: DEAD, spec: { ours: [OURS], endpoints: [{ host: '127.0.0.1', port: closed }], allowNets: ['127.0.0.0/8'] } },
      { kind: 'Policy', name: 'patient', spec: { ours: '*', peer: DEAD, action: 'allow', limits: { waitSeconds: { message: 3600 } } } },
      { kind: 'Policy', name: 'denied', spec: { ours: '*', peer: DENIED, action: 'deny' } },
      { kind: 'Policy', name: 'until-then', spec: { ours: '*', peer: 'old.example', action: 'allow', until: new Date(Date.now() + 86_400_000).toISOString(), reason: 'a test' } },
    ]
    const configuration = join(folder, 'fleet.yaml')
    writeFileSync(configuration, resources.map(resource => JSON.stringify(resource)).join('\n---\n'))
    const child = spawnTied(process.execPath, [join(ROOT, 'apps/cli/src/main.ts'), 'up', '--demo', '--config', configuration, '--state', join(folder, 'state'), '--listen', '127.0.0.1:0', '--json', '--log', 'warn'], { cwd: ROOT, env: { HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, errors] = ['', '']
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { out += text })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-20_000) })
    const ended = new Promise<void>(done => { child.once('close', () => done()) })
    stops.push(async () => {
      child.kill('SIGTERM')
      await ended
    })
    const until = performance.now() + READY_MS
    while (!out.includes('\n')) {
      if (child.exitCode !== null || performance.now() > until) throw new Error(`dialtone up is not ready: ${errors}`)
      await pause(50)
    }
    const { url, token } = JSON.parse(out.slice(0, out.indexOf('\n'))) as { url: string, token: string }

    const talking = talk(ours)
    stops.push(talking.stop)
    const watching = new AbortController()
    stops.push(() => watching.abort())
    const live = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${token}` }, signal: watching.signal })
    void live.body?.pipeTo(new WritableStream()).catch(() => undefined)
    const prometheus = await startPrometheus({ interval: SCRAPE_SECONDS, scrape: [{ job: JOBS.control, targets: [new URL(url).host], bearerToken: token }] })
    stops.push(() => prometheus.stop())
    return {
      prometheus, url, stop,
      api: async <T>(path: string) => {
        const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
        return await response.json() as T
      },
      knock: async () => (await fetch(`${url}/v1/overview`)).status,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Messages of an inside user, again and again: to somebody outside whom there is not (so that an error comes back), to a peer that is dead, and to one that is denied. */
function talk (ours: XmppServer): { stop: () => Promise<void> } {
  const over = new AbortController()
  const message = (to: string) => `<message type='chat' from='romeo@${OURS}' to='juliet@${to}'><body>But soft, what light?</body></message>`
  const loop = (async () => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      // To the dead one a few, which wait until the end.
      const to = turn < 5 ? [PARTNER, DEAD, DENIED] : [PARTNER, DENIED]
      const socket = connect({ host: ours.address, port: ours.componentPort ?? 0 })
      await sayAsComponent(socket, COMPONENT, to.map(message).join('')).catch(() => undefined)
      await pause(EVERY_MS)
    }
  })()
  return {
    stop: async () => {
      over.abort()
      await loop
    },
  }
}

async function place (): Promise<{ address: string, port: number }> {
  const address = loopbackAddress()
  return { address, port: await freePort(address) }
}

function pause (ms: number): Promise<void> {
  return new Promise(done => { setTimeout(done, ms) })
}
