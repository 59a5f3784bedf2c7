/**
 * What this gateway has to do: heard from the bus, kept on disk once the engine has taken it, and worked by from there while the bus is away. What has not its shape, or
 * not our name, or what the engine refuses, is told and counted, and the last good one stays. Where there is none yet, what the engine refused is tried again: a port may be
 * free later. Where the bus holds none any more, the gateway was removed: it is stopped.
 */
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { watchForEver } from '@dialtone/bus'
import type { Bus, GatewayAssignment } from '@dialtone/contracts'
import { ASSIGNMENT_KEY, GatewayAssignment as Shape, firstProblem, gatewayDocument } from '@dialtone/contracts/schemas'
import { writeWhole } from '@dialtone/host'
import { OperatorError, quoted, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { configurations } from '../metrics.ts'

/** Tries a configuration on the engine: what is wrong with it, or nothing. */
export type Take = (assignment: GatewayAssignment) => Promise<readonly { pointer: string, says: string }[]>

export type Assigned = Stoppable & {
  /** The last good one. */
  readonly current: GatewayAssignment | undefined
  /** Why the last one that came was not taken; gone when one is. */
  readonly problem: string | undefined
  /** Resolves when the first configuration that came has been tried. */
  readonly tried: Promise<void>
  /** Reads the file again, if there is one, and has the engine read what is behind its references. */
  reload: () => Promise<void>
}

export type AssignedOptions = { gateway: string, directory: string, file?: string, bus?: Bus, take: Take, /** After each attempt; `problem`: why the last one was refused. */ changed: (problem: string | undefined) => void, meter: Meter, logger: Logger, emptyMs?: number, againMs?: number }

/** From when the bus holds none until that is believed: whoever has just made the place writes it next. */
const EMPTY_MS = 1000
/** From one attempt to the next, while nothing can be worked by. */
const AGAIN_MS = 5000

/** Resolves when the file or what is kept on the disk, if any, has been tried. Rejects with an OperatorError where a file was named that cannot be used. The bus is not waited for. */
export async function watchAssigned ({ gateway, directory, file, bus, take, changed, meter, logger, emptyMs = EMPTY_MS, againMs = AGAIN_MS }: AssignedOptions): Promise<Assigned> {
  const kept = join(directory, 'assignment.json')
  let current: GatewayAssignment | undefined
  let problem: string | undefined
  let again: NodeJS.Timeout | undefined
  let stopped = false
  const first = Promise.withResolvers<void>()
  /** One after the other, in the order in which they came. */
  let turn: Promise<unknown> = Promise.resolve()

  const attempt = async (value: unknown, from: 'bus' | 'disk' | 'file', isRepeated = false): Promise<void> => {
    clearTimeout(again)
    const before = problem
    const misshapen = problemOf(value, gateway)
    const refused = misshapen === undefined ? (await take(value as GatewayAssignment)).map(({ pointer, says }) => `${pointer}: ${says}`) : [misshapen]
    problem = refused.length === 0 ? undefined : refused.slice(0, 5).join('; ')
    if (misshapen !== undefined && from === 'disk') problem = await setAside(kept, misshapen, logger)
    if (!isRepeated || problem === undefined) meter.add(configurations, { outcome: problem === undefined ? 'taken' : 'refused' })
    if (problem === undefined) {
      current = value as GatewayAssignment
      logger.info({ gateway, from, revision: current.revision }, 'works by a new configuration')
      if (from !== 'disk') await writeWhole(kept, JSON.stringify(current)).catch((error: unknown) => logger.error({ file: kept, error: String(error) }, 'the configuration could not be kept on disk: after a restart without the bus, the one before is worked by'))
    } else {
      if (!isRepeated || problem !== before) logger.error({ gateway, from, problem }, current === undefined ? 'a configuration was refused, and there is none to work by' : 'a configuration was refused, and the one before stays')
      if (current === undefined && misshapen === undefined && !stopped) again = setTimeout(() => void inTurn(() => attempt(value, from, true)), againMs)
    }
    if (!isRepeated || problem !== before) changed(problem)
    first.resolve()
  }
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  if (file === undefined) {
    const found = await readKept(kept)
    if ('value' in found) await inTurn(() => attempt(found.value, 'disk'))
    else if (found.unreadable !== undefined) changed(problem = await setAside(kept, found.unreadable, logger))
  } else {
    await inTurn(async () => attempt(await readGiven(file), 'file'))
    clearTimeout(again)
    if (problem !== undefined) throw new OperatorError('bad-configuration', `${file} cannot be used: ${problem}`)
  }

  /** A stopped gateway of the same shape: it was removed where gateways are configured. */
  const remove = () => {
    if (current === undefined || current.spec.desired === 'stopped') return
    const stopped: GatewayAssignment = { ...current, spec: { ...current.spec, desired: 'stopped' } }
    void inTurn(() => attempt(stopped, 'bus'))
  }
  let emptying: NodeJS.Timeout | undefined
  let held = false
  const watching = bus === undefined || file !== undefined ? undefined : watchForEver(bus, gatewayDocument(gateway), change => {
    if (change.on === 'ready') {
      if (!held) emptying = setTimeout(remove, emptyMs)
      return
    }
    if (change.key !== ASSIGNMENT_KEY) return
    held = change.on === 'put'
    clearTimeout(emptying)
    if (change.on === 'removed') remove()
    else void inTurn(() => attempt(change.document, 'bus'))
  }, logger)

  return {
    get current () { return current },
    get problem () { return problem },
    tried: first.promise,
    reload: () => inTurn(async () => {
      if (file !== undefined) await attempt(await readGiven(file), 'file')
      else if (current !== undefined) await attempt(current, 'disk')
    }),
    stop: async () => {
      stopped = true
      clearTimeout(emptying)
      clearTimeout(again)
      await watching?.stop()
      await turn
    },
  }
}

function problemOf (value: unknown, gateway: string): string | undefined {
  const problem = firstProblem(Shape, value)
  if (problem !== undefined) return problem.replace('schema is false', 'is not known: take it out')
  const { gateway: named } = value as GatewayAssignment
  return named === gateway ? undefined : `/gateway is '${quoted(named)}', and this one is '${gateway}'`
}

async function readGiven (file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new OperatorError('bad-configuration', `${file} cannot be read as JSON: ${quoted(error instanceof Error ? error.message : String(error), 200)}`)
  }
}

/** Nothing of both where there is no file. */
async function readKept (file: string): Promise<{ value: unknown } | { unreadable: string | undefined }> {
  try {
    return { value: JSON.parse(await readFile(file, 'utf8')) as unknown }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { unreadable: undefined }
    return { unreadable: quoted(error instanceof Error ? error.message : String(error), 200) }
  }
}

/** What was kept and cannot be used stays for whoever wants to know why, and is not come to again. The sentence says where. */
async function setAside (file: string, why: string, logger: Logger): Promise<string> {
  const aside = `${file}.unusable`
  const moved = await rename(file, aside).then(() => `it is set aside as ${aside}`, (error: unknown) => `it could not be set aside (${String(error)})`)
  const says = `${file}, the configuration that was kept, cannot be used: ${why}; ${moved}, and one is waited for from the bus`
  logger.error({ file, why, aside }, 'the configuration that was kept cannot be used; one is waited for from the bus')
  return says
}
