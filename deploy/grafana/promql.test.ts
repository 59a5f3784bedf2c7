import { expect, it } from 'vitest'
import { asked, legendLabels } from './promql.ts'

it('finds metrics, matchers, and what is grouped and joined by', () => {
  expect(asked('sum by (le, stage) (rate(dialtone_stage_seconds_bucket{vantage=~"$vantage", outcome="ok"}[$__rate_interval]))')).toEqual({
    selectors: [{ metric: 'dialtone_stage_seconds_bucket', labels: ['vantage', 'outcome'] }], grouped: ['le', 'stage'], made: [],
  })
  expect(asked('label_replace(a_b{x="}{"} * on (domain, peer) group_left (cause) c_d, "state", "1 (down)", "", "") or up')).toEqual({
    selectors: [{ metric: 'a_b', labels: ['x'] }, { metric: 'c_d', labels: [] }, { metric: 'up', labels: [] }], grouped: ['domain', 'peer', 'cause'], made: ['state'],
  })
  expect(asked('time() - max(a_seconds) > bool 3 and on () b_total offset 5m').selectors.map(({ metric }) => metric)).toEqual(['a_seconds', 'b_total'])
})

it('reads the labels of a legend', () => {
  expect(legendLabels('{{a}} of {{ b }}, c')).toEqual(['a', 'b'])
})
