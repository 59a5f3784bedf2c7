// A real Alertmanager: groups, inhibits and sends what a Prometheus of a test fires.
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

export type AlertmanagerOptions = {
  /** YAML or JSON: routes, receivers, inhibition. */
  configuration: string
  address?: string
  port?: number
}
/** An alert as it knows it: `active` is neither inhibited nor silenced. */
export type KnownAlert = { labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>, state: 'active' | 'suppressed' | 'unprocessed', inhibitedBy: readonly string[], silencedBy: readonly string[] }
export type Alertmanager = RunningServer & Place & {
  url: string
  /** All that fire, the suppressed ones too. */
  alerts: () => Promise<KnownAlert[]>
}

const READY_MS = 20_000
const POLL_MS = 100

/** Starts it without a cluster; ready when it answers. */
export async function startAlertmanager ({ configuration, address = loopbackAddress(), port }: AlertmanagerOptions): Promise<Alertmanager> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('alertmanager')
  const file = folder.write('alertmanager.yml', configuration)
  const args = [`--config.file=${file}`, `--storage.path=${folder.path}/data`, `--web.listen-address=${at.address}:${at.port}`, '--cluster.listen-address=', '--log.level=info']
  const server = await launch({ name: 'alertmanager', programs: [{ name: 'alertmanager', command: '/usr/bin/prometheus-alertmanager', args, listens: [at] }], folder })
  const url = `http://${at.address}:${at.port}`
  const until = performance.now() + READY_MS
  while (!(await fetch(`${url}/-/ready`)).ok) {
    if (performance.now() > until) {
      await server.stop()
      throw new Error(`alertmanager: not ready within ${READY_MS} ms`)
    }
    await pause(POLL_MS)
  }
  return {
    ...server, ...at, url,
    alerts: async () => {
      const response = await fetch(`${url}/api/v2/alerts`)
      if (!response.ok) throw new Error(`alertmanager: ${response.status} ${await response.text()}`)
      const all = await response.json() as { labels: Record<string, string>, annotations: Record<string, string>, status: Pick<KnownAlert, 'state' | 'inhibitedBy' | 'silencedBy'> }[]
      return all.map(({ labels, annotations, status: { state, inhibitedBy, silencedBy } }) => ({ labels, annotations, state, inhibitedBy, silencedBy }))
    },
  }
}
