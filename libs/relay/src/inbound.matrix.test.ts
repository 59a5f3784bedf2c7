// Every policy against every server that may connect to us (gateways.md 9.2), through real sockets, TLS and dialback keys: how the pair is authenticated, over what, or how it is
// refused, is what the oracle says; and a stanza comes in exactly where it is authenticated.
import { createSecureContext, type SecureContext } from 'node:tls'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { dialbackKeyText, externalText, headerText, type Pair } from '@dialtone/stream'
import { expect, it } from 'vitest'
import type { World } from './seams.ts'
import { startInbound } from './inbound/inbound.ts'
import { after, type Place } from './inbound/test-support/gateway.ts'
import { STARTTLS, dial, type RawPeer } from './inbound/test-support/raw-peer.ts'
import { CERTIFICATES, CLOCK, PEER, PEER_KEYS, POLICIES, QUICK, inParallel, insideWorldOf, isTaken, isTakenInside, product, shown, worldOf } from './test-support/matrix.ts'
import { inbound, isAuthenticated, outbound, oursAsIn, type Comer, type Host, type Outcome, type Policy, type Rebuff } from './test-support/oracle.ts'

const AT_ONCE = 48
const METHODS = [{ external: true, dialback: true }, { external: true, dialback: false }, { external: false, dialback: true }]
/** In clear no certificate is shown, which is one case and not eight. */
const COMERS: readonly Comer[] = METHODS.flatMap(methods => [
  { tls: 'none' as const, certificate: 'none' as const, ...methods },
  ...product<Pick<Comer, 'tls' | 'certificate'>>({ tls: ['optional', 'required', 'direct'], certificate: ['none', ...CERTIFICATES] }).map(one => ({ ...one, ...methods })),
])
const HOSTS: readonly Host[] = product<Host>({ tls: ['none', 'optional', 'required', 'direct'], certificate: ['valid'], external: ['taken'], dialback: [true, false] })

it('the linter refuses exactly the policies by which nobody could be authenticated in one of the directions', async () => {
  expect(POLICIES).toHaveLength(108)
  for (const policy of POLICIES) {
    // Where the policy knows no TLS, that somebody brings it is not what is relied on.
    const usual = ({ tls }: Pick<Comer, 'tls'>) => policy.tls !== 'none' || tls !== 'direct'
    const works = COMERS.filter(usual).some(peer => isAuthenticated(inbound(policy, true, peer))) && HOSTS.filter(usual).some(peer => isAuthenticated(outbound(policy, true, peer)))
    expect({ policy: oursAsIn(policy), taken: await isTaken(policy) }).toEqual({ policy: oursAsIn(policy), taken: works })
  }
})

for (const [name, certificate, count] of [['with a certificate of our own', true, 5376], ['without one', false, 3648]] as const) {
  it(`every server that connects to us is taken in or refused as the policy says, ${name}: ${count} cases`, { timeout: 300_000 }, async () => {
    const policies = await taken(POLICIES, isTaken)
    const { come, over } = await listening(await worldOf(policies, { certificate }), PEER, ours => ({ from: PEER, to: ours, zone: 'outside' }))
    // Nobody can listen for direct TLS without a certificate: the linter refuses it.
    await expectAll(policies, COMERS.filter(({ tls }) => certificate || tls !== 'direct'), { certificate, come, count })
    await over()
  })
}

it('every server inside that connects to us is taken in or refused as its zone says: 729 cases', { timeout: 300_000 }, async () => {
  // The rest is no matter of zones.
  const policies = await taken(POLICIES.filter(({ withoutDialback, external, certificate }) => withoutDialback && external && certificate !== 'pinned'), isTakenInside)
  const world = await insideWorldOf(policies)
  const { come, over } = await listening(world, '*.ours.example', theirs => ({ from: theirs, to: PEER, zone: world.zoneOf(theirs)?.name ?? '' }))
  // A zone without TLS has no listener for direct TLS: the linter refuses it.
  await expectAll(policies.filter(({ tls }) => tls !== 'none'), COMERS, { certificate: true, come, count: 672 })
  await expectAll(policies.filter(({ tls }) => tls === 'none'), COMERS.filter(({ tls }) => tls !== 'direct'), { certificate: true, come, count: 57 })
  await over()
})

async function taken (policies: readonly Policy[], is: (policy: Policy) => Promise<boolean>): Promise<Policy[]> {
  const all = await Promise.all(policies.map(async policy => ({ policy, is: await is(policy) })))
  return all.filter(one => one.is).map(({ policy }) => policy)
}

async function expectAll (policies: readonly Policy[], comers: readonly Comer[], { certificate, come, count }: { certificate: boolean, come: Awaited<ReturnType<typeof listening>>['come'], count: number }): Promise<void> {
  let ran = 0
  const wrong: unknown[] = []
  await inParallel(policies.flatMap(policy => comers.map(peer => ({ policy, peer }))), AT_ONCE, async ({ policy, peer }, number) => {
    const seen = await come(policy, peer, number)
    const expected = inbound(policy, certificate, peer)
    if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ policy: oursAsIn(policy), peer, expected, seen })
    ran++
  })
  expect(wrong.slice(0, 20)).toEqual([])
  expect(ran).toBe(count)
}

type Fact = { by: 'external' | 'certificate' | 'dialback', over: 'tls' | 'clear', domain: string }

