/**
 * framer: our framer with every check on, against parsers that check less, over the same stream in the same run. Every measure has a process of
 * its own, and the processes of all take turns. FRAMER_STANZA_BYTES is the size of a stanza.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AFTER_AUTHENTICATION, createFramer } from '@dialtone/stream'
import { finish, machine, median, rounded } from '../bench-report.ts'
import { HEADER, stanzaOf } from './framer/stanza.ts'

const ROUNDS = 5
const CHUNK = 65_536
const SMALL_CHUNK = 64
const OURS = ['ours', 'relayed']
const PEERS = ['@xmpp/xml', 'ltx', 'saxes']

const root = resolve(import.meta.dirname, '../..')
const stanzaBytes = stanzaOf(Number(process.env['FRAMER_STANZA_BYTES'] ?? 300)).length
const pids: Record<string, number> = { bench: process.pid }
const [large, small] = takeTurns([CHUNK, SMALL_CHUNK])
const [kib64, kib256] = [bytewise(65_536), bytewise(262_144)]

const speed = (of: Map<string, number> | undefined, name: string) => of?.get(name) ?? Number.NaN
const perSecond = (megabytes: number) => Math.round(megabytes * 1e6 / stanzaBytes)
const version = (name: string) => (JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version
const [ours, oursSmall] = [speed(large, 'ours'), speed(small, 'ours')]
const [relayed, relayedSmall] = [speed(large, 'relayed'), speed(small, 'relayed')]

finish({
  bench: 'framer',
  machine: machine(pids),
  ours: {
    megabytesPerSecond: rounded(ours),
    stanzasPerSecond: perSecond(ours),
    stanzaBytes,
    megabytesPerSecondAt64Bytes: rounded(oursSmall),
    shareAt64Bytes: rounded(oursSmall / ours),
    microsecondsPerStanza: rounded(stanzaBytes / ours),
    relayedMegabytesPerSecond: rounded(relayed),
    relayedMicrosecondsPerStanza: rounded(stanzaBytes / relayed),
    relayedMegabytesPerSecondAt64Bytes: rounded(relayedSmall),
    bytewise64KiBMs: rounded(kib64),
    bytewise256KiBMs: rounded(kib256),
    bytewiseGrowth: rounded(kib256 / kib64),
  },
  peers: Object.fromEntries(PEERS.map(name => [name, {
    version: version(name),
    megabytesPerSecond: rounded(speed(large, name)),
    stanzasPerSecond: perSecond(speed(large, name)),
    megabytesPerSecondAt64Bytes: rounded(speed(small, name)),
  }])),
  ratios: Object.fromEntries(PEERS.flatMap(name => {
    const key = name.replace('@xmpp/xml', 'xmppXml')
    return [[key, rounded(ours / speed(large, name))], [`${key}At64Bytes`, rounded(oursSmall / speed(small, name))]]
  })),
}, [
  `stanzas of ${stanzaBytes} bytes, medians of ${ROUNDS} processes each; ours checks everything, the others check less`,
  `${''.padEnd(12)}${'64 KiB chunks'.padStart(15)}${''.padStart(20)}${'64-byte chunks'.padStart(18)}`,
  ...[...OURS, ...PEERS].map(name => [
    name.padEnd(12), speed(large, name).toFixed(1).padStart(10), ' MB/s', perSecond(speed(large, name)).toLocaleString('en').padStart(11), ' stanzas/s',
    speed(small, name).toFixed(1).padStart(11), ' MB/s  ', name === 'ours' ? 'two addresses as strings' : name === 'relayed' ? 'what a gateway asks, without strings' : version(name),
  ].join('')),
  `ours at 64-byte chunks: ${rounded(oursSmall / ours)} of its speed at 64 KiB`,
  `one stanza byte by byte: 64 KiB ${rounded(kib64)} ms, 256 KiB ${rounded(kib256)} ms, ${rounded(kib256 / kib64)} times (4 is linear)`,
])

/** MB/s by parser, for each size of chunk: the median of the processes. */
function takeTurns (sizes: readonly number[]): Map<string, number>[] {
  const seen = sizes.map(() => new Map<string, number[]>())
  for (let round = 1; round <= ROUNDS; round++) {
    process.stderr.write(`framer: round ${round} of ${ROUNDS}\n`)
    for (const [at, size] of sizes.entries()) for (const name of [...OURS, ...PEERS]) {
      const { pid, megabytesPerSecond } = run(name, size)
      pids[name] = pid
      seen[at]?.set(name, [...seen[at].get(name) ?? [], megabytesPerSecond])
    }
  }
  return seen.map(each => new Map([...each].map(([name, speeds]) => [name, median(speeds)])))
}

function run (name: string, chunk: number): { pid: number, megabytesPerSecond: number } {
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'framer/contender.ts'), name, String(stanzaBytes), String(chunk)], { encoding: 'utf8' })
  return JSON.parse(printed) as { pid: number, megabytesPerSecond: number }
}

/** Milliseconds for one stanza of about so many bytes, byte by byte: the median of nine. */
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
