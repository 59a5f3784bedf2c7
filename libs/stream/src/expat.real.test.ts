// The framer against Expat: for every document, random or mutated, both refuse, or both accept and see the same tree, under the restrictions of
// RFC 6120 §11. What they see differently could be smuggled (row X4).
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Element } from '@xmpp/xml'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findNamespace, toElement } from './element.ts'
import { createFramer } from './framer.ts'
import type { HeaderFrame } from './frame.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'
import { serialise } from './serialise.ts'

/** Name with namespace, attributes likewise, children: elements, and text in a row as one. */
type Tree = [name: string, attributes: Record<string, string>, children: (Tree | string)[]]

/**
 * Reads a length in decimal and a line break, then that many bytes; answers a line: the tree, or null. Comments, instructions, document types
 * and other encodings are refused, and so are text and sections beside the first-level elements.
 */
const JUDGE = `
import sys, json
from xml.parsers import expat
class No(Exception): pass
def no(*a): raise No()
def tree(data):
    p = expat.ParserCreate(namespace_separator='\\x0c')
    p.buffer_text = False
    stack = [['', {}, []]]
    def start(name, attrs):
        element = [name, attrs, []]
        stack[-1][2].append(element); stack.append(element)
    def end(name): stack.pop()
    def text(chars):
        if len(stack) < 3 and (chars.strip(' \\t\\r\\n') or data[p.CurrentByteIndex:p.CurrentByteIndex + 1] == b'&'): raise No()
        if len(stack) < 3: return
        children = stack[-1][2]
        if children and isinstance(children[-1], str): children[-1] += chars
        else: children.append(chars)
    def cdata():
        if len(stack) < 3: raise No()
    def decl(version, encoding, standalone):
        if encoding is not None and encoding.lower() != 'utf-8': raise No()
        if version != '1.0': raise No()
    p.StartElementHandler, p.EndElementHandler, p.CharacterDataHandler, p.StartCdataSectionHandler, p.XmlDeclHandler = start, end, text, cdata, decl
    p.CommentHandler = p.ProcessingInstructionHandler = p.StartDoctypeDeclHandler = no
    try: p.Parse(data, True)
    except (expat.ExpatError, No, UnicodeError, ValueError): return None
    return stack[0][2][0]
i, o = sys.stdin.buffer, sys.stdout.buffer
while True:
    line = i.readline()
    if not line: break
    o.write(json.dumps(tree(i.read(int(line)))).encode() + b'\\n'); o.flush()
`
const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='1'>"
/** What our own headers declare. */
const DECLARED = new Map([['', 'jabber:server'], ['stream', 'http://etherx.jabber.org/streams'], ['db', 'jabber:server:dialback']])
const OUTGOING = `<stream:stream${[...DECLARED].map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : ':'}${prefix}='${uri}'`).join('')}>`
const FOOTER = '</stream:stream>'
const DOCUMENTS = [
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
  "<db:result from='a.example' to='b.example'>key</db:result>\n<db:verify id='1' type='valid'/>",
  "<message to='é@b.example' xml:lang='de'><body>k&#233;y 😀 &amp; &lt;<![CDATA[a<b]]&>]]></body><x:y xmlns:x='urn:x' x:z='1' z='2'/></message>",
  "<iq><a xmlns='urn:a'><b xmlns=''><c xmlns:p='urn:p'><p:d p:e='&quot;'/></c></b></a></iq> ",
]
const PIECES = [
  '<', '>', '/', '&', ';', "'", '"', '=', ' ', '\n', ':', 'a', 'xmlns', 'xml', 'é', '😀', '\u0001', '\uFFFE', '&amp;', '&#9;', '&#0;', '&#xD800;', '&x;', '<!--', '-->', '<?', '?>', '<![CDATA[', ']]>', '<!DOCTYPE',
  "xmlns:p='urn:p'", "p:a='1'", "a='1'", "xmlns=''", '<a>', '</a>', '<b/>', '<p:c>', '</p:c>', "xmlns:xml='urn:x'", "xmlns:p=''", '-', '.', '0', '\t', "<?xml version='1.0'?>",
].map(piece => new TextEncoder().encode(piece))
const TRANSCRIPTS = join(import.meta.dirname, '..', 'transcripts')
const WHOLE = [...DOCUMENTS.map(document => new TextEncoder().encode(HEADER + document + FOOTER)), ...readdirSync(TRANSCRIPTS).map(name => withoutEnd(readFileSync(join(TRANSCRIPTS, name))))]
/** Beyond Latin-1 Expat has the names of the fourth edition of XML 1.0, the framer those of the fifth, which are more. */
const BEYOND_LATIN_1 = /[\u{100}-\u{10FFFF}]/gu
/** Bounded in time, not in luck: the seed is printed when something is found. */
const MS = 8000

let judge: ChildProcessWithoutNullStreams
beforeAll(async () => {
  judge = spawn('python3', ['-c', JUDGE])
  await new Promise((resolve, reject) => {
    judge.once('spawn', resolve)
    judge.once('error', () => reject(new Error('python3 is needed: it brings Expat. apt-get install python3')))
  })
})
afterAll(() => { judge.kill() })

it('agrees with Expat on the documents themselves', async () => {
  const expat = await expatSees(WHOLE)
  WHOLE.forEach((bytes, at) => {
    expect(expat[at]).not.toBeNull()
    expect(framerSees(bytes)).toEqual(expat[at])
  })
})

it('agrees with Expat on mutated documents and on random ones', { timeout: 60_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const random = generator(seed)
  const until = performance.now() + Number(process.env['DIALTONE_FUZZ_MS'] ?? MS)
  const counts = { accepted: 0, refused: 0 }
  while (performance.now() < until) {
    const batch = Array.from({ length: 200 }, () => document(random))
    const seen = batch.map(bytes => framerSees(bytes))
    const expat = await expatSees(batch)
    const differs = (at: number) => JSON.stringify(sorted(seen[at] ?? null)) !== JSON.stringify(sorted(expat[at] ?? null))
    // What the framer alone takes is asked about again with names of either edition.
    const again = [...batch.keys()].filter(at => differs(at) && expat[at] === null)
    const renamed = again.map(at => new TextEncoder().encode(new TextDecoder().decode(batch[at]).replace(BEYOND_LATIN_1, 'é')))
    const answers = await expatSees(renamed)
    renamed.forEach((bytes, k) => {
      const at = again[k] ?? -1
      seen[at] = framerSees(bytes)
      expat[at] = answers[k] ?? null
    })
    batch.forEach((bytes, at) => {
      counts[seen[at] === null ? 'refused' : 'accepted']++
      if (differs(at)) {
        throw new Error(`seed ${seed}: ${JSON.stringify(new TextDecoder().decode(bytes))}\nthe framer sees ${JSON.stringify(seen[at])}\nExpat sees ${JSON.stringify(expat[at])}`)
      }
    })
  }
  expect(counts.accepted).toBeGreaterThan(100)
  expect(counts.refused).toBeGreaterThan(1000)
})

it('X4: what leaves a gateway, as it came or written again, is for Expat the tree that the gateway saw', { timeout: 60_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const random = generator(seed)
  const until = performance.now() + Number(process.env['DIALTONE_FUZZ_MS'] ?? MS) / 2
  const counts = { verbatim: 0, written: 0 }
  while (performance.now() < until) {
    const left = Array.from({ length: 200 }, () => leaving(new TextEncoder().encode(new TextDecoder().decode(document(random)).replace(BEYOND_LATIN_1, 'é'))))
    const expat = await expatSees(left.map(each => new TextEncoder().encode(OUTGOING + each.text + FOOTER)))
    left.forEach(({ text, trees, verbatim }, at) => {
      counts.verbatim += verbatim
      counts.written += trees.length - verbatim
      const children = expat[at]?.[2].filter(child => typeof child === 'object') ?? null
      if (JSON.stringify(children?.map(sorted)) !== JSON.stringify(trees.map(sorted))) {
        throw new Error(`seed ${seed}: ${JSON.stringify(text)}\nthe gateway saw ${JSON.stringify(trees)}\nExpat sees ${JSON.stringify(children)}`)
      }
    })
  }
  expect(counts.verbatim).toBeGreaterThan(100)
  expect(counts.written).toBeGreaterThan(100)
})

/** The first-level elements of a document as a gateway sends them on, up to what it refuses, and how it saw them. */
function leaving (bytes: Uint8Array): { text: string, trees: Tree[], verbatim: number } {
  const left = { text: '', trees: [] as Tree[], verbatim: 0 }
  let header: HeaderFrame | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => {
      const element = toElement(frame, header as HeaderFrame)
      left.trees.push(treeOf(element))
      if (frame.canonical) left.verbatim++
      left.text += frame.canonical ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(frame.bytes) : serialise(element, DECLARED)
    },
    end: () => undefined,
    error: () => undefined,
  })
  framer.write(bytes)
  return left
}

function framerSees (bytes: Uint8Array): Tree | null {
  let root: Tree | undefined
  let header: HeaderFrame | undefined
  let ended = false
  const framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, langBytes: Number.POSITIVE_INFINITY } }, {
    header: frame => {
      header = frame
      root = [qualified(frame.namespace, frame.name), Object.fromEntries(frame.attributes.map(({ namespace, name, value }) => [qualified(namespace, name), value])), []]
    },
    element: frame => { root?.[2].push(treeOf(toElement(frame, header as HeaderFrame))) },
    end: () => { ended = true },
    error: () => undefined,
  })
  return framer.write(bytes) === bytes.length && ended && root !== undefined ? root : null
}

function treeOf (element: Element): Tree {
  const attributes = Object.entries<string>(element.attrs).filter(([name]) => !/^xmlns(:|$)/.test(name)).map(([name, value]) => {
    const [local = '', prefix] = name.split(':').toReversed()
    return [qualified(prefix === undefined ? '' : findNamespace(element, prefix) ?? '', local), value]
  })
  return [qualified(element.getNS() ?? '', element.getName()), Object.fromEntries(attributes) as Record<string, string>, element.children.map(child => typeof child === 'object' ? treeOf(child) : child)]
}

function qualified (namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}\f${name}`
}

