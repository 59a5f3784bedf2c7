import type { Kind, Resource } from './resources/kinds.ts'

/** The configuration as it is now, and what changes of it. Kept up to date from the bus; the last one known stays while the bus is away. */
export type ConfigurationView = {
  /** Increases with every change; 0 before the first. */
  readonly revision: number
  /** Sorted by name. */
  all: <K extends Kind>(kind: K) => readonly Resource<K>[]
  get: <K extends Kind>(kind: K, name: string) => Resource<K> | undefined
  /** Told after the view has changed, of every resource that did. */
  onChange: (hear: (changes: readonly ConfigurationChange[], revision: number) => void) => () => void
}

export type ConfigurationChange = { kind: Kind, name: string, before?: Resource, after?: Resource }

/** Which of several control instances speaks for all: it alone announces, commands, reminds and writes assignments. */
export type Lease = {
  readonly held: boolean
  /** Increases with every holder: what an earlier holder still does under a lower one is void. 0 while not held. */
  readonly token: number
  onChange: (hear: (held: boolean) => void) => () => void
}
