// An unmodified server behind the gateway federates with servers that know nothing of it: users on both sides become contacts, see each other, write and ping, over
// every way to authenticate. The inside network has no other way out, which is proved first; what the servers say of it themselves is part of each test.
import { BOUNDARY_ADDRESSES as AT, startBoundary, startClient, type Boundary, type BoundaryServer, type TestClient } from '@dialtone/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { assignmentFor, startGatewayProcess, type Faces, type GatewayProcess } from './test-support/gateway-process.ts'

const OURS = 'ours.example'
const PEER = 'partner.example'
const OLD = 'old.example'

type Way = {
  name: string
  faces: Partial<Faces>
  /** What the outside server, and ours, log when they have authenticated each other that way. */
  outsideSays: RegExp
  insideSays: RegExp
}

const clear = { tls: 'none', dialback: 'always', external: false } as const
const topologies: { inside: BoundaryServer, outside: BoundaryServer, ways: Way[] }[] = [
  {
    inside: { server: 'prosody', domain: OURS, tls: 'optional', users: ['romeo0', 'romeo1', 'romeo2'] }, outside: { server: 'ejabberd', domain: PEER, tls: 'optional', trusts: true, users: ['juliet0', 'juliet1', 'juliet2'] },
    ways: [
      { name: 'plain dialback', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', ...clear } }, inside: { tls: 'none' } }, outsideSays: /Accepted inbound s2s dialback authentication ours\.example -> partner\.example/, insideSays: /partner\.example.*(?:accepted|authenticated|connection is authenticated)/i },
      { name: 'TLS with dialback', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', external: false, withoutDialback: false } } }, outsideSays: /Accepted inbound s2s dialback authentication ours\.example -> partner\.example/, insideSays: /TLS|tls/ },
      { name: 'TLS with EXTERNAL', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', certificate: 'valid', dialback: 'never' } } }, outsideSays: /Accepted inbound s2s EXTERNAL authentication ours\.example -> partner\.example/, insideSays: /partner\.example/ },
    ],
  },
  {
    inside: { server: 'ejabberd', domain: OURS, tls: 'optional', users: ['romeo0', 'romeo1', 'romeo2'] }, outside: { server: 'prosody', domain: PEER, tls: 'optional', trusts: true, users: ['juliet0', 'juliet1', 'juliet2'] },
    ways: [
      { name: 'plain dialback', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', ...clear } }, inside: { tls: 'none' } }, outsideSays: /ours\.example/, insideSays: /s2s dialback authentication partner\.example -> ours\.example/ },
      { name: 'TLS with dialback', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', external: false, withoutDialback: false } } }, outsideSays: /ours\.example/, insideSays: /s2s dialback authentication partner\.example -> ours\.example/ },
      { name: 'TLS with EXTERNAL', faces: { policies: { all: { ours: '*', peer: '*', action: 'allow', certificate: 'valid', dialback: 'never' } } }, outsideSays: /EXTERNAL|external/, insideSays: /partner\.example/ },
    ],
  },
]

for (const { inside, outside, ways } of topologies) {
  describe(`${inside.server} inside, ${outside.server} outside`, () => {
    let boundary: Boundary
    let gateway: GatewayProcess | undefined
    const clients: TestClient[] = []
    beforeAll(async () => { boundary = await startBoundary({ inside, outside: [outside, { server: 'jabberd2', domain: OLD, tls: 'off' }] }) })
    afterAll(async () => { await boundary?.stop() })
    afterEach(async () => {
      await Promise.all(clients.splice(0).map(client => client.stop()))
      await gateway?.stop()
    })

    it('has no way but through the gateway', async () => {
      await expect(boundary.host('inside').connect({ address: AT[outside.server], port: 5269 })).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
      await expect(boundary.host(outside.server).connect({ address: AT.inside, port: 5269 })).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
    })

    // Each with users of its own: who is a contact already does not become one.
    for (const [number, { name, faces, outsideSays, insideSays }] of ways.entries()) {
      it(name, async () => {
        gateway = await startGatewayProcess(boundary, directory => assignmentFor(directory, boundary.root, { ours: OURS, peers: [PEER, OLD], ...faces }))
        const theirs = boundary.outside[PEER]
        if (theirs === undefined) throw new Error('no outside server')
        const romeo = await startClient(boundary.host('inside'), `romeo${number}@${OURS}/here`, boundary.inside)
        const juliet = await startClient(boundary.host(outside.server), `juliet${number}@${PEER}/there`, theirs)
        clients.push(romeo, juliet)
        await becomeContacts(romeo, juliet)
        await talk(romeo, juliet)
        await theirs.logged(outsideSays)
        await boundary.inside.logged(insideSays)
        // The outside server was asked by nobody but the gateway.
        await expect.poll(() => gateway?.metric('dialtone_gateway_stanzas_accepted_total'), { timeout: 10_000 }).toBeGreaterThan(6)
        gateway.signal('SIGTERM')
        expect(await gateway.ended).toBe(0)
      })
    }

    it('jabberd2 answers pings through it', async () => {
      gateway = await startGatewayProcess(boundary, directory => assignmentFor(directory, boundary.root, { ours: OURS, peers: [PEER, OLD], policies: { old: { ours: '*', peer: OLD, action: 'allow', ...clear } } }))
      const romeo = await startClient(boundary.host('inside'), `romeo0@${OURS}/old`, boundary.inside)
      clients.push(romeo)
      romeo.do({ do: 'ping', to: OLD, id: 'old' })
      await romeo.heard({ on: 'pong', id: 'old' })
      await boundary.outside[OLD]?.logged(/ours\.example.*old\.example|old\.example.*ours\.example/)
    })
  })
}

/** The seed's own path: each adds the other, and sees that the other is there. */
async function becomeContacts (romeo: TestClient, juliet: TestClient): Promise<void> {
  romeo.do({ do: 'subscribe', to: bare(juliet) })
  await juliet.heard({ on: 'asked', sender: bare(romeo) })
  await romeo.heard({ on: 'subscribed', sender: bare(juliet) })
  await romeo.heard({ on: 'presence', sender: juliet.jid })
  // Asked back by itself.
  await juliet.heard({ on: 'presence', sender: romeo.jid })
}

async function talk (romeo: TestClient, juliet: TestClient): Promise<void> {
  romeo.do({ do: 'message', to: bare(juliet), body: 'wherefore <art> thou & "I"?' })
  await juliet.heard({ on: 'message', sender: romeo.jid, body: 'wherefore <art> thou & "I"?' })
  juliet.do({ do: 'message', to: romeo.jid, body: 'à cause de toi – 愛' })
  await romeo.heard({ on: 'message', sender: juliet.jid, body: 'à cause de toi – 愛' })
  for (const [who, whom] of [[romeo, juliet], [juliet, romeo]] as const) {
    who.do({ do: 'ping', to: whom.jid, id: whom.jid })
    await who.heard({ on: 'pong', id: whom.jid })
  }
}

function bare ({ jid }: TestClient): string {
  return jid.split('/')[0] ?? ''
}
