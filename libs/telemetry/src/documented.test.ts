import { defineCounter, defineGauge } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { documentedMetrics } from './documented.ts'

it('is a table per group, by name', () => {
  const metrics = [defineGauge('dialtone_b', 'Either a|b', ['domain', 'vantage']), defineCounter('dialtone_a_total', 'All')]
  expect(documentedMetrics([{ title: 'Agent', about: 'What an agent counts.', metrics }])).toBe([
    '## Agent', '', 'What an agent counts.', '', '| metric | kind | labels | means |', '|---|---|---|---|',
    '| `dialtone_a_total` | counter |  | All |', '| `dialtone_b` | gauge | `domain`, `vantage` | Either a\\|b |', '',
  ].join('\n'))
})
