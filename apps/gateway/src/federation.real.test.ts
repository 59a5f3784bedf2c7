// An unmodified server behind the gateway federates with servers that know nothing of it: users on both sides become contacts, see each other, write and ping, over
// every way to authenticate. The inside network has no other way out, which is proved first. How it went is told by the servers' own logs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { BOUNDARY_ADDRESSES as AT, startBoundary, startClient, type Boundary, type BoundaryServer, type TestClient } from '@dialtone/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { authenticationsIn, type Authentication } from './test-support/authentications.ts'
import { bare, becomeContacts, ping, talk } from './test-support/conversation.ts'
import { assignmentFor, startGatewayProcess, type Faces, type GatewayProcess } from './test-support/gateway-process.ts'
import { linesSince } from './test-support/lines-since.ts'

const OURS = 'ours.example'
const PEER = 'partner.example'
const OLD = 'old.example'
const SOON = { timeout: 15_000 }

/** The seed wants plain TCP for Google, and TLS as it may be for WebEx. */
const ways: { name: string, faces: Partial<Faces>, by: Authentication['by'], tls: boolean }[] = [
  { name: 'plain dialback', by: 'dialback', tls: false, faces: { inside: { tls: 'none' }, policies: { all: { ours: '*', peer: '*', action: 'allow', profile: 'googletalk' } } } },
  // No certificate proves anything to anybody: "TLS optional, with no client side certificate".
  { name: 'TLS with dialback', by: 'dialback', tls: true, faces: { shows: 'self-signed', inside: { tls: 'required', anchors: { system: false, given: [] } }, policies: { all: { ours: '*', peer: '*', action: 'allow', profile: 'webex' } } } },
  { name: 'TLS with EXTERNAL', by: 'EXTERNAL', tls: true, faces: { inside: { tls: 'required' }, policies: { all: { ours: '*', peer: '*', action: 'allow', certificate: 'valid', dialback: 'never' } } } },
]

