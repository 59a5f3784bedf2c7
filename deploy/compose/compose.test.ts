// compose.yaml against itself, against the files of the checkout, and against the options that the apps really have. No engine is asked: there is none here.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { takesOptions } from '../test-support/app-options.ts'
import { ownersOfVolumes, userOf } from './volumes.ts'

type Service = {
  image: string, build?: { context: string, dockerfile: string }, user?: string, command?: string[], environment?: Record<string, string>
  restart: string, read_only: boolean, cap_drop: string[], cap_add?: string[], security_opt: string[], privileged?: boolean, network_mode?: string, pid?: string, tmpfs?: string[]
  secrets?: string[], configs?: { source: string, target: string }[], volumes?: (string | { type: string, source: string, target: string, read_only: boolean })[], networks: string[], ports?: string[]
  healthcheck: { test: string[] }, stop_grace_period?: string, depends_on?: Record<string, { condition: string }>, logging: { options: Record<string, string> }
}
type Compose = { services: Record<string, Service>, networks: Record<string, { internal?: boolean }>, volumes: Record<string, object>, configs: Record<string, { file: string }>, secrets: Record<string, { file: string }> }
type Scrape = { job_name: string, scheme?: string, honor_labels?: boolean, tls_config?: { ca_file: string }, authorization?: { credentials_file: string }, static_configs: { targets: string[], labels?: Record<string, string> }[] }
type Prometheus = { rule_files: string[], scrape_configs: Scrape[], alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] } }

const HERE = import.meta.dirname
const read = (file: string): unknown => parse(readFileSync(join(HERE, file), 'utf8'), { merge: true })
const compose = read('compose.yaml') as Compose
const { 'nats-volume': once, ...lasting } = compose.services
const services = Object.entries(lasting)
const apps = services.filter(([, { image }]) => image.startsWith('dialtone:'))
const BOOTSTRAP = readFileSync(join(HERE, 'bootstrap.sh'), 'utf8')

it('has the bus, every app, and what watches them', () => {
  expect(services.map(([name]) => name)).toEqual(['nats', 'control', 'agent-inside', 'agent-outside', 'gateway', 'prometheus', 'alertmanager', 'grafana'])
  expect(apps.map(([, { command }]) => command?.[0])).toEqual(['control', 'probe', 'probe', 'gateway'])
})

for (const [name, service] of services) {
  it(`${name}: hardened, of one version, watched and restarted`, () => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], restart: 'unless-stopped' })
    for (const loose of ['privileged', 'cap_add', 'network_mode', 'pid', 'ipc', 'devices', 'userns_mode']) expect(service).not.toHaveProperty(loose)
    expect(service.image).toMatch(/^[a-z/]+:v?\d+\.\d+\.\d+(-alpine)?$/)
    // Ours says it in its image.
    if (service.build === undefined) expect(Number(service.user?.split(':')[0])).toBeGreaterThan(0)
    expect(service.healthcheck.test[0]).toBe('CMD')
    expect(service.logging.options).toHaveProperty('max-size')
  })

  it(`${name}: what it is given is there, and what it names is given to it`, () => {
    const seen = [
      ...(service.secrets ?? []).map(secret => `/run/secrets/${secret}`), ...(service.configs ?? []).map(({ target }) => target), ...(service.tmpfs ?? []),
      ...(service.volumes ?? []).map(volume => typeof volume === 'string' ? volume.split(':')[1] ?? '' : volume.target),
    ]
    for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty([secret])
    for (const { source } of service.configs ?? []) expect(compose.configs).toHaveProperty([source])
    for (const volume of service.volumes ?? []) {
      if (typeof volume === 'string') expect(compose.volumes).toHaveProperty([volume.split(':')[0] ?? ''])
      else expect([volume.read_only, existsSync(join(HERE, volume.source))], volume.source).toEqual([true, true])
    }
    for (const network of service.networks) expect(compose.networks).toHaveProperty([network])
    const named = [...service.command ?? [], ...Object.values(service.environment ?? {})].flatMap(text => [/(?:^|=)(\/(?:run|etc|var|data|prometheus|alertmanager)\/?\S*)$/.exec(text)?.[1] ?? []].flat())
    for (const path of named) expect(seen.some(place => path === place || path.startsWith(`${place}/`)), `${path} is not among ${seen.join(', ')}`).toBe(true)
  })
}

it('a new volume belongs to whoever writes to it, on an engine that does what engines do', () => {
  const owners = ownersOfVolumes(compose.services)
  expect([...owners.keys()].toSorted()).toEqual(Object.keys(compose.volumes).toSorted())
  for (const [name, service] of services) {
    for (const volume of service.volumes ?? []) if (typeof volume === 'string') expect(owners.get(volume.split(':')[0] ?? ''), `${name}: ${volume}`).toBe(userOf(service).split(':')[0])
  }
})

