import type { Prometheus } from '@dialtone/testkit'
import { expect, it } from 'vitest'
import { record } from './record.ts'

const FROM = 1_700_000_100
/** Each second of a series, from twenty before the break on. */
const SERIES: Readonly<Record<string, { labels: Record<string, string>, values: (at: number) => number | undefined }[]>> = {
  up: [{ labels: { job: 'a' }, values: at => at < FROM - 8 ? undefined : 1 }],
  dialtone_state: [
    // What was broken before is mended four seconds before.
    { labels: { domain: 'ours.example' }, values: at => at < FROM - 4 ? 2 : at < FROM + 3 ? 0 : 2 },
    { labels: { domain: 'others.example' }, values: () => 0 },
  ],
}

it('begins when what was broken before is over, and keeps what was not well and what is of Dialtone itself', async () => {
  const { series } = await record(prometheus(SERIES), { name: 'x', from: FROM * 1000, to: (FROM + 5) * 1000, scale: 30, told: { alert: null, labels: {} } })
  expect(series).toEqual([{ series: 'dialtone_state{domain="ours.example"}', values: '0x6 2x12' }, { series: 'up{job="a"}', values: '1x19' }])
})

it('begins when all was scraped once', async () => {
  const { series } = await record(prometheus({ up: SERIES['up'] ?? [] }), { name: 'x', from: FROM * 1000, to: (FROM + 5) * 1000, scale: 30, told: { alert: null, labels: {} } })
  expect(series).toEqual([{ series: 'up{job="a"}', values: '1x23' }])
})

function prometheus (known: typeof SERIES): Prometheus {
  return {
    range: async (metric: string, { from, to, stepSeconds }: { from: number, to: number, stepSeconds: number }) => (known[metric] ?? []).map(({ labels, values }) => {
      const seconds = Array.from({ length: Math.floor((to - from) / stepSeconds) + 1 }, (_, step) => from + step * stepSeconds)
      return { labels, values: seconds.flatMap(at => [values(at)].flatMap(value => value === undefined ? [] : [[at, value] as const])) }
    }),
  } as unknown as Prometheus
}
