// The federation itself, by what its servers log and send: that they call each other back across namespaces, that calls are stopped as asked,
// and that the secrets they are given are the ones they use.
import { existsSync, readdirSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import type { Server, Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dialbackKey } from './dialback-key.ts'
import { startFederation, type Federation } from './federation.ts'
import type { BlockHow } from './network.ts'
import { readUntil } from './wire.ts'

const SECRETS = { prosody: 'open sesame', ejabberd: 'SESAME', jabberd2: 'sesame' } as const
const SERVERS = ['prosody', 'ejabberd', 'jabberd2'] as const
const US = 'probe.test'
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(undo.splice(0).map(each => each()))
})

for (const tls of ['off', 'optional'] as const) {
  describe(tls === 'off' ? 'in clear' : 'over TLS', () => {
    const federation = started({
      servers: [
        ...SERVERS.map(server => ({ domain: `${server}.test`, server, tls, secret: SECRETS[server] })),
        { domain: 'second.test', server: 'prosody', tls },
        { domain: 'third.test', server: 'ejabberd', tls },
      ],
      vantages: [{ name: 'us', domain: US }],
    })
    const medium = tls === 'off' ? 'tcp' : 'tls'

    for (const [from, to] of [['prosody', 'second'], ['prosody', 'ejabberd'], ['ejabberd', 'third'], ['ejabberd', 'prosody'], ['second', 'jabberd2'], ['third', 'jabberd2']] as const) {
      it(`${from} and ${to} prove themselves to each other by dialback, and the ping is answered`, async () => {
        const { server } = federation()
        const [one, other] = [server(`${from}.test`), server(`${to}.test`)]
        await one.ping(other.domain)
        for (const [mine, theirs] of [[one, other], [other, one]] as const) {
          if (mine.name === 'jabberd2') {
            await mine.logged(new RegExp(`incoming route '${mine.domain}/${theirs.domain}' is now valid ${tls === 'off' ? '$' : 'TLS'}`))
            await mine.logged(new RegExp(`outgoing route '${mine.domain}/${theirs.domain}' is now valid ${tls === 'off' ? '$' : 'TLS'}`))
            await mine.logged(new RegExp(`\\[${theirs.address}, port=\\d+\\] checking dialback verification from ${theirs.domain}: sending valid`))
          } else if (mine.name === 'ejabberd') {
            await mine.logged(new RegExp(`\\(${medium}\\|.* Accepted inbound s2s dialback authentication ${theirs.domain} -> ${mine.domain} \\(${theirs.address}\\)`))
            await mine.logged(new RegExp(`\\(${medium}\\|.* Accepted outbound s2s dialback authentication ${mine.domain} -> ${theirs.domain} \\(${theirs.address}\\)`))
          } else {
            await mine.logged(new RegExp(`connection ${theirs.domain}->${mine.domain} is now authenticated for ${theirs.domain}`))
            await mine.logged(new RegExp(`Incoming s2s connection ${theirs.domain}->${mine.domain} complete`))
            await mine.logged(new RegExp(`Outgoing s2s connection ${mine.domain}->${theirs.domain} complete`))
          }
        }
        await one.logged(one.name === 'prosody' ? new RegExp(`RECV: <iq [^>]*(?=.*from='${other.domain}').*type='result'`) : new RegExp(`Received XML.*<iq (?=[^>]*from='${other.domain}')[^>]*type='result'`))
        if (tls === 'optional' && one.name === 'prosody') await one.logged(/Stream encrypted \(TLSv1\.3/)
      })
    }

    for (const server of SERVERS) {
      it(`${server} vouches for the key that is made from its secret, and for no other`, async () => {
        const pair = { receiving: US, originating: `${server}.test`, streamId: 'D60000229F' }
        const key = dialbackKey(server, SECRETS[server], pair)
        expect(await verdictOn(federation(), pair, key)).toBe('valid')
        expect(await verdictOn(federation(), pair, dialbackKey(server, 'guessed', pair))).toBe('invalid')
        expect(await verdictOn(federation(), { ...pair, streamId: 'other' }, key)).toBe('invalid')
        expect(await verdictOn(federation(), { ...pair, receiving: 'elsewhere.test' }, key)).toBe('invalid')
      })
    }
  })
}

describe('with a vantage', () => {
  const federation = started({
    servers: SERVERS.map(server => ({ domain: `${server}.test`, server, tls: 'off' as const, patience: 2 })),
    vantages: [{ name: 'us', domain: US }, { name: 'another' }],
  })

  for (const server of SERVERS) {
    for (const answer of ['valid', 'invalid'] as const) {
      // Prosody and jabberd2 ask nothing on a connection of their own before they are believed themselves: first comes a key of theirs.
      const heard = server === 'ejabberd' ? ['verify'] : ['result', 'verify']
      it(`${server} calls it back from its own address and believes its answer: ${answer}`, async () => {
        const { server: named } = federation()
        const authority = await authorityAt(federation(), answer)
        const said = await offerKey(federation(), `${server}.test`)
        expect(said.answer).toMatch(new RegExp(`type=['"]${answer}['"]`))
        expect(authority.asked).toEqual([{ from: named(`${server}.test`).address, id: said.streamId, key: 'a key' }])
        expect(authority.heard).toEqual(heard)
      })
    }
  }

  for (const [how, ejabberd] of [['drop', 'Connection failed: timeout'], ['refuse', 'Connection failed: connection refused'], ['unreachable', 'Connection failed: host is unreachable']] as const satisfies [BlockHow, string][]) {
    it(`a callback that is blocked by '${how}' does not come, and ejabberd says why`, async () => {
      const authority = await authorityAt(federation(), 'valid')
      const block = federation().network.block('us', { how, port: 5269, from: 'ejabberd.test' })
      undo.push(async () => block.lift())
      expect((await offerKey(federation(), 'ejabberd.test')).answer).toMatch(new RegExp(`type='error'.*<remote-server-not-found .*${ejabberd}`))
      expect(authority.asked).toEqual([])
      expect(block.packets()).toBeGreaterThan(0)
      expect((await offerKey(federation(), 'prosody.test')).answer).toMatch(/type='valid'/)
      block.lift()
      // It remembers a failure for a second.
      await expect.poll(async () => (await offerKey(federation(), 'ejabberd.test')).answer, { timeout: 10_000 }).toMatch(/type='valid'/)
    })
  }

  it('a callback that is led astray reaches somebody else', async () => {
    const here = await authorityAt(federation(), 'valid')
    const there = await authorityAt(federation(), 'invalid', 'another')
    const divert = federation().network.divert('us', { to: 'another', port: 5269, from: 'prosody.test' })
    undo.push(async () => divert.lift())
    expect((await offerKey(federation(), 'prosody.test')).answer).toMatch(/type='invalid'/)
    expect([here.asked.length, there.asked.length]).toEqual([0, 1])
    expect(divert.packets()).toBe(1)
  })

  it('a program in it finds the servers by name', async () => {
    const { stdout } = await federation().vantage('us').run(process.execPath, ['-e', "require('dns').promises.resolveSrv('_xmpp-server._tcp.ejabberd.test').then(r => require('dns').lookup(r[0].name, (e, a) => console.log(a)))"])
    expect(stdout.trim()).toBe(federation().server('ejabberd.test').address)
    expect(federation().dnsLogs()).toMatch(/203\.0\.113\.10 _xmpp-server\._tcp\.ejabberd\.test\. SRV IN/)
  })
})

describe('where servers see and trust differently', () => {
  const federation = started({
    servers: [
      { domain: 'strict.test', server: 'prosody', tls: 'required', secureAuth: true, trusts: true },
      { domain: 'trusting.test', server: 'ejabberd', tls: 'required', trusts: true },
      { domain: 'expired.test', server: 'prosody', tls: 'optional', certificate: 'expired' },
      { domain: 'provider.test', server: 'ejabberd', tls: 'off', alsoServes: [US], view: { [US]: 'provider.test' } },
      { domain: 'public.test', server: 'ejabberd', tls: 'off', alsoServes: [US] },
      { domain: 'refusing.test', server: 'prosody', tls: 'off', alsoServes: [US] },
      { domain: 'misled.test', server: 'prosody', tls: 'off', view: { [US]: 'another' } },
      { domain: 'denying.test', server: 'ejabberd', tls: 'off', denies: [US] },
      { domain: 'two.test', name: 'two-a', server: 'prosody', tls: 'off', secret: 'a', published: ['_xmpp-server._tcp SRV 0 5 5269 xmpp', 'xmpp A 198.51.100.18'] },
      { domain: 'two.test', name: 'two-b', server: 'prosody', tls: 'off', secret: 'b' },
    ],
    vantages: [{ name: 'us', domain: US }, { name: 'another' }],
  })

  it('good certificates are enough for those who trust them', async () => {
    const [strict, trusting] = [federation().server('strict.test'), federation().server('trusting.test')]
    await strict.ping('trusting.test')
    await trusting.logged(/Accepted inbound s2s EXTERNAL authentication strict\.test -> trusting\.test/)
    await trusting.logged(/Accepted outbound s2s EXTERNAL authentication trusting\.test -> strict\.test/)
    await strict.logged(/Incoming s2s connection trusting\.test->strict\.test complete/)
    expect(trusting.logs()).not.toMatch(/s2s dialback authentication strict\.test -> trusting\.test/)
  })

  it('an expired one is refused by who is strict', async () => {
    await federation().server('expired.test').ping('strict.test')
    await federation().server('strict.test').logged(/Forbidding insecure connection to\/from expired\.test/)
  })

  it('a provider that finds us at home asks itself: invalid, and no callback', async () => {
    const authority = await authorityAt(federation(), 'valid')
    expect((await offerKey(federation(), 'provider.test')).answer).toMatch(/type='invalid'/)
    expect(authority.asked).toEqual([])
  })

  it('a provider that has us, too, and finds us by public DNS believes us', async () => {
    const authority = await authorityAt(federation(), 'valid')
    expect((await offerKey(federation(), 'public.test')).answer).toMatch(/type='valid'/)
    expect(authority.asked).toHaveLength(1)
  })

  it('a Prosody that has us, too, does not let us in', async () => {
    const said = await offerKey(federation(), 'refusing.test')
    expect(said.features).toMatch(/<undefined-condition .*Attempt to connect from a host we serve/)
  })

  it('a server with wrong DNS asks somebody else', async () => {
    const there = await authorityAt(federation(), 'invalid', 'another')
    expect((await offerKey(federation(), 'misled.test')).answer).toMatch(/type='invalid'/)
    expect(there.asked).toHaveLength(1)
  })

  it('an access rule is told after the key, not before', async () => {
    await authorityAt(federation(), 'valid')
    const said = await offerKey(federation(), 'denying.test')
    expect(said.features).toContain('<stream:features>')
    expect(said.answer).toMatch(/type='error'.*<forbidden .*Access denied by service policy/)
  })

  it('two nodes with different secrets deny each other’s keys', async () => {
    const pair = { receiving: US, originating: 'two.test', streamId: 'x' }
    expect(await verdictOn(federation(), pair, dialbackKey('prosody', 'a', pair), 'two-a')).toBe('valid')
    expect(await verdictOn(federation(), pair, dialbackKey('prosody', 'a', pair), 'two-b')).toBe('invalid')
  })
})

it('is several at once with the same names, and leaves nothing', async () => {
  const both = await Promise.all([1, 2].map(() => startFederation({ servers: [{ domain: 'one.test', server: 'prosody', tls: 'off' }, { domain: 'two.test', server: 'prosody', tls: 'off' }] })))
  await Promise.all(both.map(({ server }) => server('one.test').ping('two.test')))
  await Promise.all(both.map(({ server }) => server('two.test').logged(/Incoming s2s connection one\.test->two\.test complete/)))
  const pids = both.flatMap(({ server }) => ['one.test', 'two.test'].flatMap(name => server(name).pids))
  await Promise.all(both.map(({ stop }) => stop()))
  expect(pids.filter(pid => existsSync(`/proc/${pid}`))).toEqual([])
  expect(readdirSync('/run/netns').filter(name => name.startsWith(`dialtone-${process.pid}-`))).toEqual([])
})

it('leaves nothing when a server does not start', async () => {
  await expect(startFederation({ servers: [{ domain: 'one.test', server: 'prosody', tls: 'off' }, { domain: 'two.test', server: 'ejabberd', tls: 'off', denies: ['@'] }] })).rejects.toThrow(/ejabberd ended at its start/)
  expect(readdirSync(tmpdir()).filter(name => name.startsWith(`dialtone-real-${process.pid}-`))).toEqual([])
  expect(readdirSync('/run/netns').filter(name => name.startsWith(`dialtone-${process.pid}-`))).toEqual([])
})

function started (options: Parameters<typeof startFederation>[0]): () => Federation {
  let federation: Federation | undefined
  beforeAll(async () => {
    federation = await startFederation(options)
  })
  afterAll(async () => {
    await federation?.stop()
  })
  return () => {
    if (federation === undefined) throw new Error('not started')
    return federation
  }
}

const header = (attributes: string): string => `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' ${attributes}>`
const SIGNAL_MS = 15_000

/** What the server of the originating domain says to somebody who asks whether the key is its own. */
async function verdictOn ({ vantage, server }: Federation, pair: Parameters<typeof dialbackKey>[2], key: string, node = pair.originating): Promise<string> {
  const socket = await vantage('us').connect(server(node))
  const signal = AbortSignal.timeout(SIGNAL_MS)
  socket.write(header(`version='1.0' from='${pair.receiving}' to='${pair.originating}'`))
  await readUntil(socket, /<\/stream:features>|<stream:features\/>/, signal)
  socket.write(`<db:verify from='${pair.receiving}' to='${pair.originating}' id='${pair.streamId}'>${key}</db:verify>`)
  const answer = await readUntil(socket, /<db:verify[^>]*>/, signal)
  socket.destroy()
  return /type='(\w+)'/.exec(answer)?.[1] ?? answer
}

/** We say that we are US, and what the server says to that after it has called back. */
async function offerKey ({ vantage, server }: Federation, name: string): Promise<{ streamId: string, features: string, answer: string }> {
  const socket = await vantage('us').connect(server(name))
  const signal = AbortSignal.timeout(SIGNAL_MS)
  socket.on('error', () => undefined) // told by what was not read
  socket.write(header(`version='1.0' from='${US}' to='${name}'`))
  const features = await readUntil(socket, /<\/stream:features>|<stream:features\/>|<\/stream:error>/, signal)
  socket.write(`<db:result from='${US}' to='${name}'>a key</db:result>`)
  const answer = await readUntil(socket, /<db:result[^>]*\/>|<\/db:result>|<\/stream:error>/, signal)
  socket.destroy()
  return { streamId: /<stream:stream[^>]*\sid='([^']*)'/.exec(features)?.[1] ?? '', features, answer }
}

