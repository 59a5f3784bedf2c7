import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { loopbackAddress } from './loopback.ts'
import { checkMetrics, startPrometheus } from './prometheus.ts'

it('scrapes with a token and answers queries, and says why a scrape fails', async () => {
  const exposition = createServer((request, response) => {
    const allowed = request.headers.authorization === 'Bearer abc'
    response.writeHead(allowed ? 200 : 401, { 'content-type': 'text/plain; version=0.0.4' }).end(allowed ? `up_to_us{path="${request.url ?? ''}"} 7\n` : '')
  })
  const address = loopbackAddress()
  await new Promise<void>(resolve => { exposition.listen(0, address, resolve) })
  const target = `${address}:${(exposition.address() as AddressInfo).port}`
  const prometheus = await startPrometheus({ scrape: [{ job: 'good', targets: [target], bearerToken: 'abc' }, { job: 'bad', targets: [target] }, { job: 'probes', targets: [target], bearerToken: 'abc', path: '/probe', params: { module: 's2s' }, probes: ['a.example'] }] })
  try {
    expect(await prometheus.until('up_to_us{job="good"}', samples => samples.length === 1)).toMatchObject([{ value: 7, labels: { job: 'good', path: '/metrics' } }])
    expect(await prometheus.until('up_to_us{job="probes"}', samples => samples.length === 1)).toMatchObject([{ labels: { instance: 'a.example', path: '/probe?module=s2s&target=a.example' } }])
    await prometheus.until('up{job="bad"}', samples => samples[0]?.value === 0)
    expect((await prometheus.targets()).find(({ job }) => job === 'bad')).toMatchObject({ health: 'down', error: expect.stringContaining('401') as string })
    await expect(prometheus.query('sum(')).rejects.toThrow('bad_data')
  } finally {
    await prometheus.stop()
    exposition.close()
  }
})

it('promtool tells a valid exposition from a broken one', async () => {
  expect(await checkMetrics('# HELP a_total A\n# TYPE a_total counter\na_total 1\n')).toMatchObject({ valid: true })
  expect(await checkMetrics('a{b="c} 1\n')).toMatchObject({ valid: false, says: expect.stringContaining('parsing') as string })
})
