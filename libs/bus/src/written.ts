import type { EventType } from '@dialtone/contracts'
import type { Meter } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import type { Bodies } from './bodies.ts'
import { published } from './metrics.ts'

/** The bytes of an event; what is refused is counted among what was to be published. */
export function writtenBy<S extends TSchema> (bodies: Bodies, meter: Meter, type: EventType<S>, body: Static<S>): Buffer {
  try {
    return bodies.write(type.noun, type.schema, body)
  } catch (error) {
    meter.add(published, { noun: type.noun, outcome: 'refused' })
    throw error
  }
}
