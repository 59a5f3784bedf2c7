// The framer against Expat: for every document, random or mutated, both accept or both refuse, under the restrictions of RFC 6120 §11.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'

/** Reads a length in decimal and a line break, then that many bytes; answers 1 or 0. Comments, instructions, document types and other encodings are refused. */
const JUDGE = `
import sys
from xml.parsers import expat
class No(Exception): pass
def no(*a): raise No()
def accepts(data):
    p = expat.ParserCreate(namespace_separator='\\x0c')
    depth = 0
    def start(name, attrs):
        nonlocal depth; depth += 1
    def end(name):
        nonlocal depth; depth -= 1
    def text(chars):
        if depth < 2 and (chars.strip(' \\t\\r\\n') or data[p.CurrentByteIndex:p.CurrentByteIndex + 1] == b'&'): raise No()
    def cdata():
        if depth < 2: raise No()
    def decl(version, encoding, standalone):
        if encoding is not None and encoding.lower() != 'utf-8': raise No()
        if version != '1.0': raise No()
    p.StartElementHandler, p.EndElementHandler, p.CharacterDataHandler, p.StartCdataSectionHandler, p.XmlDeclHandler = start, end, text, cdata, decl
    p.CommentHandler = p.ProcessingInstructionHandler = p.StartDoctypeDeclHandler = no
    try: p.Parse(data, True)
    except (expat.ExpatError, No, UnicodeError, ValueError): return False
    return True
i, o = sys.stdin.buffer, sys.stdout.buffer
while True:
    line = i.readline()
    if not line: break
    o.write(b'1' if accepts(i.read(int(line))) else b'0'); o.flush()
`
const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='1'>"
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
/** A character beyond Latin-1 in a tag: Expat has the names of the fourth edition of XML 1.0, the framer those of the fifth. */
const OTHER_EDITION = /<[^>]*[\u{100}-\u{FFFC}\u{FFFE}-\u{10FFFF}][^>]*>/u
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
  for (const document of DOCUMENTS) {
    const bytes = new TextEncoder().encode(HEADER + document + FOOTER)
    expect(framerAccepts(bytes)).toBe(true)
    expect(await expatAccepts([bytes])).toEqual([true])
  }
})

it('agrees with Expat on mutated documents and on random ones', { timeout: 60_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const random = generator(seed)
  const until = performance.now() + MS
  const counts = { accepted: 0, refused: 0 }
  while (performance.now() < until) {
    const batch = Array.from({ length: 200 }, () => document(random)).filter(bytes => !OTHER_EDITION.test(new TextDecoder().decode(bytes)))
    const expat = await expatAccepts(batch)
    batch.forEach((bytes, at) => {
      const ours = framerAccepts(bytes)
      counts[ours ? 'accepted' : 'refused']++
      if (ours !== expat[at]) throw new Error(`seed ${seed}: the framer ${ours ? 'accepts' : 'refuses'}, Expat does not agree: ${JSON.stringify(new TextDecoder().decode(bytes))}`)
    })
  }
  expect(counts.accepted).toBeGreaterThan(100)
  expect(counts.refused).toBeGreaterThan(1000)
})

function framerAccepts (bytes: Uint8Array): boolean {
  let ended = false
  let failed = false
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: () => undefined, element: () => undefined, end: () => { ended = true }, error: () => { failed = true } })
  const consumed = framer.write(bytes)
  return ended && !failed && consumed === bytes.length
}

async function expatAccepts (documents: readonly Uint8Array[]): Promise<boolean[]> {
  let answers = ''
  const answered = new Promise<void>(resolve => {
    const hear = (chunk: Buffer) => {
      answers += chunk.toString('latin1')
      if (answers.length < documents.length) return
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
  return Array.from(answers, answer => answer === '1')
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
  const bytes = encode(HEADER + pick(DOCUMENTS) + FOOTER)
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
