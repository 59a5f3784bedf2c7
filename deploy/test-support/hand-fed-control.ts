// A real control on an embedded bus that is told by hand what agents have seen: its verdicts stay what they are, however busy the machine is.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import { STARTTLS_LADDER, domainTokens, type EndpointObservation, type Failure, type Job, type Observation, type Overview, type OverviewRow } from '@dialtone/contracts'
import { ObservationEvent } from '@dialtone/contracts/schemas'
import { parseControlConfig, start } from '@dialtone/control'
import { NO_LOGGER } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'

export type Seen = { vantage: string, job: Job, domain: string, /** Of job peer. */ ours?: string, fails?: Failure }
export type HandFedControl = {
  /** `host:port`. */
  place: string
  /** An admin's, which control gives out at its first start. */
  token: string
  see: (...seen: readonly Seen[]) => Promise<void>
  rows: () => Promise<readonly OverviewRow[]>
  /** Throws with the problem where it is refused. */
  post: (path: string, body: object) => Promise<void>
  /** Safe to call twice. */
  stop: () => Promise<void>
}

export async function startHandFedControl (resources: readonly object[]): Promise<HandFedControl> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-alerts-'))
  const telemetry = createTelemetry()
  const bus = createEmbeddedBus({ file: join(folder, 'bus.db'), meter: telemetry.meter, logger: NO_LOGGER })
  const control = await start({ config: parseControlConfig({ listen: { port: 0 }, store: join(folder, 'store.db') }), bus, telemetry, logger: NO_LOGGER })
  let stopping: Promise<void> | undefined
  const ended = async (): Promise<void> => {
    await control.stop()
    await bus.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const token = control.firstToken ?? ''
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(control.url + path, { method: body === undefined ? 'GET' : 'POST', headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }
  await ask('/v1/apply', { resources })
  let count = 0
  return {
    place: new URL(control.url).host, token,
    see: async (...some) => {
      for (const seen of some) {
        const record = recordOf(seen, ++count)
        await bus.publish(ObservationEvent, [seen.vantage, ...domainTokens(seen.domain)], record, { id: record.id })
      }
    },
    rows: async () => (await ask<Overview>('/v1/overview?limit=200')).domains,
    post: async (path, body) => { await ask(path, body) },
    stop: () => stopping ??= ended(),
  }
}

/** Every stage went well, or the connection failed. */
function recordOf ({ vantage, job, domain, ours, fails }: Seen, n: number) {
  const address = '203.0.113.10'
  const header = { id: `s${n}`, from: domain, version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true }
  const features = { starttls: 'required' as const, mechanisms: [], dialback: true, dialbackErrors: true, bidi: false, streamManagement: false, other: [] }
  const endpoint: EndpointObservation = {
    id: `starttls/xmpp.${domain}:5269/${address}`, kind: 'starttls', source: 'srv', target: `xmpp.${domain}`, port: 5269, priority: 0, weight: 5, address, family: 4, received: fails === undefined ? 900 : 0, transcript: [],
    steps: STARTTLS_LADDER.map((stage, at) => ({ stage, outcome: fails === undefined ? 'ok' : at === 0 ? 'failed' : 'not-asked', atMs: 1, ms: 1, ...(at === 0 && fails !== undefined ? { failure: fails } : {}) })),
    ...(fails === undefined ? { header, features, headerAgain: header, featuresAgain: { ...features, starttls: 'absent' as const, mechanisms: ['EXTERNAL'] }, tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: domain, clientCertificateRequested: true } } : {}),
  }
  const answer = { resolver: '192.0.2.53:53', transport: 'udp' as const, atMs: 0, ms: 1, authenticated: false, aliases: [], extended: [], outcome: 'answer' as const }
  const observation: Observation = {
    v: 1, domain, vantage, startedAt: new Date().toISOString(), ms: 5,
    asked: { ...(ours === undefined ? {} : { as: ours }), from: ours ?? 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: true, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
    dns: [
      { ...answer, name: `_xmpp-server._tcp.${domain}`, type: 'SRV', purpose: 'xmpp-server', records: [{ type: 'SRV', ttl: 60, priority: 0, weight: 5, port: 5269, target: `xmpp.${domain}` }] },
      { ...answer, name: `xmpp.${domain}`, type: 'A', purpose: 'target', records: [{ type: 'A', ttl: 60, address }] },
    ],
    endpoints: [endpoint], claim: [], certificates: {}, messages: {}, leftOut: 0,
  }
  return { v: 1 as const, id: `observation-${n}`, agent: `${vantage}-1`, vantage, target: `${job}:${domain}${ours === undefined ? '' : `:${ours}`}`, job, ...(ours === undefined ? {} : { ours }), observation }
}