type Authority = { asked: { from: string, id: string, key: string }[], heard: string[] }

/** Who is called back: believes everybody, and gives one answer to all who ask. */
async function authorityAt ({ vantage }: Federation, answer: 'valid' | 'invalid', name = 'us'): Promise<Authority> {
  const server: Server = await vantage(name).listen({ port: 5269 })
  const sockets = new Set<Socket>()
  const asked: Authority['asked'] = []
  const heard: string[] = []
  server.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress ?? ''
    sockets.add(socket)
    let text = ''
    socket.on('error', () => undefined).on('data', bytes => {
      text += String(bytes)
      for (;;) {
        const next = /<stream:stream[^>]*>|<db:(result|verify)([^>]*)>([^<]*)<\/db:\1>/.exec(text)
        if (next === null) return
        text = text.slice(next.index + next[0].length)
        const [, what, attributes = '', key = ''] = next
        if (what === undefined) {
          // No version, no features (RFC 6120 §4.7.5): jabberd2 in clear would send its key again, and fail at the second answer.
          socket.write(/\sversion=/.test(next[0]) ? `${header(`version='1.0' from='${US}' id='call'`)}<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>` : header(`from='${US}' id='call'`))
          continue
        }
        const of = (attribute: string): string => new RegExp(`\\s${attribute}=['"]([^'"]*)['"]`).exec(attributes)?.[1] ?? ''
        heard.push(what)
        if (what === 'verify') asked.push({ from, id: of('id'), key })
        socket.write(what === 'verify' ? `<db:verify from='${of('to')}' to='${of('from')}' id='${of('id')}' type='${answer}'/>` : `<db:result from='${of('to')}' to='${of('from')}' type='valid'/>`)
      }
    })
  })
  undo.push(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })
  return { asked, heard }
}
