// Every stream of every golden observation, in both directions: cut at every byte and fed bytewise it is read the same.
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { BEFORE_AUTHENTICATION } from './limits.ts'

type Golden = { observation: { endpoints: { transcript: { direction: 'sent' | 'received' | 'note', text: string }[] }[] } }

const FOLDER = resolve(import.meta.dirname, '../../../apps/cli/goldens')

it('every golden stream is read the same, however it is cut', () => {
  const streams = new Set(readdirSync(FOLDER).flatMap(file => streamsOf(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Golden)))
  let elements = 0
  for (const stream of streams) {
    const bytes = new TextEncoder().encode(stream)
    const whole = read([bytes])
    elements += whole.filter(seen => seen.startsWith('element')).length
    expect(read(Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual(whole)
    for (let cut = 1; cut < bytes.length; cut++) {
      const seen = read([bytes.subarray(0, cut), bytes.subarray(cut)])
      if (seen.join('\n') !== whole.join('\n')) expect([stream, cut, seen]).toEqual([stream, cut, whole])
    }
  }
  expect(streams.size).toBeGreaterThan(20)
  expect(elements).toBeGreaterThan(40)
})

/** What one side said between two notes, or from one header to the next: each is a stream of its own. */
function streamsOf ({ observation }: Golden): string[] {
  const streams: string[] = []
  for (const { transcript } of observation.endpoints) {
    for (const side of ['sent', 'received'] as const) {
      let stream = ''
      for (const { direction, text } of [...transcript, { direction: 'note', text: '' } as const]) {
        const ends = direction === 'note' || (direction === side && /^<(\?xml|stream:stream)/.test(text))
        if (ends && stream !== '') {
          streams.push(stream)
          stream = ''
        }
        if (direction === side) stream += text
      }
    }
  }
  return streams
}

function read (chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = []
  const decoder = new TextDecoder()
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => seen.push(`header ${decoder.decode(frame.bytes)} ${frame.attributes.map(({ name, namespace, value }) => `{${namespace}}${name}=${value}`).join(' ')}`),
    element: frame => seen.push(`element ${decoder.decode(frame.bytes)} {${frame.namespace}}${frame.name} ${frame.id} ${frame.from} ${frame.to} ${frame.type} ${frame.lang} ${frame.kind} ${frame.canonical} ${frame.typeIs('valid')}`),
    end: () => seen.push('end'),
    error: error => seen.push(`error ${JSON.stringify(error)}`),
  })
  for (const chunk of chunks) framer.write(chunk)
  return [...seen, `${framer.counts.bytes} bytes, ${framer.phase}`]
}
