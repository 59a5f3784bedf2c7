/**
 * Whether this start acts the demo fleet out, and its resources in the configuration: put there where they are not as they should be, taken away where
 * the demo is over. What the operator configured beside it stays.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { ApplyResult, Resource } from '@dialtone/contracts'
import { startFleet, type RunningFleet } from '@dialtone/zoo'
import type { Api } from '../client/api.ts'

type Named = { kind: string, name: string }
export type Demo = { fleet: RunningFleet, /** Resources that are not in the configuration as the demo has them. */ missing: RunningFleet['resources'] }

/** `asked`: --demo or --no-demo; without either a demo that was remembered goes on, and one begins where nothing is configured or about to be. */
export async function wantsDemo (asked: boolean | undefined, dir: string, resources: readonly Resource[], configured: boolean): Promise<boolean> {
  if (asked !== undefined) return asked
  if (configured) return false
  return resources.length === 0 || (await remembered(dir)).some(one => resources.some(({ kind, name }) => kind === one.kind && name === one.name))
}

export async function startDemo (dir: string, resources: readonly Resource[], signal: AbortSignal): Promise<Demo> {
  await mkdir(demoDir(dir), { recursive: true, mode: 0o700 })
  const fleet = await startFleet({ signal, directory: demoDir(dir) })
  await writeFile(join(demoDir(dir), 'resources.json'), JSON.stringify(fleet.resources.map(({ kind, name }) => ({ kind, name }))), { mode: 0o600 })
  const kept = new Map(resources.map(({ kind, name, spec }) => [`${kind} ${name}`, spec]))
  return { fleet, missing: fleet.resources.filter(({ kind, name, spec }) => !isDeepStrictEqual(kept.get(`${kind} ${name}`), spec)) }
}

/** Puts the resources of the demo into the configuration. */
export async function applyDemo (api: () => Promise<Api>, { missing }: Demo): Promise<void> {
  if (missing.length > 0) await (await api()).send<ApplyResult>('POST', '/v1/apply', { resources: missing, reason: 'the demo fleet' })
}

/** Takes what is left of an earlier demo out of the configuration, but for what `kept` names. */
export async function forgetDemo (api: () => Promise<Api>, dir: string, resources: readonly Resource[], kept: readonly Named[]): Promise<void> {
  const left = (await remembered(dir)).filter(one => resources.some(({ kind, name }) => kind === one.kind && name === one.name) && !kept.some(({ kind, name }) => kind === one.kind && name === one.name))
  if (left.length > 0) await (await api()).send<ApplyResult>('POST', '/v1/apply', { delete: left, reason: 'the demo fleet is over' })
  await rm(demoDir(dir), { recursive: true, force: true })
}

async function remembered (dir: string): Promise<Named[]> {
  try {
    const found: unknown = JSON.parse(await readFile(join(demoDir(dir), 'resources.json'), 'utf8'))
    return Array.isArray(found) ? found.filter((one: unknown): one is Named => typeof one === 'object' && one !== null && 'kind' in one && 'name' in one) : []
  } catch {
    return []
  }
}

function demoDir (dir: string): string {
  return join(dir, 'demo')
}
