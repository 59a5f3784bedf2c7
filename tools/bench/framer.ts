// framer: our framer with every check on, against parsers that check less, over the same stream in the same run.
import { readFileSync } from 'node:fs'
import { AFTER_AUTHENTICATION, createFramer } from '@dialtone/stream'
import { Parser as XmppParser } from '@xmpp/xml'
import SaxLtx from 'ltx/src/parsers/ltx.js'
import { SaxesParser } from 'saxes'
import { finish, machine, median, rounded } from '../bench-report.ts'

const SIZE = Number(process.env['FRAMER_STANZA_BYTES'] ?? 300)
const STANZAS = 20_000
const ROUNDS = 11
const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

const around = stanza('')
const one = stanza('Art thou not Romeo, and a Montague? Neither, fair saint, if either thee dislike. '.repeat(50).slice(0, Math.max(0, SIZE - around.length)))
const stream = Buffer.from(HEADER + one.repeat(STANZAS))

/** What a socket would hand over: cut before the clock runs. */
const cut = (size: number): Buffer[] => Array.from({ length: Math.ceil(stream.length / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size))

type Contender = (chunks: readonly Buffer[]) => number
const contenders: Record<string, Contender> = {
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
  'ltx SAX': chunks => {
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

const speeds = measure(16_384)
const small = measure(64)
const [kib64, kib256] = [bytewise(65_536), bytewise(262_144)]

const version = (name: string) => (JSON.parse(readFileSync(`${import.meta.dirname}/../../node_modules/${name}/package.json`, 'utf8')) as { version: string }).version
const ours = speeds['ours'] ?? 0
const perSecond = (speed: number) => Math.round(speed * 1e6 / one.length)
const peers = { '@xmpp/xml': '@xmpp/xml', 'ltx SAX': 'ltx', saxes: 'saxes' }
const ratios = Object.fromEntries(Object.entries({ xmppXml: '@xmpp/xml', ltx: 'ltx SAX', saxes: 'saxes' }).flatMap(([key, name]) => [
  [key, rounded(ours / (speeds[name] ?? 1))],
  [`${key}At64Bytes`, rounded((small['ours'] ?? 0) / (small[name] ?? 1))],
]))
const result = {
  bench: 'framer',
  machine: machine({ bench: process.pid }),
  ours: {
    megabytesPerSecond: rounded(ours),
    stanzasPerSecond: perSecond(ours),
    stanzaBytes: one.length,
    megabytesPerSecondAt64Bytes: rounded(small['ours'] ?? 0),
    shareAt64Bytes: rounded((small['ours'] ?? 0) / ours),
    bytewise64KiBMs: rounded(kib64),
    bytewise256KiBMs: rounded(kib256),
    bytewiseGrowth: rounded(kib256 / kib64),
  },
  peers: Object.fromEntries(Object.entries(peers).map(([name, pkg]) => [name, {
    version: version(pkg), megabytesPerSecond: rounded(speeds[name] ?? 0), stanzasPerSecond: perSecond(speeds[name] ?? 0), megabytesPerSecondAt64Bytes: rounded(small[name] ?? 0),
  }])),
  ratios,
}
finish(result, [
  `stanzas of ${one.length} bytes, medians of ${ROUNDS} interleaved rounds; ours checks everything, the others check less`,
  `${''.padEnd(12)}${'16 KiB chunks'.padStart(15)}${''.padStart(20)}${'64-byte chunks'.padStart(18)}`,
  ...Object.entries(speeds).map(([name, speed]) =>
    `${name.padEnd(12)}${rounded(speed).toFixed(1).padStart(10)} MB/s${perSecond(speed).toLocaleString('en').padStart(11)} stanzas/s${rounded(small[name] ?? 0).toFixed(1).padStart(11)} MB/s  ${name === 'ours' ? '' : version(peers[name as keyof typeof peers])}`),
  `one stanza byte by byte: 64 KiB ${rounded(kib64)} ms, 256 KiB ${rounded(kib256)} ms, ${rounded(kib256 / kib64)} times (4 is linear)`,
])

/** MB/s of each, rounds interleaved, the median. */
function measure (size: number): Record<string, number> {
  const chunks = cut(size)
  const seen: Record<string, number[]> = {}
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const began = performance.now()
      const count = run(chunks)
      const speed = stream.length / 1000 / (performance.now() - began)
      if (count !== STANZAS) throw new Error(`${name} saw ${count} of ${STANZAS} stanzas`)
      // The round before the first warms up.
      if (round >= 0) (seen[name] ??= []).push(speed)
    }
  }
  return Object.fromEntries(Object.entries(seen).map(([name, values]) => [name, median(values)]))
}

function bytewise (size: number): number {
  const bytes = Buffer.from(`${HEADER}<message>${'x'.repeat(size - 100)}</message>`)
  const times = Array.from({ length: 9 }, () => {
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
