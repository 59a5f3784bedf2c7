import { afterAll, beforeAll, expect, it } from 'vitest'
import { BOUNDARY_ADDRESSES, startBoundary, type Boundary } from './boundary.ts'
import { startClient } from './client.ts'

let boundary: Boundary
beforeAll(async () => {
  boundary = await startBoundary({
    inside: { server: 'prosody', domain: 'ours.example', tls: 'off', users: ['romeo', 'juliet'] },
    outside: [{ server: 'ejabberd', domain: 'partner.example', tls: 'optional', users: ['nurse', 'friar'] }, { server: 'jabberd2', domain: 'old.example', tls: 'off' }],
  })
})
afterAll(async () => { await boundary?.stop() })

it('leads from one side to the other nowhere but through the host between them', async () => {
  const { gateway, gatewayInside, ejabberd, inside, resolver } = BOUNDARY_ADDRESSES
  for (const [from, to, port] of [['inside', ejabberd, 5269], ['inside', resolver, 53], ['ejabberd', inside, 5269], ['jabberd2', inside, 5222]] as const) {
    await expect(boundary.host(from).connect({ address: to, port }), `${from} to ${to}`).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
  }
  const listening = await boundary.host('gateway').listen({ address: gatewayInside, port: 5269 })
  for (const [from, to, port] of [['gateway', ejabberd, 5269], ['gateway', inside, 5269], ['inside', gatewayInside, 5269]] as const) (await boundary.host(from).connect({ address: to, port })).destroy()
  listening.close()
  expect((await boundary.host('gateway').run('getent', ['hosts', 'xmpp.ours.example'])).stdout).toContain(gateway)
})

for (const [name, domain, [first, second]] of [['inside', 'ours.example', ['romeo', 'juliet']], ['ejabberd', 'partner.example', ['nurse', 'friar']]] as const) {
  it(`lets users of ${domain} in, who become contacts, write and answer`, async () => {
    const server = name === 'inside' ? boundary.inside : boundary.outside[domain]
    if (server === undefined) throw new Error('no such server')
    const [a, b] = await Promise.all([first, second].map(user => startClient(boundary.host(name), `${user}@${domain}/test`, server)))
    if (a === undefined || b === undefined) throw new Error('no client')
    a.do({ do: 'subscribe', to: `${second}@${domain}` })
    await b.heard({ on: 'asked', sender: `${first}@${domain}` })
    await a.heard({ on: 'subscribed' })
    await a.heard({ on: 'presence', sender: `${second}@${domain}/test` })
    a.do({ do: 'message', to: `${second}@${domain}`, body: 'good morrow' })
    await b.heard({ on: 'message', body: 'good morrow' })
    a.do({ do: 'ping', to: `${second}@${domain}/test`, id: '1' })
    await a.heard({ on: 'pong', id: '1' })
    await Promise.all([a.stop(), b.stop()])
  })
}
