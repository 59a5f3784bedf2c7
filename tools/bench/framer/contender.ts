/**
 * One parser in a process of its own: `node contender.ts NAME STANZA-BYTES CHUNK-BYTES` reads a stream over and over, and prints the median MB/s
 * of its passes as JSON. What one parser does to the compiler's guesses and to the heap does not touch the next.
 */
import { AFTER_AUTHENTICATION, createFramer } from '@dialtone/stream'
import { Parser as XmppParser } from '@xmpp/xml'
import SaxLtx from 'ltx/src/parsers/ltx.js'
import { SaxesParser } from 'saxes'
import { median } from '../../bench-report.ts'
import { HEADER, stanzaOf } from './stanza.ts'

/** Reads all chunks and says how many stanzas it saw. */
type Contender = (chunks: readonly Buffer[]) => number

const CONTENDERS: Record<string, Contender> = {
  ours: chunks => {
    let count = 0
    const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
      header: () => undefined,
      element: ({ to, from }) => { if (to !== undefined && from !== undefined) count++ },
      end: () => undefined,
      error: ({ detail }) => { throw new Error(detail) },
    })
    for (const chunk of chunks) framer.write(chunk)
    return count
  },
  // What a gateway asks of a stanza that leaves as it came: no string is made.
  relayed: chunks => {
    let count = 0
    const [from, to] = [Buffer.from('montague.example'), Buffer.from('capulet.example')]
    const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
      header: () => undefined,
      element: frame => { if (frame.kind === 'message' && frame.canonical && !frame.typeIs('error') && frame.pairIs(from, to)) count++ },
      end: () => undefined,
      error: ({ detail }) => { throw new Error(detail) },
    })
    for (const chunk of chunks) framer.write(chunk)
    return count
  },
  '@xmpp/xml': chunks => {
    let count = 0
    const parser = new XmppParser()
    parser.on('element', () => {
      count++
      // Otherwise it would keep every stanza.
      parser.root!.children.length = 0
    })
    for (const chunk of chunks) parser.write(chunk.toString())
    return count
  },
  ltx: chunks => {
    let count = 0
    const parser = new (SaxLtx as unknown as new () => { on: (event: string, hear: (name: string) => void) => void, write: (text: string) => void })()
    parser.on('endElement', (name: string) => { if (name === 'message') count++ })
    parser.on('startElement', () => undefined)
    parser.on('text', () => undefined)
    for (const chunk of chunks) parser.write(chunk.toString())
    return count
  },
  saxes: chunks => {
    let count = 0
    const parser = new SaxesParser({ xmlns: true })
    parser.on('closetag', ({ name }) => { if (name === 'message') count++ })
    parser.on('opentag', () => undefined)
    parser.on('text', () => undefined)
    for (const chunk of chunks) parser.write(chunk.toString())
    return count
  },
}

/** About the bytes of 20,000 stanzas of 300. */
const STREAM_BYTES = 6_000_000
const PASSES = 9

const [name = '', stanzaBytes, chunkBytes] = process.argv.slice(2)
const read = CONTENDERS[name]
if (read === undefined) throw new Error(`no parser is called '${name}'`)
const one = stanzaOf(Number(stanzaBytes))
const stanzas = Math.ceil(STREAM_BYTES / one.length)
const stream = Buffer.from(HEADER + one.repeat(stanzas))
const size = Number(chunkBytes)
// What a socket would hand over: cut before the clock runs.
const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size))

pass()
pass()
console.log(JSON.stringify({ pid: process.pid, megabytesPerSecond: median(Array.from({ length: PASSES }, pass)) }))

function pass (): number {
  const began = performance.now()
  const seen = read?.(chunks)
  const took = performance.now() - began
  if (seen !== stanzas) throw new Error(`${name} saw ${seen} of ${stanzas} stanzas`)
  return stream.length / 1000 / took
}
