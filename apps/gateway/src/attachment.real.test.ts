// The second way to put a server behind the gateway (XEP-0114): it has the foreign domain as a component, which is the gateway; and components of ours, which come to the gateway.
import { BOUNDARY_ADDRESSES as AT, startBoundary, startClient, startComponent, type Boundary, type TestClient } from '@dialtone/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { authenticationsIn } from './test-support/authentications.ts'
import { bare, becomeContacts, ping, reach, talk } from './test-support/conversation.ts'
import { assignmentFor, fileIn, startGatewayProcess, type GatewayProcess } from './test-support/gateway-process.ts'
import { linesSince } from './test-support/lines-since.ts'

const OURS = 'ours.example'
const BOT = 'bot.ours.example'
const PEER = 'partner.example'
const SECRETS = { partner: 'q1w2e3r4t5y6u7i8o9p0', bot: 'z1x2c3v4b5n6m7a8s9d0' }
const BOT_PORT = 5348
const SOON = { timeout: 15_000 }

for (const [inside, outside, accepted] of [
  ['prosody', 'ejabberd', /partner\.example:component\s+info\s+External component successfully authenticated/],
  ['ejabberd', 'prosody', /Accepted external component handshake authentication for partner\.example from/],
] as const) {
  describe(`${inside} inside, ${outside} outside`, () => {
    let boundary: Boundary
    let gateway: GatewayProcess
    const clients: TestClient[] = []
    const started = async (starting: Promise<TestClient>): Promise<TestClient> => {
      const client = await starting
      clients.push(client)
      return client
    }
    const jdoe = () => started(startClient(boundary.host('inside'), `jdoe@${OURS}/here`, boundary.inside))
    const cupuser = async () => started(startClient(boundary.host(outside), `cupuser@${PEER}/there`, theirs()))
    const theirs = () => {
      const server = boundary.outside[PEER]
      if (server === undefined) throw new Error('no outside server')
      return server
    }

    beforeAll(async () => {
      boundary = await startBoundary({
        inside: { server: inside, domain: OURS, tls: 'off', users: ['jdoe'], component: { name: PEER, secret: SECRETS.partner } },
        outside: [{ server: outside, domain: PEER, tls: 'required', trusts: true, users: ['cupuser'] }],
        records: { [BOT]: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', `xmpp A ${AT.gateway}`] },
      })
      gateway = await startGatewayProcess(boundary, directory => assignmentFor(directory, boundary.root, {
        ours: OURS, also: [BOT], peers: [PEER],
        inside: {
          listen: [],
          components: {
            connect: [{ domain: PEER, to: { host: AT.inside, port: boundary.inside.componentPort ?? 0 }, secret: fileIn(directory, 'partner', SECRETS.partner) }],
            accept: { listen: [{ address: AT.gatewayInside, port: BOT_PORT }], domains: { [BOT]: fileIn(directory, 'bot', SECRETS.bot) } },
          },
        },
      }))
    })
    afterAll(async () => {
      await gateway?.stop()
      await boundary?.stop()
    })
    afterEach(async () => {
      await gateway.conserved(1)
      await Promise.all(clients.splice(0).map(each => each.stop()))
    })

    it('the gateway is the foreign domain, as a component of our server', async () => {
      const [one, other] = await Promise.all([jdoe(), cupuser()])
      await becomeContacts(...(inside === 'prosody' ? [one, other] as const : [other, one] as const))
      await talk(one, other)
      await boundary.inside.logged(accepted)
      expect(authenticationsIn(inside, OURS, boundary.inside.logs()), 'no stream between servers').toEqual([])
      await expect.poll(() => authenticationsIn(outside, PEER, theirs().logs()), SOON).toEqual([{ way: 'in', peer: OURS, by: 'EXTERNAL', tls: true }, { way: 'out', peer: OURS, by: 'EXTERNAL', tls: true }])
      expect(await gateway.metric('dialtone_component_streams', { mode: 'connect' })).toBe(1)
      expect(await gateway.metric('dialtone_gateway_connections_total', { zone: 'office' })).toBe(0)
    })

    it('comes again when our server has been away', async () => {
      await boundary.stopServer(OURS)
      await expect.poll(() => gateway.metric('dialtone_component_streams', { mode: 'connect' }), SOON).toBe(0)
      await boundary.startServer(OURS)
      const [one, other] = await Promise.all([jdoe(), cupuser()])
      await reach(one, other, 'from inside')
      await reach(other, one, 'from outside')
    })

    it('a component of ours comes to the gateway, and talks to people outside', async () => {
      const lines = linesSince(theirs())
      const bot = await started(startComponent(boundary.host('inside'), `echo@${BOT}`, { address: AT.gatewayInside, port: BOT_PORT, secret: SECRETS.bot }))
      const other = await cupuser()
      bot.do({ do: 'message', to: bare(other), body: 'I am a machine' })
      await other.heard({ on: 'message', sender: bot.jid, body: 'I am a machine' })
      other.do({ do: 'message', to: bot.jid, body: 'so am I' })
      await bot.heard({ on: 'message', sender: other.jid, body: 'so am I' })
      await Promise.all([ping(bot, other.jid), ping(other, bot.jid)])
      await expect.poll(() => authenticationsIn(outside, PEER, lines()).filter(({ peer }) => peer === BOT), SOON).toEqual([{ way: 'in', peer: BOT, by: 'EXTERNAL', tls: true }, { way: 'out', peer: BOT, by: 'EXTERNAL', tls: true }])
      expect(await gateway.metric('dialtone_component_streams', { mode: 'accept' })).toBe(1)
    })
  })
}
