/**
 * Resources out of files: YAML or JSON, one or many documents, each a resource, a list of resources, or `{ resources: [...] }`. Where each part was written is
 * kept, so that a complaint of the server's about `/resources/3/spec/port` becomes one about a line.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kind, Specs } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { LineCounter, isMap, isScalar, isSeq, parseAllDocuments, visit, type Document, type Node, type Scalar } from 'yaml'
import { read, shown } from '../files.ts'

/** A resource as it is sent; whether its kind is known, and its spec right, is the server's to say. */
export type Written = { kind: string, name: string, spec: unknown }
/** `{ [K in Kind]: … }` of what was checked. */
export type Checked = { [K in Kind]: { kind: K, name: string, spec: Specs[K] } }[Kind]
export type Loaded = {
  resources: readonly Written[]
  /**
   * `FILE:LINE:COLUMN` of a JSON pointer into `{ resources: [...] }`, or into the resource `Kind/name` where that is given; undefined where it points at nothing
   * that was written.
   */
  placeOf: (pointer: string, resource?: string) => string | undefined
}

const MOST_BYTES = 16 * 1024 * 1024
const MOST_FILES = 1000
const MOST_RESOURCES = 100_000
/** Nodes that the aliases of one resource may stand for. */
const MOST_ALIASES = 100

/** `-` is the standard input; of a directory its *.yaml, *.yml and *.json. Rejects with an OperatorError `configuration` that lists what is wrong, with places. */
export async function loadResources (sources: readonly string[], signal: AbortSignal): Promise<Loaded> {
  const found: Found[] = []
  const wrong: string[] = []
  for (const file of (await Promise.all(sources.map(filesOf))).flat()) {
    const text = await read('-f', file === '-' ? '/dev/stdin' : file, { signal, most: { bytes: MOST_BYTES, instead: 'split it' } })
    for (const one of resourcesIn(file === '-' ? '(stdin)' : file, text)) {
      if ('says' in one) wrong.push(one.says)
      else found.push(one)
    }
  }
  const seen = new Map<string, Found>()
  for (const one of found) {
    const name = `${one.resource.kind} ${one.resource.name}`
    const before = seen.get(name)
    if (before !== undefined) wrong.push(`${one.place()}: ${quoted(name, 120)} is here for the second time; first at ${before.place()}`)
    seen.set(name, one)
  }
  if (wrong.length > 0) throw new OperatorError('configuration', `${wrong.length === 1 ? '' : `${wrong.length} mistakes:\n  `}${wrong.slice(0, 20).join('\n  ')}${wrong.length > 20 ? `\n  and ${wrong.length - 20} more` : ''}`)
  if (found.length === 0) throw new OperatorError('configuration', `there is no resource in ${sources.map(shown).join(', ')}: a resource has 'kind', 'name' and 'spec'`)
  if (found.length > MOST_RESOURCES) throw new OperatorError('configuration', `there are ${found.length} resources; at most ${MOST_RESOURCES} can be applied at once`)
  return { resources: found.map(({ resource }) => resource), placeOf: (pointer, resource) => placeIn(found, pointer, resource) }
}

type Found = { resource: Written, place: (path?: readonly string[]) => string }

async function filesOf (source: string): Promise<string[]> {
  if (source === '-' || !(await stat(source).catch(() => undefined))?.isDirectory()) return [source]
  const names = (await readdir(source)).filter(name => /\.(?:ya?ml|json)$/.test(name)).toSorted()
  if (names.length === 0) throw new OperatorError('configuration', `the directory ${shown(source)} has no *.yaml, *.yml or *.json`)
  if (names.length > MOST_FILES) throw new OperatorError('configuration', `the directory ${shown(source)} has ${names.length} files; at most ${MOST_FILES} are read`)
  return names.map(name => join(source, name))
}

function resourcesIn (file: string, text: string): (Found | { says: string })[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, strict: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document: Document): (Found | { says: string })[] => {
    const at = (node: Node | null | undefined) => {
      const { line, col } = lines.linePos(node?.range?.[0] ?? 0)
      return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`
    }
    if (document.errors.length > 0) {
      return document.errors.map(({ pos: [from], message }) => {
        const { line, col } = lines.linePos(from)
        return { says: `${file}:${line}:${col}: ${quoted(message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '', 200)}` }
      })
    }
    const root = document.contents
    if (root === null || (isScalar(root) && root.value === null)) return []
    const forbidden = forbiddenIn(document)
    if (forbidden !== undefined) return [{ says: `${at(forbidden)}: no field may be called '__proto__'` }]
    return itemsOf(root, document).map(node => resourceOf(node, document, at))
  })
}

/** The nodes of single resources. */
function itemsOf (root: Node, document: Document): readonly Node[] {
  if (isSeq(root)) return root.items as Node[]
  const list: unknown = isMap(root) ? root.get('resources', true) : undefined
  if (isMap(root) && !root.has('kind') && isSeq(list)) return list.items as Node[]
  return document.contents === null ? [] : [root]
}

function resourceOf (node: Node, document: Document, at: (node: Node | null | undefined) => string): Found | { says: string } {
  if (!isMap(node)) return { says: `${at(node)}: a resource is a map with 'kind', 'name' and 'spec'` }
  const value = valueOf(node, document)
  if (value === undefined) return { says: `${at(node)}: aliases (*name) repeat too much here: write out what they stand for` }
  for (const field of ['kind', 'name'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') return { says: `${at(node)}: a resource needs '${field}', a text` }
  }
  // What `get` printed may be applied again: its revision and dates are the server's.
  const unknown = Object.keys(value).find(key => !['kind', 'name', 'spec', 'revision', 'updatedAt', 'updatedBy'].includes(key))
  if (unknown !== undefined) return { says: `${at(node.get(unknown, true))}: a resource has 'kind', 'name' and 'spec', and no '${quoted(unknown, 60)}'` }
  const { kind, name, spec } = value
  return {
    resource: { kind: String(kind), name: String(name), spec: spec ?? {} },
    place: (path = []) => at(nodeAt(node, path)),
  }
}

/** Undefined where aliases multiply, or stand for what they are part of. */
function valueOf (node: Node, document: Document): Record<string, unknown> | undefined {
  try {
    const value = node.toJS(document, { maxAliasCount: MOST_ALIASES }) as Record<string, unknown>
    // As it is sent: what stands for what it is part of has no end.
    return JSON.stringify(value) === undefined ? undefined : value
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof RangeError || error instanceof TypeError) return undefined
    throw error
  }
}

/** A key that no JSON parser of a server lets in. */
function forbiddenIn (document: Document): Scalar | undefined {
  let found: Scalar | undefined
  visit(document, {
    Pair: (_, { key }) => {
      if (!isScalar(key) || key.value !== '__proto__') return undefined
      found = key
      return visit.BREAK
    },
  })
  return found
}

/** The deepest node on the way that was written. */
function nodeAt (root: Node, path: readonly string[]): Node {
  let node = root
  for (const step of path) {
    const next: unknown = isMap(node) ? node.get(step, true) : isSeq(node) ? node.get(Number(step), true) : undefined
    if (next === undefined || next === null) break
    node = next as Node
  }
  return node
}

function placeIn (found: readonly Found[], pointer: string, resource: string | undefined): string | undefined {
  const [, ...steps] = pointer.split('/').map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const [list, index, ...path] = steps
  if (list === 'resources' && index !== undefined) return found[Number(index)]?.place(path)
  return found.find(({ resource: { kind, name } }) => `${kind}/${name}` === resource)?.place(steps)
}
