// A scenario of the zoo with real servers in the places of the scripted peers, and Knot and Unbound in the place of the embedded resolver.
// What a server is configured to do is read from the script that it replaces: its certificate, whether it offers TLS, whom it serves.
// Scripts that no configuration stands for (silence, nonsense) stay scripted beside the real servers.
import { DEFAULT_JUDGE_CONFIG, type JudgeConfig } from '@dialtone/contracts'
import { DOMAIN, GOOD, PATIENT, certificateFor, openBlackhole, startPeer, trustedRoot, type CertificateSpec, type PortName, type Scenario, type ScenarioRecord, type ScenarioRequest, type Script } from '@dialtone/zoo'
import type { ServerName } from './configurations.ts'
import { startDns, type TestDns } from './dns.ts'
import type { Zone } from './knot.ts'
import { startEjabberd } from './ejabberd.ts'
import { startJabberd2 } from './jabberd2.ts'
import { accepts, freePort, loopbackAddress } from './loopback.ts'
import { startProsody, type ProsodyOptions } from './prosody.ts'
import type { XmppOptions, XmppServer } from './xmpp-server.ts'

export type StartedCounterpart = {
  request: ScenarioRequest
  judge: JudgeConfig
  servers: readonly XmppServer[]
  dns: TestDns
  stop: () => Promise<void>
}

type Ports = Record<PortName, number>
type At = { host: string, address: string, family: 4 | 6, port: (name: PortName) => number }

/** What a script does not tell about the configuration that it stands for. */
export type Recipe = {
  server: ServerName
  /** Although the script breaks off, a server as it is otherwise described does the same. */
  breaksOff?: true
  withoutCertificate?: true
  /** Prosody: no stream without a valid certificate of the other side. */
  secureAuth?: true
  /** Prosody: lines for the host. */
  hostLines?: readonly string[]
  /** The resolver is given a wrong trust anchor for the zone. */
  bogus?: true
}

