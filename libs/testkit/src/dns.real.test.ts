import { Resolver } from 'node:dns/promises'
import { createSocket } from 'node:dgram'
import { expect, it, onTestFinished } from 'vitest'
import { startDns } from './dns.ts'
import { startKnot } from './knot.ts'
import type { Place } from './loopback.ts'

const XMPP = ['_xmpp-server._tcp SRV 0 5 5269 xmpp', 'xmpp A 192.0.2.10', 'xmpp AAAA 2001:db8::10', 'alias CNAME xmpp', '_5269._tcp.xmpp TLSA 3 1 1 aa']

it('serves the zones of a test through a real resolver, and knows that nothing else exists', async () => {
  const dns = await startDns({ zones: [{ name: 'partner.example', records: XMPP }] })
  try {
    const resolver = new Resolver()
    resolver.setServers([`${dns.resolver.address}:${dns.resolver.port}`])
    expect(await resolver.resolveSrv('_xmpp-server._tcp.partner.example')).toMatchObject([{ name: 'xmpp.partner.example', port: 5269, priority: 0, weight: 5 }])
    expect(await resolver.resolve4('alias.partner.example')).toEqual(['192.0.2.10'])
    expect(await resolver.resolve6('xmpp.partner.example')).toEqual(['2001:db8::10'])
    await expect(resolver.resolve4('partner.example')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolver.resolve4('elsewhere.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect(await dns.logged(/elsewhere\.example\. A IN/)).toContain('127.')
  } finally {
    await dns.stop()
  }
})

it('marks what it has validated, and only that; refuses what does not validate', async () => {
  const zones = ['plain.example', 'signed.example', 'bogus.example'].map(name => ({ name, records: ['@ A 192.0.2.1'], signed: name !== 'plain.example' }))
  const dns = await startDns({ zones, bogus: ['bogus.example'] })
  try {
    expect(await ask(dns.resolver, 'plain.example')).toEqual({ authenticated: false, rcode: 0 })
    expect(await ask(dns.resolver, 'signed.example')).toEqual({ authenticated: true, rcode: 0 })
    expect(await ask(dns.resolver, 'bogus.example')).toEqual({ authenticated: false, rcode: 2 })
    expect(await dns.logged(/validation failure <bogus\.example\. A IN>/)).toContain('trust anchor')
    expect(dns.logs()).toMatch(/\[signed\.example\.\] DNSSEC, successfully signed/)
  } finally {
    await dns.stop()
  }
})

/** One question by hand (RFC 1035 §4.1), with the AD bit set, which asks for it in the answer (RFC 6840 §5.7). */
async function ask ({ address, port }: Place, name: string): Promise<{ authenticated: boolean, rcode: number }> {
  const labels = name.split('.').flatMap(label => [label.length, ...Buffer.from(label)])
  const socket = createSocket('udp4')
  const answer = new Promise<Buffer>(resolve => socket.once('message', resolve))
  socket.send(Buffer.from([0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]), port, address)
  const flags = (await answer).readUInt16BE(2)
  socket.close()
  return { authenticated: (flags & 0x20) !== 0, rcode: flags & 0xF }
}

it('serves other records of a zone when they are published anew', async () => {
  const knot = await startKnot({ zones: [{ name: 'partner.example', records: ['www A 192.0.2.1'] }] })
  onTestFinished(knot.stop)
  const resolver = new Resolver()
  resolver.setServers([`${knot.address}:${knot.port}`])
  expect(await resolver.resolve4('www.partner.example')).toEqual(['192.0.2.1'])
  await knot.publish('partner.example', ['www A 192.0.2.2'])
  expect(await resolver.resolve4('www.partner.example')).toEqual(['192.0.2.2'])
  await knot.publish('partner.example', [])
  await expect(resolver.resolve4('www.partner.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  await expect(knot.publish('other.example', [])).rejects.toThrow("no zone is called 'other.example'")
})
