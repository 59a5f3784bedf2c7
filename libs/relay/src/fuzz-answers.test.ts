// The other half of a conversation: what servers say to which the gateway connects, cut at every byte. Each time somebody else outside writes to a user inside; the server inside takes it
// over TLS, by dialback, on a stream that goes both ways (XEP-0288), and its answer goes back outside. All of it is the same, wherever its words were cut.
import { headerText } from '@dialtone/stream'
import { afterEach, expect, it } from 'vitest'
import { dial } from './inbound/test-support/raw-peer.ts'
import { until } from './test-support/chain.ts'
import { OURS, missing, startSite, type Site } from './test-support/conversations.ts'
import { startCutHost, type CutHost } from './test-support/cut-host.ts'
import { inParallel } from './test-support/matrix.ts'

/** No more keys than these are proved at once for one address. */
const AT_ONCE = 8
let site: Site | undefined
let host: CutHost | undefined
afterEach(async () => {
  await site?.stop()
  await host?.close()
})

it('cut at every byte, the words of a server inside are the same', { timeout: 300_000 }, async () => {
  const domainOf = (cut: number) => `p${String(cut).padStart(5, '0')}.example`
  const server = host = await startCutHost(OURS, peer => Number(/^p(\d+)\./.exec(peer)?.[1] ?? 0), peer => `<message from='b@${OURS}' to='a@${peer}/r'><body>é &amp; 😀</body><x:y xmlns:x='urn:x'/></message>`)
  const { gateway, place, outside, returned, faults } = site = await startSite()
  const zones = (gateway.assignment().spec.zones ?? []).map(zone => zone.side === 'internal' ? { ...zone, tls: 'optional' as const } : zone)
  await gateway.apply({
    spec: { zones }, domains: { [OURS]: { internal: [{ host: '127.0.0.1', port: server.port }] } },
    routes: { all: { to: '*', nextHops: [{ host: outside.address, port: outside.port }] } },
  })
  const played = async (cut: number) => {
    const domain = domainOf(cut)
    const peer = await dial(place)
    peer.say(headerText({ from: domain, to: OURS }))
    await peer.until(/<\/stream:features>/)
    peer.say(`<db:result from='${domain}' to='${OURS}'>a key</db:result>`)
    await peer.until(/<db:result [^>]*type='valid'/)
    peer.say(`<message from='a@${domain}/r' to='b@${OURS}'/></stream:stream>`)
    await peer.closed
    await until(() => returned(domain).length > 0, () => `cut at ${cut}: nothing came back; ${JSON.stringify({ heard: server.heard.get(domain), queues: gateway.relay.queues({}) })}`)
    return JSON.parse(JSON.stringify({ heard: server.heard.get(domain), returned: returned(domain) }).replaceAll(domain, 'p.example')) as { heard: { words: string[], said: number }, returned: string[] }
  }
  const whole = await played(0)
  expect(whole.returned).toEqual([`<message from='b@${OURS}' to='a@p.example/r'><body>é &amp; 😀</body><y xmlns='urn:x'/></message>`])
  expect(whole.heard.words.map(word => /^(?:<\?xml [^>]*>)?<([a-z:]+)/.exec(word)?.[1])).toEqual(['stream:stream', 'starttls', 'stream:stream', 'bidi', 'db:result', 'message'])
  expect(gateway.relay.streams({ zone: 'inside' }).streams).toMatchObject([{ bidi: true, direction: 'outbound', stanzas: { in: 1, out: 1 } }])
  const cuts = Array.from({ length: whole.heard.said - 1 }, (_, at) => at + 1)
  let ran = 0
  await inParallel(cuts, AT_ONCE, async cut => {
    expect({ cut, ...await played(cut) }).toEqual({ cut, ...whole })
    ran++
  })
  expect(ran).toBe(whole.heard.said - 1)
  expect(gateway.relay.presence().stanzas).toMatchObject({ accepted: 2 * whole.heard.said, queued: 0 })
  expect(missing(gateway)).toBe(0)
  expect(faults).toEqual([])
})