for (const [inside, outside] of [['prosody', 'ejabberd'], ['ejabberd', 'prosody']] as const) {
  describe(`${inside} inside, ${outside} outside`, () => {
    let boundary: Boundary
    let gateway: GatewayProcess
    const clients: TestClient[] = []
    const server = (which: BoundaryServer['server'], domain: string, names: string): BoundaryServer => ({ server: which, domain, tls: 'optional', trusts: true, users: [1, 2, 3].map(number => names + number) })
    const client = async (side: 'inside' | 'outside', user: string): Promise<TestClient> => {
      const [host, domain, of] = side === 'inside' ? ['inside', OURS, boundary.inside] as const : [outside, PEER, boundary.outside[PEER]] as const
      if (of === undefined) throw new Error('no outside server')
      const started = await startClient(boundary.host(host), `${user}@${domain}/here`, of)
      clients.push(started)
      return started
    }
    // Always the same process: what was agreed on before ends with a drain, in which our servers' resolver, the gateway's, goes on.
    const become = async (faces: Partial<Faces>): Promise<void> => {
      await gateway.drain()
      await gateway.configure((_, directory) => assignmentFor(directory, boundary.root, { ours: OURS, peers: [PEER, OLD], ...faces }))
    }
    const newly = async (metric: string, labels: Record<string, string>): Promise<() => Promise<number>> => {
      const before = await gateway.metric(metric, labels)
      return async () => await gateway.metric(metric, labels) - before
    }

    beforeAll(async () => {
      boundary = await startBoundary({ inside: server(inside, OURS, 'jdoe'), outside: [server(outside, PEER, 'cupuser'), { server: 'jabberd2', domain: OLD, tls: 'off' }] })
      gateway = await startGatewayProcess(boundary, directory => assignmentFor(directory, boundary.root, { ours: OURS, peers: [PEER, OLD] }))
    })
    afterAll(async () => {
      await gateway?.stop()
      await boundary?.stop()
    })
    afterEach(async () => {
      await Promise.all(clients.splice(0).map(each => each.stop()))
      await gateway.conserved(0)
    })

    it('has no way but through the gateway', async () => {
      await Promise.all((['inside', outside] as const).map(async from => {
        await expect(boundary.host(from).connect({ address: from === 'inside' ? AT[outside] : AT.inside, port: 5269 })).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
      }))
    })

    // The seed's own path: jdoe1 adds cupuser1, and the reverse. Each way with users of its own, since who is a contact already does not become one.
    for (const [number, { name, faces, by, tls }] of ways.entries()) {
      it(name, async () => {
        const theirs = boundary.outside[PEER]
        if (theirs === undefined) throw new Error('no outside server')
        const [ourLines, theirLines] = [linesSince(boundary.inside), linesSince(theirs)]
        await become(faces)
        const accepted = await newly('dialtone_gateway_stanzas_accepted_total', {})
        const counted = await Promise.all(['world', 'office'].flatMap(zone => ['inbound', 'outbound'].map(async direction => {
          const metric = `dialtone_gateway_${direction}_authenticated_total`
          return { of: `${zone} ${direction}`, these: await newly(metric, { zone, by: by.toLowerCase() }), all: await newly(metric, { zone }) }
        })))
        const [jdoe, cupuser] = await Promise.all([client('inside', `jdoe${number + 1}`), client('outside', `cupuser${number + 1}`)])
        const [first, other] = inside === 'prosody' ? [jdoe, cupuser] : [cupuser, jdoe]
        onTestFailed(() => { process.stderr.write(`${[gateway.logs(), ourLines(), theirLines()].map(text => text.split('\n').filter(line => !/\bdebug\b/.test(line)).slice(-20).join('\n')).join('\n\n')}\n`) })
        await becomeContacts(first, other)
        await talk(first, other)
        const both = (peer: string): Authentication[] => [{ way: 'in', peer, by, tls }, { way: 'out', peer, by, tls }]
        await expect.poll(() => authenticationsIn(inside, OURS, ourLines()), SOON).toEqual(both(PEER))
        await expect.poll(() => authenticationsIn(outside, PEER, theirLines()), SOON).toEqual(both(OURS))
        // Subscriptions, presence, two messages, two pings and their answers.
        await expect.poll(accepted, SOON).toBeGreaterThan(10)
        for (const { of, these, all } of counted) expect([of, await these(), await all()]).toEqual([of, 1, 1])
      })
    }

    it('jabberd2, which names nobody when it asks about a key, answers a ping in clear', async () => {
      const theirLines = linesSince(boundary.outside[OLD] ?? boundary.inside)
      await become({ policies: { old: { ours: '*', peer: OLD, action: 'allow', tls: 'none', dialback: 'always', external: false } } })
      const asked = await newly('dialtone_gateway_asked_total', { zone: 'world', answer: 'valid' })
      await ping(await client('inside', 'jdoe1'), OLD)
      await expect.poll(() => authenticationsIn('jabberd2', OLD, theirLines()), SOON).toEqual([{ way: 'in', peer: OURS, by: 'dialback', tls: false }, { way: 'out', peer: OURS, by: 'dialback', tls: false }])
      expect(await asked()).toBe(1)
    })

    // It knows nothing of slixmpp, and insists on TLS.
    if (inside === 'prosody') {
      it('go-sendxmpp sends a message through it', async () => {
        await become({})
        const cupuser = await client('outside', 'cupuser1')
        const file = join(tmpdir(), `dialtone-message-${process.pid}`)
        writeFileSync(file, 'from another library')
        const { address, clientPort } = boundary.inside
        const sent = await boundary.host('inside').run('go-sendxmpp', ['--no-tls-verify', '--username', `jdoe2@${OURS}`, '--password', 'jdoe2', '--jserver', `${address}:${clientPort}`, '--message', file, bare(cupuser)], { env: { HOME: tmpdir() } })
        expect(sent).toMatchObject({ code: 0 })
        expect((await cupuser.heard({ on: 'message', body: 'from another library' }))['sender']).toMatch(/^jdoe2@ours\.example\//)
      })
    }

    it('drains and ends when it is told to, and starts again', async () => {
      expect(await gateway.end('SIGTERM')).toBe(0)
      await gateway.start()
    })
  })
}
