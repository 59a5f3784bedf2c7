/** The documents of a bucket in which others tell how they are, kept up to date from the bus. While the bus is away they are what they were, and say so by their times. */
import type { Bus, DocumentType } from '@dialtone/contracts'
import type { Static, TSchema } from 'typebox'

/** `most`: documents that are remembered; more are not taken, which only a flood of made-up ones reaches. */
export type BucketNeeds<S extends TSchema> = {
  most: number
  /** The key under which the bus lets its writer write; a document that says of itself that it is another's is not taken. */
  keyOf: (document: Static<S>) => string
  put: (document: Static<S>) => void
  gone: (document: Static<S>) => void
}

/** Resolves when all that are there are known. */
export async function watchBucket<S extends TSchema> (bus: Bus, type: DocumentType<S>, { most, keyOf, put, gone }: BucketNeeds<S>): Promise<{ known: ReadonlyMap<string, Static<S>>, stop: () => Promise<void> }> {
  const known = new Map<string, Static<S>>()
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const documents = await bus.documents(type, { create: true })
  const watching = await documents.watch(change => {
    if (change.on === 'ready') resolve()
    else if (change.on === 'put') {
      if (change.key !== keyOf(change.document) || (!known.has(change.key) && known.size >= most)) return
      known.set(change.key, change.document)
      put(change.document)
    } else {
      const last = known.get(change.key)
      known.delete(change.key)
      if (last !== undefined) gone(last)
    }
  })
  await ready
  return { known, stop: () => watching.stop() }
}
