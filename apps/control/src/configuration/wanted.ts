import type { Kind, Resource, Specs } from '@dialtone/contracts'

/** A resource as an operator writes it: without what control adds. */
export type Wanted<K extends Kind = Kind> = { [L in K]: { kind: L, name: string, spec: Specs[L] } }[K]

/** What rules across resources look at: the configuration as it is, or as it would be. Lists are sorted by name. */
export type Resources = {
  all: <K extends Kind>(kind: K) => readonly Resource<K>[]
  get: <K extends Kind>(kind: K, name: string) => Resource<K> | undefined
}

/** How a resource is called in sentences, problems and the audit trail. */
export function subjectOf ({ kind, name }: { kind: string, name: string }): string {
  return `${kind}/${name}`
}