/** Starts everything that the scenario has. Nothing is left if a part of it does not start. */
export async function startCounterpart (scenario: Scenario, recipe: Recipe): Promise<StartedCounterpart> {
  const domain = scenario.domain ?? DOMAIN
  const closers: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map(close => close()))
  }
  try {
    const ports: Ports = { usual: await portForAll(), direct: await portForAll(), other: await portForAll() }
    // The authority of the certificate that we show.
    const ours = scenario.request?.clientCertificate === undefined ? undefined : await trustedRoot()
    const servers: XmppServer[] = []
    const places: At[] = []
    for (const { name: host, addresses } of scenario.hosts) {
      for (const at of addresses) {
        if (at === 'blackhole') {
          const hole = await openBlackhole()
          closers.push(hole.close)
          places.push({ host, address: hole.address, family: 4, port: () => hole.port })
          continue
        }
        const address = at.family === 6 ? '::1' : loopbackAddress()
        let direct = ports.direct
        // What answers on a direct TLS port without TLS is a server's port for STARTTLS. A server with direct TLS has that one too: not where the
        // scenario has nothing.
        const [script, port] = at.usual !== undefined ? [at.usual, ports.usual] : at.other !== undefined ? [at.other, ports.other] : [at.direct, at.direct?.[0]?.do === 'tls' ? await freePort(address) : ports.direct]
        if (script !== undefined && (isServer(script) || recipe.breaksOff === true)) {
          const server = await startFor(script, recipe, { domain, address, port, directTls: at.direct?.[0]?.do === 'tls', ours })
          servers.push(server)
          closers.push(server.stop)
          direct = server.directTlsPort ?? direct
        } else if (script !== undefined) {
          const peer = await startPeer(script, { domain, address, port })
          if (peer !== undefined) closers.push(peer.close)
        }
        places.push({ host, address, family: at.family ?? 4, port: portName => portName === 'direct' ? direct : ports[portName] })
      }
    }
    const zones = await zonesOf(scenario, domain, places, ports, recipe.bogus === true)
    const dns = await startDns({ zones, bogus: recipe.bogus === true ? zones.map(zone => zone.name) : [] })
    closers.push(dns.stop)
    return { request: await requestOf(scenario, domain, places, dns, ports.usual), judge: judgeOf(scenario, places), servers, dns, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A script that ends with a goodbye is a server that works, however it is set up. */
function isServer (script: Script): boolean {
  return script.some(step => step.do === 'goodbye')
}

async function startFor (script: Script, recipe: Recipe, { domain, address, port, directTls, ours }: { domain: string, address: string, port: number, directTls: boolean, ours: string | undefined }): Promise<XmppServer> {
  const header = script.find(step => step.do === 'header')
  const features = script.filter(step => step.do === 'features')
  const handshake = script.find(step => step.do === 'tls')
  const starttls = features[0]?.starttls ?? (handshake === undefined && recipe.breaksOff !== true ? undefined : 'required')
  const serves = header?.serves ?? [domain]
  const certificate = recipe.withoutCertificate === true || starttls === undefined ? undefined : await certificateFor(handshake?.certificate ?? GOOD)
  const options: XmppOptions = {
    hosts: typeof serves === 'string' ? ['unserved.example'] : serves,
    tls: starttls ?? 'off', address, port, directTls,
    ...(certificate === undefined ? {} : { certificate }),
  }
  if (recipe.server === 'jabberd2') return await startJabberd2(options)
  if (recipe.server === 'ejabberd') return await startEjabberd(options)
  return await startProsody({ ...options, ...prosodyOf(script, ours), secureAuth: recipe.secureAuth === true, hostLines: recipe.hostLines ?? [] })
}

/** How Prosody is told to do what the script does. */
function prosodyOf (script: Script, ours: string | undefined): Pick<ProsodyOptions, 'modules' | 'ssl' | 'trusts' | 'openssl'> {
  const { only, ciphers, clientCertificate, alertAtCertificate, signatures } = script.find(step => step.do === 'tls') ?? {}
  const offered = script.findLast(step => step.do === 'features')
  return {
    // Without any feature it would end the stream: undefined-condition, "No stream features to offer".
    modules: offered !== undefined && offered.dialback === undefined ? ['!dialback', 's2s_bidi'] : [],
    ssl: [
      ...(only === undefined ? [] : [`protocol = "${only.toLowerCase().replace('.', '_')}"`]),
      ...(ciphers === undefined ? [] : [`ciphers = ${JSON.stringify(ciphers)}`]),
      ...(clientCertificate === 'never' ? ['verify = "none"'] : []),
      ...(clientCertificate === 'demanded' ? ['verify = { "peer", "client_once", "fail_if_no_peer_cert" }'] : []),
      // By default it goes on with whatever certificate it is shown, and only offers no EXTERNAL.
      ...(alertAtCertificate === undefined ? [] : ['verifyext = { lsec_continue = false }']),
    ],
    ...(ours === undefined || alertAtCertificate !== undefined ? {} : { trusts: ours }),
    openssl: [
      ...(ciphers?.includes('SECLEVEL') === true ? [`CipherString = ${ciphers}`] : []),
      ...(signatures === undefined ? [] : [`ClientSignatureAlgorithms = ${signatures}`]),
    ],
  }
}

async function zonesOf ({ records, hosts, resolver }: Scenario, domain: string, places: readonly At[], ports: Ports, bogus: boolean): Promise<Zone[]> {
  if (records.length + hosts.length === 0) return []
  const lines = [
    ...await Promise.all(records.map(record => lineOf(record, domain, places, ports))),
    ...places.map(({ host, address, family }) => `${host}. ${family === 4 ? 'A' : 'AAAA'} ${address}`),
  ]
  const names = [...new Set([domain.endsWith(`.${DOMAIN}`) ? DOMAIN : domain, ...hosts.filter(({ name }) => name.endsWith(DOMAIN)).map(() => DOMAIN)])]
  return names.map(name => ({ name, records: lines.filter(line => ` ${line}`.split(' ')[1]?.endsWith(`${name}.`)), signed: bogus || resolver?.authenticated === true }))
}

async function lineOf (record: ScenarioRecord, domain: string, places: readonly At[], ports: Ports): Promise<string> {
  const portOf = (host: string, port: PortName): number => places.find(place => place.host === host)?.port(port) ?? ports[port]
  switch (record.type) {
    case 'SRV': {
      const { service, port = 'usual', priority = 0, weight = 5 } = record
      const host = typeof record.target === 'string' ? record.target : record.target.addressOf
      const target = typeof record.target === 'string' ? host : places.find(place => place.host === host)?.address ?? ''
      return `_${service}._tcp.${domain}. SRV ${priority} ${weight} ${target === '.' ? '0 .' : `${portOf(host, port)} ${target}.`}`
    }
    case 'TLSA': return `_${portOf(record.host, record.port)}._tcp.${record.host}. TLSA 3 1 1 ${Buffer.from(await spkiOf(record.certificate)).toString('hex')}`
    case 'CNAME': return `${record.name}. CNAME ${record.target}.`
    default: return `${record.name}. ${record.type} ${record.address}`
  }
}

async function spkiOf (spec: CertificateSpec): Promise<Uint8Array> {
  return (await certificateFor(spec)).spkiSha256
}

async function requestOf ({ request = {}, resolver }: Scenario, domain: string, places: readonly At[], dns: TestDns, fallbackPort: number): Promise<ScenarioRequest> {
  const shown = request.clientCertificate === undefined ? undefined : await certificateFor(request.clientCertificate)
  return {
    domain,
    ...(request.as === undefined ? {} : { as: request.as }),
    vantage: 'zoo',
    resolver: { ...dns.resolver, trusted: resolver?.authenticated === true },
    controlName: '.',
    overrides: (request.overrides ?? []).map(({ host, port, kind }) => ({ host, kind, port: places.find(place => place.host === host)?.port(port) ?? 1 })),
    fallbackPort,
    families: [4, 6],
    allowNets: ['127.0.0.0/8', '::1/128'],
    ...(shown === undefined ? {} : { clientCertificate: { certificate: shown.chain, key: shown.key } }),
    anchors: { system: false, given: [await trustedRoot()] },
    secondLooks: true,
    parallel: 16,
    timeoutsMs: { ...PATIENT, ...request.timeoutsMs },
  }
}

function judgeOf ({ judge = {} }: Scenario, places: readonly At[]): JudgeConfig {
  const { expectedAddresses = [], ...rest } = judge
  return { ...DEFAULT_JUDGE_CONFIG, slowStageMs: PATIENT.stream, ...rest, expectedAddresses: expectedAddresses === 'published' ? places.map(({ address }) => address) : expectedAddresses }
}

/** The addresses are chosen at random, so a port that is free at one is free at the others. ::1 is shared with the machine. */
async function portForAll (): Promise<number> {
  for (;;) {
    const port = await freePort(loopbackAddress())
    if (!await accepts({ address: '::1', port })) return port
  }
}
