/** Expat, as the judge of what a text is: a child that lives as long as it is asked, one document after the other. */
import { spawn } from 'node:child_process'

/** Name with namespace, attributes likewise, children: elements, and text in a row as one. */
export type Tree = [name: string, attributes: Record<string, string>, children: (Tree | string)[]]
export type Expat = { see: (documents: readonly Uint8Array[]) => Promise<(Tree | null)[]>, stop: () => void }

/** Reads a length in decimal and a line break, then that many bytes; answers a line: the tree, or null where it is not well-formed or has what RFC 6120 §11.1 forbids. */
const JUDGE = `
import sys, json
from xml.parsers import expat
class No(Exception): pass
def no(*a): raise No()
def tree(data):
    p = expat.ParserCreate(namespace_separator='\\x0c')
    stack = [['', {}, []]]
    def start(name, attrs):
        element = [name, attrs, []]
        stack[-1][2].append(element); stack.append(element)
    def end(name): stack.pop()
    def text(chars):
        children = stack[-1][2]
        if children and isinstance(children[-1], str): children[-1] += chars
        else: children.append(chars)
    p.StartElementHandler, p.EndElementHandler, p.CharacterDataHandler = start, end, text
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

export async function startExpat (): Promise<Expat> {
  const judge = spawn('python3', ['-c', JUDGE])
  await new Promise((resolve, reject) => {
    judge.once('spawn', resolve)
    judge.once('error', () => reject(new Error('python3 is needed: it brings Expat. apt-get install python3')))
  })
  return {
    see: async documents => {
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
    },
    stop: () => { judge.kill() },
  }
}

/** With the attributes in one order, to be compared. */
export function sorted (tree: Tree | string): unknown {
  if (typeof tree === 'string') return tree
  const [name, attributes, children] = tree
  return [name, Object.entries(attributes).toSorted(([a], [b]) => a < b ? -1 : 1), children.map(sorted)]
}