/** `sideOf`: who connects to whom where, for the domain of a policy; `name` is what certificates name. */
async function listening (world: World, name: string, sideOf: (domain: string) => Pair & { zone: string }) {
  const facts = new Map<string, Fact>()
  const delivered = new Map<string, string>()
  const faults: unknown[] = []
  const many = 1_000_000
  const gateway = startInbound({
    world: () => world, clock: CLOCK, random: RANDOM, meter: NO_METER, logger: { ...NO_LOGGER, error: (...all: unknown[]) => { faults.push(all) } }, tell: () => undefined,
    intake: {
      lane: (_, pair) => ({ from: Buffer.from(pair.from), to: Buffer.from(pair.to), end: () => undefined, accept: frame => { delivered.set(`${frame.id ?? ''} ${delivered.has(frame.id ?? '') ? 'twice' : ''}`.trim(), `${pair.from} ${pair.to}`) } }),
      refuse: () => undefined, offer: () => undefined, settled: () => undefined,
    },
    verify: async ({ question: { from, to, id, key } }) => ({ type: PEER_KEYS.isOurs(key, { receiving: to, originating: from, streamId: id }) ? 'valid' : 'invalid' }),
    hooks: { authenticated: ({ remote, by, tls, sides }) => { facts.set(remote, { by, over: tls === undefined ? 'clear' : 'tls', domain: sides.ours }) } },
    limits: { connections: many, connectionsPerAddress: many, accepts: many, acceptsPerSecond: many, verifications: many, verificationsPerAddress: many },
  })
  after(() => gateway.stop())
  expect(await gateway.configure()).toEqual([])
  const contexts = new Map<string, SecureContext>()
  for (const which of CERTIFICATES) {
    const { chain, key } = await shown(which, name)
    contexts.set(which, createSecureContext({ cert: chain, key, ecdhCurve: QUICK }))
  }
  contexts.set('none', createSecureContext({ ecdhCurve: QUICK }))
  const come = async (policy: Policy, comer: Comer, number: number): Promise<Outcome<Rebuff> | { problem: unknown }> => {
    const domain = oursAsIn(policy)
    const { from, to, zone } = sideOf(domain)
    const id = `n${number}-${domain}`
    const place = gateway.listeners().find(listener => listener.zone === zone && listener.kind === (comer.tls === 'direct' ? 'direct' : 'starttls'))
    if (place === undefined) throw new Error(`nothing listens in ${zone}`)
    const conversation = await converse(place, comer, { from, to }, contexts.get(comer.certificate) as SecureContext, `<message from='a@${from}' to='b@${to}' id='${id}'/>`)
    const remote = `${place.address}:${conversation.port}`
    const fact = facts.get(remote)
    // The system gives the port to another case.
    facts.delete(remote)
    const came = delivered.get(id)
    if (delivered.has(`${id} twice`)) return { problem: 'delivered twice' }
    if ('refused' in conversation) return fact === undefined && came === undefined ? { refused: conversation.refused } : { problem: { fact, came, conversation } }
    if (fact === undefined || fact.domain !== domain || came !== `${from} ${to}` || (conversation.by === 'external') !== (fact.by === 'external')) return { problem: { fact, came, conversation } }
    return { by: fact.by, over: fact.over }
  }
  return {
    come,
    over: async () => {
      await gateway.stop()
      expect(gateway.counts()).toEqual({ streams: 0, negotiating: 0, verifying: 0 })
      expect(faults).toEqual([])
    },
  }
}

/** One stream of one server, to its end. It sends the stanza in any case. */
async function converse (place: Place, { tls, external, dialback }: Comer, { from, to }: Pair, secureContext: SecureContext, stanza: string): Promise<{ port: number } & ({ by: 'external' | 'key' } | { refused: Rebuff })> {
  const peer = await dial(place, place.address)
  const port = peer.socket().localPort ?? 0
  const header = headerText({ from, to })
  const secure = () => peer.startTls(undefined, { secureContext, servername: to, ALPNProtocols: ['xmpp-server'] })
  const last = async (): Promise<string> => {
    peer.say(`${stanza}</stream:stream>`)
    return await peer.closed
  }
  try {
    let secured = tls === 'direct'
    if (secured) await secure()
    peer.say(header)
    let features = await featuresOf(peer)
    if (!secured && tls !== 'none') {
      if (features.includes('<starttls')) {
        peer.say(STARTTLS)
        try {
          await peer.until(/<proceed[^>]*>/)
          await secure()
        } catch {
          return { port, refused: 'handshake' }
        }
        secured = true
        peer.say(header)
        features = await featuresOf(peer)
      } else if (tls === 'required') {
        peer.say('</stream:stream>')
        await peer.closed
        return { port, refused: 'no-tls' }
      }
    }
    if (external && features.includes('>EXTERNAL<')) {
      peer.say(externalText('='))
      await peer.until(/<success[^>]*>/)
      peer.say(header)
      await featuresOf(peer)
      await last()
      return { port, by: 'external' }
    }
    if (!dialback) return (await last()).includes('<not-authorized ') ? { port, refused: 'unauthenticated' } : { port, by: 'key' }
    const streamId = [...peer.heard.matchAll(/<stream:stream [^>]*\bid='([^']+)'/g)].at(-1)?.[1] ?? ''
    peer.say(dialbackKeyText(from, to, PEER_KEYS.keyFor({ receiving: to, originating: from, streamId })))
    const answer = await peer.until(/<db:result [^>]*type='valid'|<db:result [^>]*type='error'.*?<\/db:result>|<db:result [^>]*type='invalid'/)
    const heard = await last()
    if (answer.includes("'valid'")) return { port, by: 'key' }
    const condition = /<error[^>]*><([a-z-]+)/.exec(answer)?.[1]
    if (!heard.includes('<not-authorized ') || (condition !== 'policy-violation' && condition !== 'not-authorized')) throw new Error(`refused with ${answer}, and then: ${heard.slice(-300)}`)
    return { port, refused: condition }
  } finally {
    peer.leave()
  }
}

function featuresOf (peer: RawPeer): Promise<string> {
  return peer.until(/<stream:features>.*?<\/stream:features>|<stream:features\/>/)
}