/** With the attributes in one order. */
function sorted (tree: Tree | string | null): unknown {
  if (tree === null || typeof tree === 'string') return tree
  const [name, attributes, children] = tree
  return [name, Object.entries(attributes).toSorted(([a], [b]) => a < b ? -1 : 1), children.map(sorted)]
}

/** Without white space after the stream's end, which the framer leaves unread. */
function withoutEnd (bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.lastIndexOf('>'.charCodeAt(0)) + 1)
}

async function expatSees (documents: readonly Uint8Array[]): Promise<(Tree | null)[]> {
  if (documents.length === 0) return []
  const parts: Buffer[] = []
  let lines = 0
  const answered = new Promise<void>(resolve => {
    const hear = (chunk: Buffer) => {
      parts.push(chunk)
      for (const byte of chunk) if (byte === 0x0A) lines++
      if (lines < documents.length) return
      judge.stdout.off('data', hear)
      resolve()
    }
    judge.stdout.on('data', hear)
  })
  for (const bytes of documents) {
    judge.stdin.write(`${bytes.length}\n`)
    judge.stdin.write(bytes)
  }
  await answered
  return Buffer.concat(parts).toString().trimEnd().split('\n').map(line => JSON.parse(line) as Tree | null)
}

/** One of the documents with up to three pieces put in, bytes taken out or changed; or pieces alone inside an element. */
function document (random: () => number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => {
    const chosen = list[Math.floor(random() * list.length)]
    if (chosen === undefined) throw new RangeError('nothing to choose from')
    return chosen
  }
  const encode = (text: string) => [...new TextEncoder().encode(text)]
  if (random() < 0.3) return Uint8Array.from([...encode(`${HEADER}<a>`), ...Array.from({ length: Math.floor(random() * 6) }, () => [...pick(PIECES)]).flat(), ...encode(`</a>${FOOTER}`)])
  const bytes = [...pick(WHOLE)]
  for (let changes = Math.floor(random() * 3) + (random() < 0.9 ? 1 : 0); changes > 0; changes--) {
    const at = Math.floor(random() * bytes.length)
    const kind = random()
    if (kind < 0.5) bytes.splice(at, 0, ...pick(PIECES))
    else if (kind < 0.8) bytes.splice(at, 1 + Math.floor(random() * 3))
    else bytes[at] = Math.floor(random() * 256)
  }
  return Uint8Array.from(bytes)
}

function generator (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
