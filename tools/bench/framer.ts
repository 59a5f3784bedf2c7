// framer: our framer with every check on, against parsers that check less, over the same stream in the same run.
import { readFileSync } from 'node:fs'
import { AFTER_AUTHENTICATION, createFramer } from '@dialtone/stream'
import { Parser as XmppParser } from '@xmpp/xml'
import SaxLtx from 'ltx/src/parsers/ltx.js'
import { SaxesParser } from 'saxes'
import { finish, machine, median, rounded } from '../bench-report.ts'

const SIZE = Number(process.env['FRAMER_STANZA_BYTES'] ?? 300)
const STANZAS = 40_000
const ROUNDS = 5
const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

const around = stanza('')
const one = stanza('Art thou not Romeo, and a Montague? Neither, fair saint, if either thee dislike. '.repeat(50).slice(0, Math.max(0, SIZE - around.length)))
const stream = Buffer.from(HEADER + one.repeat(STANZAS))

type Contender = (chunk: number) => number
const contenders: Record<string, Contender> = {
  ours: chunk => {
    let count = 0
    const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: () => undefined, element: ({ to, from }) => { if (to !== undefined && from !== undefined) count++ }, end: () => undefined, error: ({ detail }) => { throw new Error(detail) } })
    for (let at = 0; at < stream.length; at += chunk) framer.write(stream.subarray(at, at + chunk))
    return count
  },
  '@xmpp/xml': chunk => {
    let count = 0
    const parser = new XmppParser()
    parser.on('element', () => { count++; (parser as unknown as { root?: { children: unknown[] } }).root!.children.length = 0 })
    for (let at = 0; at < stream.length; at += chunk) parser.write(stream.toString('utf8', at, at + chunk))
    return count
  },
  'ltx SAX': chunk => {
    let count = 0
    const parser = new (SaxLtx as unknown as new () => { on: (event: string, hear: (name: string) => void) => void, write: (text: string) => void })()
    parser.on('endElement', (name: string) => { if (name === 'message') count++ })
    parser.on('startElement', () => undefined)
    parser.on('text', () => undefined)
    for (let at = 0; at < stream.length; at += chunk) parser.write(stream.toString('utf8', at, at + chunk))
    return count
  },
  saxes: chunk => {
    let count = 0
    const parser = new SaxesParser({ xmlns: true })
    parser.on('closetag', ({ name }) => { if (name === 'message') count++ })
    parser.on('opentag', () => undefined)
    parser.on('text', () => undefined)
    for (let at = 0; at < stream.length; at += chunk) parser.write(stream.toString('utf8', at, at + chunk))
    return count
  },
}

const speeds = measure(16_384)
const small = measure(64)
const linear = bytewise(262_144) / bytewise(65_536) / 4

const version = (name: string) => (JSON.parse(readFileSync(`${import.meta.dirname}/../../node_modules/${name}/package.json`, 'utf8')) as { version: string }).version
const ours = speeds['ours'] ?? 0
const result = {
  bench: 'framer',
  machine: machine({ bench: process.pid }),
  ours: { megabytesPerSecond: rounded(ours), stanzasPerSecond: Math.round(ours * 1e6 / one.length), stanzaBytes: one.length, megabytesPerSecondAt64Bytes: rounded(small['ours'] ?? 0), byteByByteGrowthPerByte: rounded(linear) },
  peers: Object.fromEntries(Object.entries({ '@xmpp/xml': '@xmpp/xml', 'ltx SAX': 'ltx', saxes: 'saxes' }).map(([name, pkg]) => [name, { version: version(pkg), megabytesPerSecond: rounded(speeds[name] ?? 0), stanzasPerSecond: Math.round((speeds[name] ?? 0) * 1e6 / one.length) }])),
  ratios: {
    ...Object.fromEntries(Object.entries({ xmppXml: '@xmpp/xml', ltx: 'ltx SAX', saxes: 'saxes' }).map(([key, name]) => [key, rounded(ours / (speeds[name] ?? 1))])),
    at64Bytes: rounded((small['ours'] ?? 0) / ours),
  },
}
finish(result, [
  `stanzas of ${one.length} bytes, chunks of 16 KiB`,
  ...Object.entries(speeds).map(([name, speed]) => `  ${name.padEnd(10)} ${rounded(speed).toFixed(1).padStart(8)} MB/s ${Math.round(speed * 1e6 / one.length).toLocaleString('en').padStart(12)} stanzas/s`),
  `  ours in chunks of 64 bytes: ${rounded(small['ours'] ?? 0)} MB/s`,
  `  one stanza byte by byte: 256 KiB costs ${rounded(linear)} times as much per byte as 64 KiB`,
])

/** MB/s of each, rounds interleaved, the median. */
function measure (chunk: number): Record<string, number> {
  const seen: Record<string, number[]> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      if (chunk < 1024 && name !== 'ours') continue
      const began = performance.now()
      const count = run(chunk)
      if (count !== STANZAS) throw new Error(`${name} saw ${count} of ${STANZAS} stanzas`)
      ;(seen[name] ??= []).push(stream.length / 1000 / (performance.now() - began))
    }
  }
  return Object.fromEntries(Object.entries(seen).map(([name, values]) => [name, median(values)]))
}

function bytewise (size: number): number {
  const bytes = Buffer.from(`${HEADER}<message>${'x'.repeat(size - 100)}</message>`)
  const times = Array.from({ length: 5 }, () => {
    const framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, elementBytes: 2 * size } }, { header: () => undefined, element: () => undefined, end: () => undefined, error: () => undefined })
    const began = performance.now()
    for (let at = 0; at < bytes.length; at++) framer.write(bytes.subarray(at, at + 1))
    return performance.now() - began
  })
  return median(times)
}

function stanza (body: string): string {
  return `<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
}
