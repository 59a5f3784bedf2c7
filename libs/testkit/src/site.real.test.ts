// The site itself: that each of its breaks breaks what it says and nothing else, and heals.
import type { Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SITE_ADDRESSES, startSite, type OrganisationSite } from './site.ts'
import { openTunnel } from './tunnel.ts'

let site: OrganisationSite
beforeAll(async () => { site = await startSite() }, 60_000)
afterAll(async () => { await site.stop() })

it('federates through its firewall, and shows one public address', async () => {
  expect(await reach('amsterdam', SITE_ADDRESSES.public)).toBe('open')
  expect(await reach('inside', SITE_ADDRESSES.ours)).toBe('open')
  expect(await reach('inside', SITE_ADDRESSES.public)).toBe('silence') // no hairpin
  expect(await reach('inside', SITE_ADDRESSES.partner)).toBe('open')
  expect(await reach('frankfurt', SITE_ADDRESSES.ours)).toBe('silence')
})

it('breaks and heals: translation, way out, service, resolver, records', async () => {
  site.translation().lift()
  expect([await reach('amsterdam', SITE_ADDRESSES.public), await reach('inside', SITE_ADDRESSES.ours)]).toEqual(['silence', 'open'])
  site.translateAgain()
  expect(await reach('amsterdam', SITE_ADDRESSES.public)).toBe('open')

  const outbound = site.blockOutbound()
  expect([await reach('inside', SITE_ADDRESSES.provider), await reach('inside', SITE_ADDRESSES.partner), await reach('frankfurt', SITE_ADDRESSES.partner)]).toEqual(['silence', 'silence', 'open'])
  outbound.lift()
  expect(await reach('inside', SITE_ADDRESSES.partner)).toBe('open')

  await site.stopService()
  expect([await reach('amsterdam', SITE_ADDRESSES.public), await reach('inside', SITE_ADDRESSES.ours)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED'])
  await site.startService()
  expect(await reach('amsterdam', SITE_ADDRESSES.public)).toBe('open')

  expect(await address('inside')).toBe(SITE_ADDRESSES.public)
  const resolver = site.blockResolver()
  expect(await address('inside')).toBe('nothing')
  expect(await address('amsterdam')).toBe(SITE_ADDRESSES.public)
  resolver.lift()
  expect(await address('inside')).toBe(SITE_ADDRESSES.public)

  await site.publish(['_xmpp-server._tcp SRV 0 5 5269 xmpp', 'xmpp A 203.0.113.99'])
  await expect.poll(async () => await address('amsterdam'), { timeout: 10_000 }).toBe('203.0.113.99')
  await site.publish(site.records)
  await expect.poll(async () => await address('inside'), { timeout: 10_000 }).toBe(SITE_ADDRESSES.public)
})

it('has a provider that serves our domain, for as long as it does', async () => {
  await site.claim(true)
  expect(await asked('ours.example')).toContain('<stream:features')
  await site.claim(false)
  expect(await asked('ours.example')).toContain('host-unknown')
})

it('is reached from here through a tunnel', async () => {
  const server = await site.host('office').listen({ address: '127.0.0.1', port: 8080 })
  server.on('connection', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi'))
  const tunnel = await openTunnel(site.host('office'), { address: '127.0.0.1', port: 8080 })
  expect(await (await fetch(tunnel.url)).text()).toBe('hi')
  const nowhere = await openTunnel(site.host('office'), { address: '127.0.0.1', port: 8081 })
  await expect(fetch(nowhere.url)).rejects.toThrow('fetch failed')
  await Promise.all([tunnel.stop(), nowhere.stop()])
  server.close()
})

async function reach (from: 'inside' | 'amsterdam' | 'frankfurt', to: string): Promise<string> {
  const script = `const s = require('net').connect(5269, '${to}'); const say = w => { console.log(w); process.exit() }
    s.on('connect', () => say('open')).on('error', e => say(e.code)); setTimeout(() => say('silence'), 1500)`
  return (await site.host(from).run(process.execPath, ['-e', script])).stdout.trim()
}

async function address (from: 'inside' | 'amsterdam'): Promise<string> {
  const script = `const { Resolver } = require('dns').promises; new Resolver({ timeout: 500, tries: 2 }).resolve4('xmpp.ours.example').then(a => console.log(a[0]), () => console.log('nothing'))`
  return (await site.host(from).run(process.execPath, ['-e', script])).stdout.trim()
}

async function asked (domain: string): Promise<string> {
  const script = `const s = require('net').connect(5269, '${SITE_ADDRESSES.provider}'); let all = ''
    s.write("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='${domain}' from='else.example' version='1.0'>")
    const end = () => { console.log(all); process.exit() }
    s.on('data', d => { all += d; if (/features|error/.test(all)) end() }); setTimeout(end, 3000)`
  return (await site.host('frankfurt').run(process.execPath, ['-e', script])).stdout
}
