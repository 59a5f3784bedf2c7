/**
 * What this vantage has to do: heard from the bus, kept on disk, and worked by from there while the bus is away. What has not its shape, or not our name,
 * is refused naming the field, and the old one stays. Where the bus was reached and holds none, the vantage was removed, and there is nothing to do; where
 * it has no place for one yet, nobody has said anything, and the old one stays.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Assignment, Bus } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, Assignment as AssignmentShape, assignmentDocument, firstProblem } from '@dialtone/contracts/schemas'
import { quoted, type Logger, type Stoppable } from '@dialtone/kernel'
import { watchForEver } from '@dialtone/bus'
import { writeWhole } from '@dialtone/host'

export type Assigned = Stoppable & {
  readonly current: Assignment | undefined
  /** Why the last one that came was not taken; gone when one is. */
  readonly problem: string | undefined
}

export type AssignedOptions = { bus: Bus, vantage: string, directory: string, logger: Logger, hear: (assignment: Assignment) => void, emptyMs?: number }

/** From when the bus holds none until that is believed: whoever has just made the place writes it next. */
const EMPTY_MS = 1000

/** Resolves when that of the disk, if any, has been heard. The bus is not waited for. */
export async function watchAssignment ({ bus, vantage, directory, logger, hear, emptyMs = EMPTY_MS }: AssignedOptions): Promise<Assigned> {
  const file = join(directory, 'assignment.json')
  let current: Assignment | undefined
  let problem: string | undefined
  let writing = Promise.resolve()

  const take = (value: unknown, from: string): boolean => {
    problem = problemOf(value, vantage)
    if (problem !== undefined) {
      logger.error({ vantage, from }, `an assignment was refused, and the one before stays: ${problem}`)
      return false
    }
    current = value as Assignment
    logger.info({ vantage, from, revision: current.revision, targets: current.targets.length }, 'works by a new assignment')
    hear(current)
    return true
  }
  const keep = (assignment: Assignment) => {
    writing = writing.then(() => writeWhole(file, JSON.stringify(assignment))).catch((error: unknown) => {
      logger.error({ file, error: String(error) }, 'the assignment could not be kept on disk: after a restart without the bus, the one before is worked by')
    })
  }

  const kept = await readKept(file)
  if (kept !== undefined) take(kept, 'disk')
  const clear = () => {
    if (current === undefined || (current.targets.length === 0 && Object.keys(current.managed).length === 0)) return
    const nothing: Assignment = { ...current, targets: [], managed: {} }
    if (take(nothing, 'bus')) keep(nothing)
  }
  let held = false
  let emptying: NodeJS.Timeout | undefined
  const watching = watchForEver(bus, assignmentDocument(vantage), change => {
    if (change.on === 'ready') {
      if (!held) emptying = setTimeout(clear, emptyMs)
      return
    }
    if (change.key !== ASSIGNMENT_KEY) return
    held = change.on === 'put'
    clearTimeout(emptying)
    if (change.on === 'removed') clear()
    else if (take(change.document, 'bus')) keep(change.document)
  }, logger)
  return {
    get current () { return current },
    get problem () { return problem },
    stop: async () => {
      clearTimeout(emptying)
      await watching.stop()
      await writing
    },
  }
}

function problemOf (value: unknown, vantage: string): string | undefined {
  const problem = firstProblem(AssignmentShape, value)
  if (problem !== undefined) return problem
  const assignment = value as Assignment
  if (assignment.vantage !== vantage) return `/vantage is '${quoted(assignment.vantage)}', and this agent stands at '${vantage}'`
  const ids = new Set<string>()
  for (const [at, { id, schedule }] of assignment.targets.entries()) {
    if (ids.has(id)) return `/targets/${at}/id is there twice`
    ids.add(id)
    if (!Object.hasOwn(assignment.schedules, schedule)) return `/targets/${at}/schedule names no schedule of this assignment`
  }
  return undefined
}

async function readKept (file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
