// One stanza as large as four million bytes, or one that never ends, delays nobody else: neither another domain nor another stream of the same one. Nothing here depends on time: what
// would be delayed would never come.
import { headerText } from '@dialtone/stream'
import { afterEach, expect, it } from 'vitest'
import { dial, type RawPeer } from './inbound/test-support/raw-peer.ts'
import { until } from './test-support/chain.ts'
import { OURS, PEER, SECOND, missing, startSite, type Site } from './test-support/conversations.ts'

const MIB = 1024 * 1024
let site: Site | undefined
afterEach(async () => {
  await site?.stop()
  site = undefined
})

for (const [name, first, rest] of [
  ['that comes slowly', 2 * MIB, 2 * MIB],
  ['that never ends', 4 * MIB, undefined],
] as const) {
  it(`a stanza of 4 MiB ${name} delays nobody else`, async () => {
    const { gateway, came } = site = await startSite({ pair: { stanzaBytes: 5 * MIB, queueBytes: 16 * MIB } })
    const large = await authenticated(site, PEER)
    large.say(`<message from='large@${PEER}/r' to='b@${OURS}' id='large'><body>${'x'.repeat(first)}`)
    await until(() => gateway.relay.streams({ zone: 'outside' }).streams.some(({ bytes }) => bytes.in > first), () => 'it was not read')
    const others = [await authenticated(site, PEER), await authenticated(site, SECOND)]
    for (const [at, other] of others.entries()) {
      const domain = at === 0 ? PEER : SECOND
      for (let number = 0; number < 50; number++) other.say(`<message from='small${at}@${domain}/r' to='b@${OURS}' id='${number}'/>`)
      await until(() => came(`small${at}`).length === 50, () => `of those from ${domain} came ${came(`small${at}`).length}`)
    }
    expect(came('large')).toEqual([])
    if (rest === undefined) {
      large.leave()
      await until(() => gateway.relay.streams({ zone: 'outside' }).streams.filter(({ direction }) => direction === 'inbound').length === 2, () => 'the stream was not given up')
    } else {
      large.say(`${'y'.repeat(rest)}</body></message>`)
      await until(() => came('large').length === 1, () => 'the large one did not come')
      expect(came('large')[0]).toBe(`<message from='large@${PEER}/r' to='b@${OURS}' id='large'><body>${'x'.repeat(first)}${'y'.repeat(rest)}</body></message>`)
    }
    expect(gateway.relay.presence().stanzas.accepted).toBe(rest === undefined ? 100 : 101)
    expect(missing(gateway)).toBe(0)
    for (const peer of [large, ...others]) peer.leave()
  })
}

/** By dialback in clear. */
async function authenticated ({ place }: Site, domain: string): Promise<RawPeer> {
  const peer = await dial(place)
  peer.say(headerText({ from: domain, to: OURS }))
  await peer.until(/<\/stream:features>/)
  peer.say(`<db:result from='${domain}' to='${OURS}'>a key</db:result>`)
  await peer.until(/type='valid'/)
  return peer
}
