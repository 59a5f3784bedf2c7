import { KINDS } from '@dialtone/contracts/schemas'
import type { ConfigurationChange, Kind, Resource } from '@dialtone/contracts'
import type { Resources } from './wanted.ts'

export const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** An immutable set of resources: by kind and name, each kind sorted by name. A change shares what did not change. */
export type ResourceSet = Resources & {
  readonly size: number
  /** In the order of the document: kinds as in KINDS, then names. */
  list: () => Resource[]
  /** With these put in, and those taken out. */
  with: (put: readonly Resource[], gone: readonly { kind: Kind, name: string }[]) => ResourceSet
}

type Shelf = { byName: ReadonlyMap<string, Resource>, sorted: readonly Resource[] }
const EMPTY_SHELF: Shelf = { byName: new Map(), sorted: [] }

/** Of the resources of a document. One named twice counts once, the last. What is as it was in `before` is the same object as there. */
export function resourceSet (resources: readonly Resource[], before?: ResourceSet): ResourceSet {
  const shared = before === undefined ? resources : resources.map((one): Resource => {
    const old = before.get<Kind>(one.kind, one.name)
    return old !== undefined && isSame(old, one) ? old : one
  })
  const byKind = Map.groupBy(shared, resource => resource.kind)
  return setOf(new Map([...byKind].map(([kind, list]) => [kind, shelfOf(new Map(list.map(one => [one.name, one])))])))
}

/** What is different, in the order of the document. Resources are compared by revision and time, which every write changes. */
export function differences (before: ResourceSet, after: ResourceSet): ConfigurationChange[] {
  return KIND_NAMES.flatMap(kind => {
    const was = before.all(kind)
    const is = after.all(kind)
    if (was === is) return []
    const gone = was.filter(one => after.get(kind, one.name) === undefined).map(one => ({ kind, name: one.name, before: one }))
    const put = is.flatMap((one): ConfigurationChange[] => {
      const old = before.get(kind, one.name)
      return old !== undefined && isSame(old, one) ? [] : [{ kind, name: one.name, ...(old === undefined ? {} : { before: old }), after: one }]
    })
    return [...put, ...gone]
  })
}

function isSame (a: Resource, b: Resource): boolean {
  return a === b || (a.revision === b.revision && a.updatedAt === b.updatedAt)
}

function setOf (shelves: ReadonlyMap<Kind, Shelf>): ResourceSet {
  const shelf = (kind: Kind) => shelves.get(kind) ?? EMPTY_SHELF
  return {
    size: [...shelves.values()].reduce((sum, { sorted }) => sum + sorted.length, 0),
    all: <K extends Kind>(kind: K) => shelf(kind).sorted as readonly Resource<K>[],
    get: <K extends Kind>(kind: K, name: string) => shelf(kind).byName.get(name) as Resource<K> | undefined,
    list: () => KIND_NAMES.flatMap(kind => shelf(kind).sorted),
    with: (put, gone) => {
      const touched = new Set([...put, ...gone].map(({ kind }) => kind))
      const next = new Map(shelves)
      for (const kind of touched) {
        const byName = new Map(shelf(kind).byName)
        for (const one of gone) if (one.kind === kind) byName.delete(one.name)
        for (const one of put) if (one.kind === kind) byName.set(one.name, one)
        next.set(kind, shelfOf(byName))
      }
      return setOf(next)
    },
  }
}

function shelfOf (byName: ReadonlyMap<string, Resource>): Shelf {
  return { byName, sorted: [...byName.values()].toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0) }
}
