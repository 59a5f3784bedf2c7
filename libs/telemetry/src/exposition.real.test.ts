import { defineCounter, defineGauge, defineHistogram } from '@dialtone/kernel'
import { checkMetrics, loopbackAddress, startPrometheus } from '@dialtone/testkit'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { createTelemetry } from './telemetry.ts'

const odd = 'a "quoted" \\ back\nslash ünï \u0001'

it('a real Prometheus reads back what was counted, odd label values too', async () => {
  const telemetry = createTelemetry({ process: true })
  telemetry.meter.add(defineCounter('dialtone_asked_total', 'Asked, "quoted" \\ and\nbroken', ['of']), { of: odd }, 3)
  telemetry.meter.observe(defineHistogram('dialtone_took_seconds', 'Took', ['of'], [0.1, 1]), { of: odd }, 0.5)
  telemetry.family(defineGauge('dialtone_domain', 'Per domain', ['domain']), () => Array.from({ length: 5000 }, (_, i) => ({ labels: { domain: `d${i}.example` }, value: i })))
  const server = createServer((_, response) => { Readable.from(telemetry.expose(), { objectMode: false }).pipe(response.setHeader('content-type', telemetry.contentType)) })
  const address = loopbackAddress()
  await new Promise<void>(resolve => { server.listen(0, address, resolve) })
  const { port } = server.address() as AddressInfo
  const exposition = await (await fetch(`http://${address}:${port}/metrics`)).text()
  expect(await checkMetrics(exposition)).toMatchObject({ valid: true })
  const prometheus = await startPrometheus({ scrape: [{ job: 'it', targets: [`${address}:${port}`] }] })
  try {
    const [asked] = await prometheus.until('dialtone_asked_total', samples => samples.length === 1)
    expect(asked).toMatchObject({ value: 3, labels: { of: odd.replace('\u0001', '\ufffd') } })
    expect(await prometheus.query('histogram_quantile(0.5, dialtone_took_seconds_bucket)')).toMatchObject([{ value: 0.55 }])
    expect(await prometheus.query('count(dialtone_domain)')).toMatchObject([{ value: 5000 }])
    expect(await prometheus.query('process_resident_memory_bytes')).toHaveLength(1)
  } finally {
    await prometheus.stop()
    server.close()
  }
})
