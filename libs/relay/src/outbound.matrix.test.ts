// Every policy against every server that we may connect to (gateways.md 9.2), through real sockets, TLS and dialback keys: how we are authenticated, over what, or why there is no
// stream, is what the oracle says; and the server has seen the same.
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import type { Keys } from '@dialtone/stream'
import { afterAll, expect, it } from 'vitest'
import { createDial } from './outbound/dial.ts'
import type { DialRequest, World, Zone } from './seams.ts'
import { CERTIFICATES, CLOCK, PEER, POLICIES, inParallel, insideWorldOf, isTaken, isTakenInside, product, worldOf } from './test-support/matrix.ts'
import { startHost, type RunningHost } from './test-support/matrix-host.ts'
import { oursAsIn, outbound, type Host, type Outcome, type Policy } from './test-support/oracle.ts'

const AT_ONCE = 48
/** In clear no certificate is shown and no EXTERNAL offered. That EXTERNAL is refused after all has nothing to do with what the server shows. */
const HOSTS: readonly Host[] = [
  ...product<Host>({ tls: ['none'], certificate: ['none'], external: ['absent'], dialback: [true, false] }),
  ...product<Host>({ tls: ['optional', 'required', 'direct'], certificate: CERTIFICATES, external: ['taken', 'absent'], dialback: [true, false] }),
  ...product<Host>({ tls: ['optional', 'required', 'direct'], certificate: ['valid'], external: ['refused'], dialback: [true, false] }),
]

const running: RunningHost[] = []
afterAll(() => Promise.all(running.map(host => host.close())))

for (const [name, certificate] of [['with a certificate of our own', true], ['without one', false]] as const) {
  it(`every server that we connect to is used or refused as the policy says, ${name}: 3328 cases`, { timeout: 300_000 }, async () => {
    // Only whoever comes to us is let in by a certificate without EXTERNAL.
    const policies = await taken(POLICIES.filter(({ withoutDialback }) => withoutDialback), isTaken)
    const world = await worldOf(policies, { certificate })
    const zone = world.external
    if (zone === undefined) throw new Error('there is no external zone')
    await expectAll(policies, { world, certificate, name: PEER, keys: () => zone.keys, count: 3328, request: ours => ({ zone, pair: { from: ours, to: PEER }, leg: world.decide({ ours, peer: PEER }, 'outbound').leg }) })
  })
}

it('every server inside that we connect to is used or refused as its zone says: 936 cases', { timeout: 300_000 }, async () => {
  // The rest is no matter of zones. Without an authority that makes certificates dialback may not be missing.
  const policies = await taken(POLICIES.filter(({ withoutDialback, external, certificate }) => withoutDialback && external && certificate !== 'pinned'), isTakenInside)
  const world = await insideWorldOf(policies)
  const zoneOf = (domain: string): Zone => {
    const zone = world.zoneOf(domain)
    if (zone === undefined) throw new Error(`nobody has ${domain}`)
    return zone
  }
  await expectAll(policies, { world, certificate: true, name: '*.ours.example', keys: theirs => zoneOf(theirs).keys, count: 936, request: theirs => ({ zone: zoneOf(theirs), pair: { from: PEER, to: theirs }, leg: zoneOf(theirs).leg }) })
})

async function taken (policies: readonly Policy[], is: (policy: Policy) => Promise<boolean>): Promise<Policy[]> {
  const all = await Promise.all(policies.map(async policy => ({ policy, is: await is(policy) })))
  return all.filter(one => one.is).map(({ policy }) => policy)
}

/** `request`: for the domain of a policy. */
async function expectAll (policies: readonly Policy[], { world, certificate, name, keys, count, request }: { world: World, certificate: boolean, name: string, keys: (theirs: string) => Keys, count: number, request: (domain: string) => Pick<DialRequest, 'zone' | 'pair' | 'leg'> }): Promise<void> {
  const hosts = await Promise.all(HOSTS.map(async kind => ({ kind, host: await startHost(kind, name, keys) })))
  running.push(...hosts.map(({ host }) => host))
  const dial = createDial({ world: () => world, clock: CLOCK, random: RANDOM, meter: NO_METER, logger: NO_LOGGER, tell: () => undefined })
  const come = async (policy: Policy, kind: Host, host: RunningHost): Promise<Outcome<string> | { problem: unknown }> => {
    const wanted = request(oursAsIn(policy))
    const { from, to } = wanted.pair
    const result = await dial({ ...wanted, hops: [{ host: '127.0.0.1', port: host.port, kind: kind.tls === 'direct' ? 'direct' : 'starttls' }], allowNets: ['127.0.0.0/8'], step: () => undefined, signal: new AbortController().signal })
    if ('failed' in result) {
      const seen = host.served.get(`${from} ${to}`) ?? []
      return seen.some(({ by, stanzas }) => by !== undefined || stanzas > 0) ? { problem: { seen, failed: result.failed } } : { refused: result.failed.reason }
    }
    const { stream } = result
    const bytes = Buffer.from(`<message from='a@${from}' to='b@${to}'/>`)
    stream.write(bytes, 0, bytes.length, true)
    stream.flush()
    const by = stream.by === 'component' ? 'dialback' : stream.by
    const over = stream.view().tls === undefined ? 'clear' as const : 'tls' as const
    stream.close()
    const { clean } = await stream.ended
    const seen = host.served.get(`${from} ${to}`) ?? []
    return clean && seen.length === 1 && seen[0]?.by === by && seen[0].over === over && seen[0].stanzas === 1 ? { by, over } : { problem: { by, over, clean, seen } }
  }
  let ran = 0
  const wrong: unknown[] = []
  await inParallel(policies.flatMap(policy => hosts.map(one => ({ policy, ...one }))), AT_ONCE, async ({ policy, kind, host }) => {
    const seen = await come(policy, kind, host)
    const expected = outbound(policy, certificate, kind)
    if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ policy: oursAsIn(policy), peer: kind, expected, seen })
    ran++
  })
  expect(wrong.slice(0, 20)).toEqual([])
  expect(ran).toBe(count)
}
