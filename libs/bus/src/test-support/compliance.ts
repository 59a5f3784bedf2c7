/** What every bus must do, whichever it is. */
import { describe } from 'vitest'
import { commandCompliance } from './command-compliance.ts'
import { documentCompliance } from './document-compliance.ts'
import { eventCompliance } from './event-compliance.ts'
import { historyCompliance } from './history-compliance.ts'
import type { StartRig } from './rig.ts'

export function busCompliance (name: string, start: StartRig): void {
  describe(`${name}: events`, () => eventCompliance(start))
  describe(`${name}: durable history`, () => historyCompliance(start))
  describe(`${name}: commands`, () => commandCompliance(start))
  describe(`${name}: documents`, () => documentCompliance(start))
}
