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
  /** The same, asked again until it satisfies; throws with the last answer. */
  until: (satisfied: (alerts: readonly KnownAlert[]) => boolean, withinMs?: number) => Promise<KnownAlert[]>
  /** Keeps quiet about what has these labels, for so long; resolves to what ends it. */
  silence: (labels: Readonly<Record<string, string>>, seconds: number, comment: string) => Promise<() => Promise<void>>
}

const READY_MS = 20_000
const UNTIL_MS = 30_000
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
  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const response = await fetch(`${url}${path}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`alertmanager: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const alerts = async (): Promise<KnownAlert[]> => {
    const all = await ask<{ labels: Record<string, string>, annotations: Record<string, string>, status: Pick<KnownAlert, 'state' | 'inhibitedBy' | 'silencedBy'> }[]>('/api/v2/alerts')
    return all.map(({ labels, annotations, status: { state, inhibitedBy, silencedBy } }) => ({ labels, annotations, state, inhibitedBy, silencedBy }))
  }
  return {
    ...server, ...at, url, alerts,
    until: async (satisfied, withinMs = UNTIL_MS) => {
      const giveUp = performance.now() + withinMs
      for (;;) {
        const known = await alerts()
        if (satisfied(known)) return known
        if (performance.now() > giveUp) throw new Error(`alertmanager: alerts were not as expected in ${withinMs} ms; last: ${JSON.stringify(known.map(({ labels, state }) => ({ ...labels, state }))).slice(0, 3000)}`)
        await pause(POLL_MS)
      }
    },
    silence: async (labels, seconds, comment) => {
      const matchers = Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }))
      const now = Date.now()
      const silence = { matchers, startsAt: new Date(now).toISOString(), endsAt: new Date(now + seconds * 1000).toISOString(), createdBy: 'test', comment }
      const { silenceID } = await ask<{ silenceID: string }>('/api/v2/silences', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(silence) })
      return () => ask(`/api/v2/silence/${silenceID}`, { method: 'DELETE' })
    },
  }
}
