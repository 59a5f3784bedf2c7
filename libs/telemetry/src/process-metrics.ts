// The metrics of a Node process that people already have dashboards for (`process_*`, `nodejs_*`), from prom-client in a registry of its own.
import { Registry, collectDefaultMetrics } from 'prom-client'

/** Starts collecting; each call of what it returns gives the text of all of them. */
export function processMetrics (): () => Promise<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return async () => `${await registry.metrics()}\n`
}
