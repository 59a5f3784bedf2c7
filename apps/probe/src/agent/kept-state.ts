/** The schedule and the budget over a restart: written whole, now and then, and when the agent ends. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger, Stoppable } from '@dialtone/kernel'
import type { Budget, Kept, KeptBudget, Schedule } from '@dialtone/ladder'
import { writeWhole } from '@dialtone/host'

const EVERY_MS = 60_000
const FIELDS = 10

export type KeptState = { schedule: Record<string, Kept>, budget: KeptBudget }

/** Nothing where there is none, or where it is not what was written. */
export async function readState (directory: string): Promise<KeptState> {
  try {
    const read = JSON.parse(await readFile(fileIn(directory), 'utf8')) as { v?: unknown, schedule?: Record<string, unknown>, budget?: Record<string, unknown> }
    if (read.v !== 1) throw new TypeError('another version')
    return {
      schedule: Object.fromEntries(Object.entries(read.schedule ?? {}).filter((entry): entry is [string, Kept] => isKept(entry[1]))),
      budget: Object.fromEntries(Object.entries(read.budget ?? {}).filter((entry): entry is [string, [number, number][]] => isSlots(entry[1]))),
    }
  } catch {
    return { schedule: {}, budget: {} }
  }
}

export function keepState ({ directory, schedule, budget, wanted, logger }: { directory: string, schedule: Schedule, budget: Budget, /** Whether a domain is still checked. */ wanted: (domain: string) => boolean, logger: Logger }): Stoppable {
  let writing: Promise<void> | undefined
  const write = async () => {
    try {
      await writeWhole(fileIn(directory), JSON.stringify({ v: 1, schedule: schedule.save(), budget: budget.save(wanted) }))
    } catch (error) {
      logger.warn({ error: String(error) }, 'the state of the schedule could not be kept on disk')
    }
  }
  const timer = setInterval(() => { writing ??= write().finally(() => { writing = undefined }) }, EVERY_MS)
  timer.unref()
  return {
    stop: async () => {
      clearInterval(timer)
      await writing
      await write()
    },
  }
}

function fileIn (directory: string): string {
  return join(directory, 'schedule.json')
}

function isKept (value: unknown): value is Kept {
  return Array.isArray(value) && value.length === FIELDS && value.every((field, at) => at === 3 || at === 4 ? typeof field === 'string' : Number.isFinite(field))
}

function isSlots (value: unknown): value is [number, number][] {
  return Array.isArray(value) && value.every(slot => Array.isArray(slot) && slot.length === 2 && slot.every(Number.isFinite))
}
