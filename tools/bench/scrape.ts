// scrape: a scrape of ten thousand domains with the twelve series each that the budget allows, over HTTP, beside the plain registry of prom-client with the same
// series. What matters is how long the event loop is held meanwhile: an agent that scrapes hold up sees slow peers.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { loopbackAddress } from '@dialtone/testkit'
import { finish, machine, median, rounded } from '../bench-report.ts'

const DOMAINS = Number(process.env['SCRAPE_DOMAINS'] ?? 10_000)
const SERIES = 12
const SCRAPES = Number(process.env['SCRAPE_SCRAPES'] ?? 20)
const WARM = 3
/** The bars: a whole scrape, and the loop. */
const BAR_MS = 250
const BAR_HELD_MS = 50

type Measured = { medianMs: number, longestMs: number, heldMs: number, medianHeldMs: number, lines: number, megabytes: number, residentMB: number, pid: number }

const ours = await measure('ours')
const theirs = await measure('prom-client')
const shown = (measured: Measured) => Object.fromEntries(Object.entries(measured).filter(([name]) => name !== 'pid').map(([name, value]) => [name, rounded(value, 1)]))
finish({
  bench: 'scrape',
  machine: machine({ bench: process.pid, ours: ours.pid, promClient: theirs.pid }),
  ours: { domains: DOMAINS, seriesPerDomain: SERIES, barMs: BAR_MS, barHeldMs: BAR_HELD_MS, ...shown(ours) },
  peers: { 'prom-client': { version: '15.1.3', ...shown(theirs) } },
  ratios: { time: rounded(theirs.medianMs / ours.medianMs), loopHeld: rounded(theirs.medianHeldMs / ours.medianHeldMs), memory: rounded(theirs.residentMB / ours.residentMB) },
}, [['ours', ours] as const, ['prom-client', theirs] as const].map(([name, { medianMs, longestMs, heldMs, medianHeldMs, lines, megabytes, residentMB }]) =>
  `  ${name}: ${rounded(medianMs, 0)} ms (longest ${rounded(longestMs, 0)}), loop held ${rounded(medianHeldMs, 1)} ms (longest ${rounded(heldMs, 1)}), ${lines} lines, ${rounded(megabytes, 1)} MB, resident ${rounded(residentMB, 0)} MB`))
if (ours.medianMs > BAR_MS || ours.heldMs > BAR_HELD_MS) {
  console.error(`scrape: above the bar of ${BAR_MS} ms, or of ${BAR_HELD_MS} ms for the loop`)
  process.exitCode = 1
}

async function measure (how: 'ours' | 'prom-client'): Promise<Measured> {
  const address = loopbackAddress()
  const child = fork(join(import.meta.dirname, 'scrape/served.ts'), [how, address, String(DOMAINS), String(SERIES)])
  try {
    const [{ port }] = await once(child, 'message') as [{ port: number }]
    const [times, helds]: [number[], number[]] = [[], []]
    let text = ''
    for (let at = -WARM; at < SCRAPES; at++) {
      await told(child, 'reset')
      const began = performance.now()
      text = await scrape(`http://${address}:${port}/metrics`)
      if (at < 0) continue
      times.push(performance.now() - began)
      helds.push((await told(child, 'tell')).heldMs)
    }
    const lines = text.split('\n').filter(line => line.startsWith('dialtone_domain_measure_')).length
    if (lines !== DOMAINS * SERIES) throw new Error(`${how}: ${lines} series instead of ${DOMAINS * SERIES}`)
    return { medianMs: median(times), longestMs: Math.max(...times), heldMs: Math.max(...helds), medianHeldMs: median(helds), lines, megabytes: text.length / 2 ** 20, residentMB: (await told(child, 'tell')).residentMB, pid: child.pid ?? 0 }
  } finally {
    child.disconnect()
  }
}

async function told (child: ChildProcess, message: 'reset' | 'tell'): Promise<{ heldMs: number, residentMB: number }> {
  child.send(message)
  const [answer] = await once(child, 'message') as [{ heldMs: number, residentMB: number }]
  return answer
}

async function scrape (url: string): Promise<string> {
  const [response] = await once(get(url), 'response') as [IncomingMessage]
  response.setEncoding('latin1')
  const pieces: string[] = []
  response.on('data', (piece: string) => { pieces.push(piece) })
  await once(response, 'end')
  return pieces.join('')
}
