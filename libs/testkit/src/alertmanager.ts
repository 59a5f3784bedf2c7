// A real Alertmanager, by the configuration that it is given. It stands alone: no cluster, no mail, nobody told but those whom the configuration names.
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import type { Place } from './loopback.ts'
import { answers, inNamespace, placeFor, type PrometheusOptions } from './prometheus.ts'
import { openTunnel } from './tunnel.ts'

export type AlertmanagerOptions = Pick<PrometheusOptions, 'address' | 'port' | 'host'> & {
  /** YAML, or JSON, which is a part of it. */
  configuration: string
}
/** An alert as its API has it. */
export type NotifiedAlert = {
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  state: 'active' | 'suppressed' | 'unprocessed'
  /** Ids of what keeps it from being told. */
  inhibitedBy: readonly string[]
  silencedBy: readonly string[]
  fingerprint: string
}
export type Alertmanager = RunningServer & Place & {
  /** Where it is asked from here. Those beside it reach it at `address` and `port`. */
  url: string
  /** All that fire, by what the filter asks for: `active`, neither inhibited nor silenced. */
  alerts: (only?: 'active') => Promise<NotifiedAlert[]>
  /** The same, asked again until it satisfies; throws with the last answer. */
  until: (satisfied: (alerts: readonly NotifiedAlert[]) => boolean, withinMs?: number) => Promise<NotifiedAlert[]>
  /** Keeps quiet about what has these labels, for so long; resolves to what ends it. */
  silence: (labels: Readonly<Record<string, string>>, seconds: number, comment: string) => Promise<() => Promise<void>>
}

type Found = Omit<NotifiedAlert, 'state' | 'inhibitedBy' | 'silencedBy'> & { status: Pick<NotifiedAlert, 'state' | 'inhibitedBy' | 'silencedBy'> }

const UNTIL_MS = 30_000
const POLL_MS = 100

/** Ready when it answers. Throws with its words when the configuration is none. */
export async function startAlertmanager ({ configuration, ...where }: AlertmanagerOptions): Promise<Alertmanager> {
  const { host } = where
  const at = await placeFor(where, 9093)
  const folder = makeFolder('alertmanager')
  const file = folder.write('alertmanager.yml', configuration)
  const args = [`--config.file=${file}`, `--storage.path=${folder.path}/data`, `--web.listen-address=${at.address}:${at.port}`, '--cluster.listen-address=', '--log.level=warn']
  const server = await launch({ name: 'alertmanager', programs: [{ name: 'alertmanager', command: '/usr/bin/prometheus-alertmanager', args, listens: [at], ...inNamespace(host) }], folder })
  const tunnel = host === undefined ? undefined : await openTunnel(host, at)
  const url = tunnel?.url ?? `http://${at.address}:${at.port}`
  const stop = async (): Promise<void> => {
    await tunnel?.stop()
    await server.stop()
  }
  await answers(`${url}/-/ready`).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const alerts = async (only?: 'active'): Promise<NotifiedAlert[]> => {
    const found = await ask<Found[]>(`${url}/api/v2/alerts${only === undefined ? '' : '?active=true&silenced=false&inhibited=false'}`)
    return found.map(({ status, ...alert }) => ({ ...alert, ...status }))
  }
  return {
    ...server, ...at, url, stop, alerts,
    until: async (satisfied, withinMs = UNTIL_MS) => {
      const until = performance.now() + withinMs
      for (;;) {
        const found = await alerts()
        if (satisfied(found)) return found
        if (performance.now() > until) throw new Error(`alertmanager: alerts were not as expected in ${withinMs} ms; last: ${JSON.stringify(found.map(({ labels, state }) => ({ ...labels, state }))).slice(0, 3000)}`)
        await pause(POLL_MS)
      }
    },
    silence: async (labels, seconds, comment) => {
      const matchers = Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }))
      const now = Date.now()
      const { silenceID } = await ask<{ silenceID: string }>(`${url}/api/v2/silences`, { matchers, startsAt: new Date(now).toISOString(), endsAt: new Date(now + seconds * 1000).toISOString(), createdBy: 'test', comment })
      return async () => { await fetch(`${url}/api/v2/silence/${silenceID}`, { method: 'DELETE' }) }
    },
  }
}

async function ask<T> (url: string, body?: object): Promise<T> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`alertmanager: ${response.status}: ${text.slice(0, 500)}`)
  return JSON.parse(text) as T
}
