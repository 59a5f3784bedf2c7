/** Small kinds under the real nouns, and looser ones: what another release, or somebody else, publishes on the same subjects. */
import { Type } from 'typebox'

const closed = { additionalProperties: false }
const Body = Type.Object({ n: Type.Integer(), text: Type.Optional(Type.String()) }, closed)

export const Seen = { noun: 'observation', stream: 'observations', schema: Body } as const
export const AnySeen = { noun: 'observation', stream: 'observations', schema: Type.Unknown() } as const
export const Said = { noun: 'progress', schema: Body } as const
export const AnySaid = { noun: 'progress', schema: Type.Unknown() } as const

export const Double = { verb: 'double', request: Type.Object({ n: Type.Integer() }, closed), answer: Type.Object({ n: Type.Integer() }, closed) } as const
export const AnyDouble = { verb: 'double', request: Type.Unknown(), answer: Type.Unknown() } as const

export const Note = { bucket: 'notes', schema: Body } as const
export const AnyNote = { bucket: 'notes', schema: Type.Unknown() } as const
export const Alive = { bucket: 'alive', schema: Body, ttlSeconds: 1 } as const
export const Single = { ...Alive, bucket: 'single', single: true } as const
export const Long = { bucket: 'long', schema: Type.Object({ entries: Type.Array(Type.Object({ name: Type.String(), addresses: Type.Array(Type.String()) }, closed)) }, closed) } as const
