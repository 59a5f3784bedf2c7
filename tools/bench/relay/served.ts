// The gateway's engine in a process of its own, as its app runs it, with its metrics and its log, told and asked from outside.
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { GatewayAssignment } from '@dialtone/contracts'
import { RANDOM } from '@dialtone/net'
import { createRelay, type Relay } from '@dialtone/relay'
import { createLogger, createTelemetry } from '@dialtone/telemetry'
import { answerAll } from './remote.ts'

export type ServedErrands = typeof errands

// Lines go where nobody reads them, but are made.
const log = openSync('/dev/null', 'w')
let facts = 0
const telemetry = createTelemetry({ process: true })
const relay = createRelay({
  gateway: 'bench', salt: 'bench', random: RANDOM, clock: { now: () => Date.now(), elapsed: () => performance.now() }, meter: telemetry.meter,
  logger: createLogger({ level: 'info', name: 'gateway', destination: { write: line => { writeSync(log, line) } } }),
  readSecret: async reference => await readFile(reference.slice('file:'.length)),
  facts: each => {
    facts++
    writeSync(log, JSON.stringify(each))
  },
  tell: event => { writeSync(log, JSON.stringify(event)) },
})

const errands = {
  configure: async ({ assignment }: { assignment: GatewayAssignment }): Promise<void> => {
    const problems = await relay.configure(assignment)
    if (problems.length > 0) throw new Error(`the configuration is refused: ${JSON.stringify(problems)}`)
  },
  presence: (): ReturnType<Relay['presence']> & { facts: number } => ({ ...relay.presence(), facts }),
  /** Drains and closes everything; the counters stay. */
  stop: async (): Promise<{ ms: number }> => {
    const began = performance.now()
    await relay.stop()
    return { ms: performance.now() - began }
  },
  /** Everything that nobody holds is given back. */
  collect: async (): Promise<NodeJS.MemoryUsage> => {
    // Handles are freed a turn after their objects.
    for (let left = 5; left > 0; left--) {
      globalThis.gc?.()
      await new Promise(resolve => { setTimeout(resolve, 200) })
    }
    return process.memoryUsage()
  },
}

answerAll(errands)
