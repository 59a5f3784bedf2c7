// A process that publishes and writes until it is killed, and says how far it was acknowledged.
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { createEmbeddedBus } from '../embedded/embedded-bus.ts'
import { Note, Seen } from './kinds.ts'

const bus = createEmbeddedBus({ file: process.argv[2] ?? '', meter: NO_METER, logger: NO_LOGGER })
const notes = await bus.documents(Note, { create: true })
for (let n = 1; process.connected; n++) {
  await bus.publish(Seen, ['k'], { n }, { id: `id-${n}` })
  await notes.put('n', { n })
  await new Promise<void>(resolve => process.send?.(n, () => resolve()))
}
