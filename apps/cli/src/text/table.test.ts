import { expect, it } from 'vitest'
import { terminalOf } from '../terminal.ts'
import { table } from './table.ts'

const rows = [
  [{ text: '✖ down', painted: '✖ down' }, 'ours.example <-> a-peer-with-a-very-long-name.example', 'certificate.unknown-authority', '2 h 6 m', 'peer: its certificate is signed by nobody whom we know, so that strict servers refuse it'],
  [{ text: '● up', painted: '● up' }, `${'x'.repeat(63)}.${'y'.repeat(63)}.example`, 'healthy', '2 h', ''],
]

for (const columns of [60, 80, 100, 140]) {
  it(`is never wider than ${columns} columns, and loses nothing`, () => {
    const text = table(['state', 'domain or pair', 'cause', 'since', 'what'], rows, { ...terminalOf({}, {}), columns }).join('\n')
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns)
    for (const word of ['✖ down', '<->', 'signed by', 'refuse it', '2 h 6 m', 'healthy']) expect(text).toContain(word)
    if (columns >= 100) expect(text).toContain('certificate.unknown-authority')
  })
}

it('takes what COLUMNS says where nothing is a terminal', () => {
  expect(terminalOf({}, { COLUMNS: '60' }).columns).toBe(60)
  expect(terminalOf({}, { COLUMNS: '9999999' }).columns).toBe(80)
  expect(terminalOf({ isTTY: true, columns: 72 }, { COLUMNS: '60' }).columns).toBe(72)
})
