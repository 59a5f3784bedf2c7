// Runs a responder in a network namespace for tests: what it is told comes as one JSON argument, what it answers goes to standard output, a line each.
import { NO_LOGGER } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import type { ResponderSpec } from '@dialtone/contracts'
import { startResponder } from '../dns/responder.ts'

const { spec, ours } = JSON.parse(process.argv[2] ?? '') as { spec: ResponderSpec, ours: string[] }
await startResponder({
  zone: 'inside', spec,
  ours: domain => ours.some(suffix => domain === suffix || domain.endsWith(`.${suffix}`)),
  clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, logger: NO_LOGGER,
  meter: { add: ({ name }, labels) => console.log(name, JSON.stringify(labels)), set: () => undefined, observe: () => undefined, remove: () => undefined },
})
console.log('ready')
