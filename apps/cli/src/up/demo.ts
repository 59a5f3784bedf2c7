/**
 * Whether this start acts the demo fleet out, and its resources in the configuration: put there at its first start, taken away where the demo is over. In
 * between they are the operator's, as all others are: what was changed stays changed, and what was deleted stays away.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Control } from '@dialtone/control'
import type { Resource } from '@dialtone/contracts'
import { startFleet, type RunningFleet } from '@dialtone/zoo'
import { rebased } from './rebased.ts'

type Named = { kind: string, name: string }
/** `spec`: as the demo had it; earlier releases kept names alone. */
type Remembered = Named & { spec?: unknown }
type Changed = Named & { spec: unknown }
export type Demo = {
  fleet: RunningFleet
  /** What the configuration needs of it: everything at the first start; later what stands elsewhere now. */
  wanted: readonly Changed[]
  /** Writes down what the demo has made of the configuration, once that is done. */
  remember: () => Promise<void>
}

/** Of these writes, in resources and the audit trail. */
const ACTOR = 'demo'

/** `asked`: --demo or --no-demo; without either a demo that was remembered goes on, and one begins where nothing is configured or about to be. */
export async function wantsDemo (asked: boolean | undefined, dir: string, resources: readonly Resource[], configured: boolean): Promise<boolean> {
  if (asked !== undefined) return asked
  if (configured) return false
  return resources.length === 0 || (await remembered(dir)).some(one => resources.some(same(one)))
}

export async function startDemo (dir: string, resources: readonly Resource[], signal: AbortSignal): Promise<Demo> {
  await mkdir(demoDir(dir), { recursive: true, mode: 0o700 })
  const fleet = await startFleet({ signal, directory: demoDir(dir) })
  const before = resources.length === 0 ? [] : await remembered(dir)
  const now = (one: Named): Changed | undefined => fleet.resources.find(same(one))
  // Beside what is configured, what has the same name is the operator's.
  const added = before.length > 0 ? [] : fleet.resources.filter(one => !resources.some(same(one)))
  const moved = before.flatMap(({ kind, name, spec: was }): Changed[] => {
    const [kept, is] = [resources.find(same({ kind, name })), now({ kind, name })]
    if (kept === undefined || is === undefined || was === undefined) return []
    const spec = rebased(kept.spec, was, is.spec)
    return isDeepStrictEqual(spec, kept.spec) ? [] : [{ kind, name, spec }]
  })
  const remember = () => put(dir, before.length === 0 ? added : before.map(one => now(one) ?? one))
  // A start that ends halfway must still know what of the configuration is the demo's.
  if (before.length === 0) await remember()
  return { fleet, wanted: [...added, ...moved], remember }
}

/** Puts the resources of the demo into the configuration; resolves to its revision, undefined where nothing was written. */
export async function applyDemo (control: Pick<Control, 'apply'>, { wanted, remember }: Demo): Promise<number | undefined> {
  const revision = wanted.length === 0 ? undefined : await control.apply(ACTOR, { resources: [...wanted], reason: 'the demo fleet' })
  await remember()
  return revision
}

/** Takes what is left of an earlier demo out of the configuration, but for what `kept` names; answers as `applyDemo` does. */
export async function forgetDemo (control: Pick<Control, 'apply'>, dir: string, resources: readonly Resource[], kept: readonly Named[]): Promise<number | undefined> {
  const left = (await remembered(dir)).filter(one => resources.some(same(one)) && !kept.some(same(one))).map(({ kind, name }) => ({ kind, name }))
  const revision = left.length === 0 ? undefined : await control.apply(ACTOR, { delete: left, reason: 'the demo fleet is over' })
  await rm(demoDir(dir), { recursive: true, force: true })
  return revision
}

async function remembered (dir: string): Promise<Remembered[]> {
  try {
    const found: unknown = JSON.parse(await readFile(join(demoDir(dir), 'resources.json'), 'utf8'))
    return Array.isArray(found) ? found.filter((one: unknown): one is Remembered => typeof one === 'object' && one !== null && 'kind' in one && 'name' in one) : []
  } catch {
    return []
  }
}

async function put (dir: string, resources: readonly Remembered[]): Promise<void> {
  await writeFile(join(demoDir(dir), 'resources.json'), JSON.stringify(resources.map(({ kind, name, spec }) => ({ kind, name, spec }))), { mode: 0o600 })
}

function same ({ kind, name }: Named): (other: Named) => boolean {
  return other => other.kind === kind && other.name === name
}

function demoDir (dir: string): string {
  return join(dir, 'demo')
}
