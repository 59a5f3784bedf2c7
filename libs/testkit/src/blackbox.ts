// prometheus-blackbox-exporter: the ordinary prober that `dialtone check` is measured against. Its module connects, shakes hands, and looks
// at nothing of XMPP.
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

export type Blackbox = RunningServer & Place & {
  /** The URL that probes a host and port with the module `tls` or `tcp`; Prometheus' text format comes back. */
  probe: (module: 'tls' | 'tcp', target: Place) => string
}

/** Starts it; ready when it accepts connections. `serverName` is what it sends as SNI: it has nothing else for an address. */
export async function startBlackbox ({ serverName, address = loopbackAddress(), port }: { serverName?: string, address?: string, port?: number } = {}): Promise<Blackbox> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('blackbox')
  const module = (tls: boolean) => ({ prober: 'tcp', timeout: '5s', tcp: tls ? { tls: true, tls_config: { insecure_skip_verify: true, ...(serverName === undefined ? {} : { server_name: serverName }) } } : {} })
  const file = folder.write('blackbox.yml', JSON.stringify({ modules: { tls: module(true), tcp: module(false) } }))
  const args = [`--config.file=${file}`, `--web.listen-address=${at.address}:${at.port}`]
  const server = await launch({ name: 'blackbox', programs: [{ name: 'blackbox', command: '/usr/bin/prometheus-blackbox-exporter', args, listens: [at] }], folder })
  return { ...server, ...at, probe: (name, target) => `http://${at.address}:${at.port}/probe?module=${name}&target=${target.address}:${target.port}` }
}
