/** A configuration written as a list of what is different from nothing. */
import type { Kind, Resource, Specs } from '@dialtone/contracts'
import { resourceSet, type ResourceSet } from './resource-set.ts'

export function configured (...resources: (readonly [kind: Kind, name: string, spec?: Specs[Kind]])[]): ResourceSet {
  return resourceSet(resources.map(([kind, name, spec = {}]) => ({ kind, name, spec, revision: 1, updatedAt: '2026-11-26T12:00:00.000Z', updatedBy: 'test' }) as Resource))
}
