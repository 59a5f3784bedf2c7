import { defineGauge } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { expositionOf } from './exposition.ts'

const up = defineGauge('probe_success', 'Success')
const phase = defineGauge('probe_xmpp_duration_seconds', 'Phases', ['phase'])

it('writes the samples of one metric together', () => {
  expect(expositionOf([{ metric: phase, labels: { phase: 'a' }, value: 1 }, { metric: up, value: 0 }, { metric: phase, labels: { phase: 'b' }, value: 0.25 }])).toBe([
    '# HELP probe_xmpp_duration_seconds Phases', '# TYPE probe_xmpp_duration_seconds gauge', 'probe_xmpp_duration_seconds{phase="a"} 1', 'probe_xmpp_duration_seconds{phase="b"} 0.25',
    '# HELP probe_success Success', '# TYPE probe_success gauge', 'probe_success 0', '',
  ].join('\n'))
})

it('labels that are not declared are a bug', () => {
  expect(() => expositionOf([{ metric: up, labels: { a: 'b' }, value: 1 }])).toThrow('probe_success')
})
