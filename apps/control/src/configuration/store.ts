/**
 * The configuration of the fleet, as every control instance sees and changes it. It is ONE document on the bus (bucket `configuration`, key `fleet`), so
 * that a change of any number of resources is one compare-and-set write with one revision: all of it or nothing (docs/decisions/0013).
 *
 *     startConfiguration({ bus, logger, clock, meter? }): Promise<ConfigurationStore & Stoppable>
 *     store.change(now => edits, by, { dryRun? }): Promise<Changed>        // throws a Refusal
 */
import { setTimeout as pause } from 'node:timers/promises'
import { NO_METER, OperatorError, defineCounter, defineGauge, type Clock, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { CONFIGURATION_KEY, ConfigurationDocument } from '@dialtone/contracts/schemas'
import type { Bus, Configuration, ConfigurationChange, ConfigurationView, LintFinding, Resource } from '@dialtone/contracts'
import { insist } from '../insist.ts'
import { problem, Refusal } from '../resources/problem.ts'
import { edited, type Edit, type Edited, type EditResult } from './edit.ts'
import { lint } from './lint/lint.ts'
import { KIND_NAMES, differences, resourceSet, type ResourceSet } from './resource-set.ts'

/** `revision`: of the configuration afterwards; with `dryRun`, as it is. `written`: something is different now. */
export type Changed = { revision: number, dryRun: boolean, written: boolean, results: EditResult[], lint: LintFinding[] }

export type ConfigurationStore = ConfigurationView & {
  readonly resources: ResourceSet
  lint: () => LintFinding[]
  /**
   * Reads, asks `edit` what is wanted of it, checks and writes over exactly what was read; when somebody else was faster, again. `edit` is called anew
   * each time and must be a function of its argument alone. `by`: whom the resources name as their last writer.
   */
  change: (edit: (now: ResourceSet) => readonly Edit[], by: string, options?: { dryRun?: boolean }) => Promise<Changed>
}

/** Tries of one write while others write too. */
const MOST_TRIES = 10
/** `unknown`: of the document, what this release does not know. */
type Current = { revision: number, set: ResourceSet, unknown?: object }
const NONE: Current = { revision: 0, set: resourceSet([]) }
/** Writes that wait for each other in this process. */
const MOST_WAITING = 64

export async function startConfiguration ({ bus, logger, clock, meter = NO_METER }: { bus: Bus, logger: Logger, clock: Clock, meter?: Meter }): Promise<ConfigurationStore & Stoppable> {
  const documents = await bus.documents(ConfigurationDocument, { create: true })
  const hearers = new Set<(changes: readonly ConfigurationChange[], revision: number) => void>()
  let current = NONE
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const adopt = ({ revision, set, unknown = {} }: Current): void => {
    const changes = differences(current.set, set)
    current = { revision, set, unknown }
    meter.set(configurationRevision, {}, revision)
    for (const kind of KIND_NAMES) meter.set(configurationResources, { kind }, set.all(kind).length)
    if (changes.length === 0) return
    for (const hear of hearers) {
      try {
        hear(changes, revision)
      } catch (error) {
        logger.error({ revision, err: String(error) }, 'a listener to the configuration failed')
      }
    }
  }

  const currentOf = (revision: number, document: { v: 1, resources: readonly unknown[] }): Current => {
    const { v: _, resources, ...unknown } = document
    return { revision, set: resourceSet(resources as readonly Resource[], current.set), unknown }
  }
  /** Nobody removes the configuration: a bus that has none has lost its disk, and what we know is what is left of it. It counts from 1 again. */
  const putBack = async (): Promise<Current> => {
    const set = resourceSet(current.set.list().map(resource => ({ ...resource, revision: 1 })))
    const revision = await write({ ...current, revision: 0 }, set)
    if (revision !== undefined) {
      logger.warn({ was: current.revision, revision, resources: set.list().length }, 'the bus had lost the configuration; it was written again as this instance knows it')
      return { ...current, revision, set }
    }
    const kept = await documents.get(CONFIGURATION_KEY)
    return kept === undefined ? NONE : currentOf(kept.revision, kept.document)
  }
  const read = async (): Promise<Current> => {
    const kept = await documents.get(CONFIGURATION_KEY)
    if (kept === undefined) return current.revision === 0 ? NONE : await putBack()
    return kept.revision === current.revision ? current : currentOf(kept.revision, kept.document)
  }

  /** First over what we know, since compare-and-set proves it; a refusal or "nothing to do" counts only over what was read just now. */
  const change: ConfigurationStore['change'] = async (edit, by, { dryRun = false } = {}) => {
    let stale = !dryRun
    let blind = 0
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const base = stale ? current : await read()
      const step = await attempt(base, edit, by)
      if (step instanceof Refusal) {
        if (!stale) throw step
      } else if (dryRun || step.next === base.set) {
        if (!stale) return { revision: base.revision, dryRun, written: false, results: step.results, lint: step.lint }
      } else {
        const revision = await write(base, step.next)
        if (revision !== undefined) {
          adopt({ ...base, revision, set: step.next })
          return { revision, dryRun, written: true, results: step.results, lint: step.lint }
        }
        // The bus leaves out what it cannot read: there is none, and there is one that is in the way.
        if (!stale && base.revision === 0 && ++blind === 2) throw problem(500, 'configuration-unreadable', 'Nothing was changed: the configuration on the bus is not one that this release reads, and the log names the field. Upgrade control, or restore the document.')
        meter.add(configurationRaces)
        await pause(Math.random() * 15 * (tries + 1))
      }
      stale = false
    }
    throw problem(503, 'configuration-busy', `Others changed the configuration ${MOST_TRIES} times while this was written; try again.`, { headers: { 'retry-after': '1' } })
  }

  const attempt = async (base: { revision: number, set: ResourceSet }, edit: (now: ResourceSet) => readonly Edit[], by: string): Promise<Edited | Refusal> => {
    try {
      // The bucket has this one key, so that the next write has the next revision; compare-and-set makes it ours alone.
      return await edited(base.set, edit(base.set), { revision: base.revision + 1, at: clock.now(), by })
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
  }

  /** The new revision, or undefined when somebody else was faster. */
  const write = async ({ revision: expect, unknown = {} }: Current, set: ResourceSet): Promise<number | undefined> => {
    const document: Configuration = { ...unknown, v: 1, resources: set.list() }
    try {
      return await documents.put(CONFIGURATION_KEY, document, { expect })
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'conflict') return undefined
      throw error
    }
  }

  /** Revisions only grow, except where somebody made the bucket anew: then what is there now counts. */
  const catchUp = async (): Promise<void> => {
    const fresh = await read()
    // None, and one in the way that this release cannot read: what is known stays.
    if (fresh.revision !== current.revision && fresh !== NONE) adopt(fresh)
  }
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting >= MOST_WAITING) throw problem(503, 'configuration-busy', `${MOST_WAITING} writes wait already; try again.`, { headers: { 'retry-after': '1' } })
    waiting++
    const mine = turn.then(work)
    turn = mine.then(() => undefined, () => undefined)
    try {
      return await mine
    } finally {
      waiting--
    }
  }

  const reading = insist(() => inTurn(catchUp), error => logger.warn({ err: String(error) }, 'the configuration could not be read again; it is tried until it can'))
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>()
  const watching = await documents.watch(told => {
    if (told.on === 'ready') return isReady()
    if (told.key !== CONFIGURATION_KEY) return undefined
    if (told.on === 'put' && told.revision > current.revision) adopt(currentOf(told.revision, told.document))
    else if (told.on === 'removed' || told.revision < current.revision) reading.ask()
    return undefined
  })
  await ready

  return {
    get revision () { return current.revision },
    get resources () { return current.set },
    all: kind => current.set.all(kind),
    get: (kind, name) => current.set.get(kind, name),
    lint: () => lint(current.set, { now: clock.now() }),
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    change: async (edit, by, options) => {
      try {
        const changed = await inTurn(() => change(edit, by, options))
        meter.add(configurationWrites, { outcome: changed.dryRun ? 'dry-run' : changed.written ? 'done' : 'unchanged' })
        return changed
      } catch (error) {
        meter.add(configurationWrites, { outcome: error instanceof Refusal ? 'refused' : 'failed' })
        throw error
      }
    },
    stop: async () => {
      hearers.clear()
      await watching.stop()
      await reading.stop()
      await turn
    },
  }
}

export const configurationRevision = defineGauge('dialtone_configuration_revision', 'Revision of the configuration that this instance knows.')
export const configurationResources = defineGauge('dialtone_configuration_resources', 'Resources of the configuration.', ['kind'])
export const configurationWrites = defineCounter('dialtone_configuration_writes_total', 'Changes of the configuration that were asked of this instance, by what became of them.', ['outcome'])
export const configurationRaces = defineCounter('dialtone_configuration_races_total', 'Writes of the configuration that another writer was faster than; they are tried again.')
