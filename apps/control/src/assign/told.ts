/**
 * The documents that tell those of one kind (vantages, or gateways) what they have to do, each in a bucket of its own, which is made here.
 *
 * One is written only when it says something new, so its `revision` is that of the configuration it was made of, and may stay behind. A former holder of the lease that has
 * not noticed yet writes over nothing that was made of a later configuration (compare-and-set). One that was removed is emptied: the list of all that were ever
 * written is kept beside, so that a restart forgets none.
 */
import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { OperatorError, defineCounter, type Logger, type Meter } from '@dialtone/kernel'
import { ASSIGNMENT_KEY, Name } from '@dialtone/contracts/schemas'
import type { Bus, ConfigurationView, DocumentType, Documents, Resource } from '@dialtone/contracts'
import { Type, type Static, type TSchema } from 'typebox'

/** Who is told what. `word`: what one is called in the log. `list`: under which key those that were ever written are kept, and in which field of that document. */
export type Recipients<K extends 'Vantage' | 'Gateway', S extends TSchema> = {
  kind: K
  word: 'vantage' | 'gateway'
  list: 'vantages' | 'gateways'
  document: (name: string) => DocumentType<S>
  /** What one has to do. */
  make: (resource: Resource<K>, configuration: ConfigurationView) => Static<S> & Made
  /** Told of every one that is compared, before it is written. */
  seen?: (assignment: Static<S>) => void
  gone?: (name: string) => void
}

type Made = { revision: number }

export type Told = {
  /** Brings all up to date. `may`: asked before each. `anew`: the configuration counts from 1 again. `again`: told when another control was first. */
  assign: (turn: { may: () => boolean, anew: boolean, again: () => void }) => Promise<void>
  /** What is known of the buckets is looked at again. */
  forget: () => void
}

export function createTold<K extends 'Vantage' | 'Gateway', S extends TSchema> ({ kind, word, list, document, make, seen, gone }: Recipients<K, S>, { bus, configuration, logger, meter }: { bus: Bus, configuration: ConfigurationView, logger: Logger, meter: Meter }): Told {
  const open = new Map<string, Promise<Documents<Static<S>>>>()
  /** What is in each bucket as far as we know: what its document says. */
  const written = new Map<string, string>()

  const bucketOf = (name: string): Promise<Documents<Static<S>>> => {
    const known = open.get(name)
    if (known !== undefined) return known
    const opening = bus.documents(document(name), { create: true })
    open.set(name, opening)
    opening.catch(() => open.delete(name))
    return opening
  }

  /** What fails for one keeps no other from its work. */
  const alone = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      meter.add(assignmentWrites, { outcome: 'failed' })
      logger.warn({ [word]: name, err: String(error) }, `the assignment of this ${word} could not be written; it is tried again`)
    }
  }

  const empty = async (name: string): Promise<void> => {
    await (await bucketOf(name)).remove(ASSIGNMENT_KEY)
    written.delete(name)
    gone?.(name)
    meter.add(assignmentWrites, { outcome: 'emptied' })
    logger.info({ [word]: name }, `a ${word} was removed; it has nothing to do any more`)
  }

  const write = async (name: string, assignment: Static<S> & Made, anew: boolean, again: () => void): Promise<void> => {
    const { revision } = assignment
    const says = saying(assignment)
    seen?.(assignment)
    if (written.get(name) === says) return
    const documents = await bucketOf(name)
    const there = await documents.get(ASSIGNMENT_KEY)
    if (there !== undefined && saying(there.document) === says) {
      written.set(name, says)
      return
    }
    // Unless the configuration was made anew and counts from 1 again, which the reconciliation sees: then nothing later comes.
    if (there !== undefined && (there.document as Made).revision > revision && !anew) return
    try {
      await documents.put(ASSIGNMENT_KEY, assignment, { expect: there?.revision ?? 0 })
    } catch (error) {
      if (!(error instanceof OperatorError && error.code === 'conflict')) throw error
      logger.info({ [word]: name }, 'another control wrote this assignment first; it is compared again')
      meter.add(assignmentWrites, { outcome: 'conflict' })
      again()
      return
    }
    written.set(name, says)
    meter.add(assignmentWrites, { outcome: 'done' })
    logger.info({ [word]: name, revision }, 'an assignment was written')
  }

  const listed = async (change: (known: readonly string[]) => string[]): Promise<readonly string[]> => {
    const documents = await bus.documents(LISTED_DOCUMENT, { create: true })
    const kept = await documents.get(list)
    const known = kept?.document[list] ?? []
    const all = change(known)
    if (all.length !== known.length) await documents.put(list, { v: 1, [list]: all }, { expect: kept?.revision ?? 0 })
    return known
  }

  return {
    assign: async ({ may, anew, again }) => {
      const all = configuration.all(kind)
      const before = await listed(known => [...new Set([...known, ...all.map(({ name }) => name)])].toSorted())
      for (const resource of all) {
        if (!may()) return
        await alone(resource.name, () => write(resource.name, make(resource, configuration), anew, again))
        await breathe()
      }
      const emptied: string[] = []
      for (const name of before.filter(known => configuration.get(kind, known) === undefined)) {
        if (!may()) return
        await alone(name, async () => {
          await empty(name)
          emptied.push(name)
        })
      }
      if (emptied.length > 0) await listed(known => known.filter(name => !emptied.includes(name)))
    },
    forget: () => written.clear(),
  }
}

/** The same for two that ask for the same work. */
function saying (assignment: Made): string {
  return createHash('sha256').update(JSON.stringify({ ...assignment, revision: 0 })).digest('base64')
}

/** Each list under its own key, in the field of its name. */
const LISTED_DOCUMENT = { bucket: 'assigned', schema: Type.Object({ v: Type.Literal(1), vantages: Type.Optional(Type.Array(Name)), gateways: Type.Optional(Type.Array(Name)) }, { additionalProperties: false }) } as const

export const assignmentWrites = defineCounter('dialtone_assignment_writes_total', 'Assignments of vantages and gateways: written, emptied, not written because another control was first, or failed.', ['outcome'])