it('the volume of the bus is made before the bus, by a container that may do nothing else and ends', () => {
  expect(once).toMatchObject({ image: apps[0]?.[1].image, command: ['--help'], restart: 'no', network_mode: 'none', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], volumes: ['nats:/var/lib/dialtone'] })
  expect(compose.services['nats']?.depends_on).toEqual({ 'nats-volume': { condition: 'service_completed_successfully' } })
})

for (const [name, { command = [], environment = {} }] of apps) {
  it(`${name}: the app takes its options`, { timeout: 60_000 }, () => takesOptions(command, environment['NODE_OPTIONS']))
}

it('what is mounted exists in the checkout, or bootstrap.sh writes it', () => {
  for (const { file } of Object.values(compose.configs)) expect(existsSync(join(HERE, file)), file).toBe(true)
  const vantages = apps.flatMap(([, { command = [] }]) => command.includes('--vantage') ? [command[command.indexOf('--vantage') + 1]] : [])
  expect(BOOTSTRAP).toContain(`DIALTONE_VANTAGES:-${vantages.join(' ')}}`)
  expect(BOOTSTRAP).toContain('DIALTONE_GATEWAYS:-edge}')
  expect(Object.values(compose.secrets).map(({ file }) => file.split('/').slice(0, 2).join('/'))).toEqual(Object.keys(compose.secrets).map(() => './secrets'))
})

it('the health of each is asked where it listens', () => {
  for (const [name, { command = [], environment = {}, configs = [] }] of apps) {
    const at = command.indexOf('--http')
    const port = at === -1 ? (read(compose.configs[configs[0]?.source ?? '']?.file ?? '') as { listen: { port: number } }).listen.port : Number(command[at + 1]?.split(':')[1])
    expect(new URL(environment['DIALTONE_HEALTH'] ?? '').port, name).toBe(String(port))
  }
})

it('Prometheus scrapes every app where it listens, over a network that they share, by the jobs that the rules know', () => {
  const prometheus = read('prometheus.yml') as Prometheus
  const example = read('../prometheus/prometheus.yml') as Prometheus
  expect(prometheus.scrape_configs.map(({ job_name, honor_labels }) => ({ job_name, honor_labels }))).toEqual(example.scrape_configs.map(({ job_name, honor_labels }) => ({ job_name, honor_labels })))
  const targets = prometheus.scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap(each => each.targets))
  expect(targets.toSorted()).toEqual(apps.map(([name, { environment = {} }]) => `${name}:${new URL(environment['DIALTONE_HEALTH'] ?? '').port}`).toSorted())
  for (const target of [...targets, ...prometheus.alerting.alertmanagers.flatMap(({ static_configs }) => static_configs.flatMap(each => each.targets))]) {
    const networks = compose.services[target.split(':')[0] ?? '']?.networks ?? []
    expect(networks.some(network => compose.services['prometheus']?.networks.includes(network)), target).toBe(true)
  }
  // What its configuration names is given to it.
  const secrets = compose.services['prometheus']?.secrets?.map(secret => `/run/secrets/${secret}`)
  for (const { tls_config, authorization } of prometheus.scrape_configs) for (const path of [tls_config?.ca_file, authorization?.credentials_file]) if (path !== undefined) expect(secrets).toContain(path)
  expect(compose.services['prometheus']?.configs?.map(({ target }) => target)).toContain(`/etc/prometheus/${prometheus.rule_files[0]}`)
})

it('Grafana asks the Prometheus of this file, and finds its dashboards', () => {
  const { environment = {}, volumes = [], networks } = compose.services['grafana'] ?? {}
  const url = new URL(environment['DIALTONE_PROMETHEUS_URL'] ?? '')
  expect(compose.services[url.hostname]?.networks.some(network => networks?.includes(network))).toBe(true)
  expect(compose.services[url.hostname]?.ports?.[0]?.endsWith(`:${url.port}`)).toBe(true)
  const [source] = (read('../grafana/provisioning/datasources/dialtone.yaml') as { datasources: { url: string }[] }).datasources
  expect(source?.url).toBe('$DIALTONE_PROMETHEUS_URL')
  const [provider] = (read('../grafana/provisioning/dashboards/dialtone.yaml') as { providers: { options: { path: string } }[] }).providers
  expect(volumes.map(volume => typeof volume === 'string' ? '' : volume.target)).toContain(provider?.options.path)
})

it('only the gateway listens for the world; the rest is for this host, and the bus for nobody', () => {
  const open = services.flatMap(([name, { ports = [] }]) => ports.filter(port => !port.startsWith('127.0.0.1:')).map(port => `${name} ${port}`))
  expect(open).toEqual(['gateway 5269:5269'])
  expect(compose.services['nats']?.ports).toBeUndefined()
  expect(compose.networks['bus']).toEqual({ internal: true })
})

it('apps wait for the bus, and have time to end', () => {
  for (const [name, { depends_on: after, stop_grace_period: grace }] of apps) {
    expect(after).toEqual({ nats: { condition: 'service_healthy' } })
    expect(Number(grace?.replace('s', '')), name).toBeGreaterThanOrEqual(name === 'gateway' ? 45 : 30)
  }
})

