import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { assert, constantFrom, property, uint8Array } from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { listen, type Accepted } from './listen.ts'
import { readProxyHeader } from './proxy-header.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V4 = Buffer.concat([SIGNATURE, Buffer.from('2111000c', 'hex'), Buffer.from([203, 0, 113, 9, 192, 0, 2, 1]), Buffer.from('15b31495', 'hex')])
const V6 = Buffer.concat([SIGNATURE, Buffer.from('21210024', 'hex'), Buffer.from('20010db8000000000000000000000009', 'hex'), Buffer.alloc(16), Buffer.from('15b31495', 'hex')])
const LINE = Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 5555 5269\r\n')

const cleanUp: (() => unknown)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

describe('reading', () => {
  it.each([
    ['a line', LINE, { length: LINE.length, source: { address: '203.0.113.9', port: 5555 } }],
    ['a line of IPv6', Buffer.from('PROXY TCP6 2001:db8::9 2001:db8::1 5555 5269\r\nx'), { length: 46, source: { address: '2001:db8::9', port: 5555 } }],
    ['the proxy itself', Buffer.from('PROXY UNKNOWN\r\n'), { length: 15 }],
    ['version 2', V4, { length: 28, source: { address: '203.0.113.9', port: 5555 } }],
    ['version 2 of IPv6', V6, { length: 52, source: { address: '2001:db8:0:0:0:0:0:9', port: 5555 } }],
    ['version 2 with more behind the addresses', Buffer.concat([V4.subarray(0, 14), Buffer.from([0, 16]), V4.subarray(16), Buffer.from([4, 0, 1, 0])]), { length: 32, source: { address: '203.0.113.9', port: 5555 } }],
    ['the proxy itself in version 2', Buffer.concat([SIGNATURE, Buffer.from('20000000', 'hex')]), { length: 16 }],
  ] as const)('takes %s', (_, bytes, header) => expect(readProxyHeader(bytes)).toEqual(header))

  it.each([
    ['no header', Buffer.from("<stream:stream xmlns='")], ['TLS', Buffer.from([0x16, 3, 1])], ['a line without an end', Buffer.from('PROXY '.padEnd(107, 'x'))], ['an address that is none', Buffer.from('PROXY TCP4 203.0.113 192.0.2.1 1 2\r\n')],
    ['a family that is another', Buffer.from('PROXY TCP4 2001:db8::9 2001:db8::1 1 2\r\n')], ['a port that is none', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 70000 2\r\n')],
    ['version 3', Buffer.concat([SIGNATURE, Buffer.from('31110000', 'hex')])], ['more than is taken', Buffer.concat([SIGNATURE, Buffer.from('2111ffff', 'hex')])], ['UDP', Buffer.concat([SIGNATURE, Buffer.from('2112000c', 'hex'), Buffer.alloc(12)])],
    ['no addresses', Buffer.concat([SIGNATURE, Buffer.from('21110004', 'hex'), Buffer.alloc(4)])],
  ])('refuses %s', (_, bytes) => expect(readProxyHeader(bytes)).toHaveProperty('invalid'))

  it('wants more of every beginning, and says the same however much follows', () => {
    for (const whole of [LINE, V4, V6]) {
      for (let cut = 0; cut < whole.length; cut++) expect(readProxyHeader(whole.subarray(0, cut))).toEqual({ more: true })
      expect(readProxyHeader(Buffer.concat([whole, Buffer.from('PROXY ')]))).toEqual(readProxyHeader(whole))
    }
  })

  it('never throws, and never wants more than it takes', () => {
    assert(property(uint8Array({ maxLength: 64 }), constantFrom(Buffer.alloc(0), SIGNATURE, Buffer.from('PROXY TCP4 ')), (tail, head) => {
      const header = readProxyHeader(Buffer.concat([head, tail, Buffer.alloc(2048)]))
      expect(header).not.toHaveProperty('more')
    }))
  })
})

describe('a listener behind a proxy', () => {
  it('gives the address that the proxy names, and the bytes behind the header, however they are cut', async () => {
    for (const [header, cut] of [[LINE, 5], [LINE, LINE.length], [LINE, LINE.length + 3], [V4, 14], [V4, V4.length]] as const) {
      const { port, accepted } = await behindProxy()
      const bytes = Buffer.concat([header, Buffer.from('hello')])
      const socket = connectTcp(port, '127.0.0.1')
      cleanUp.push(() => socket.destroy())
      await once(socket, 'connect')
      socket.write(bytes.subarray(0, cut))
      await new Promise(resolve => { setImmediate(resolve) })
      socket.write(bytes.subarray(cut))
      const { connection, address, source } = await accepted
      expect({ address, source }).toEqual({ address: '203.0.113.9', source: '203.0.113.9:5555' })
      let heard = ''
      while (heard.length < 5) {
        const chunk = await connection.read(2000)
        if (!('bytes' in chunk)) throw new Error(JSON.stringify(chunk))
        heard += Buffer.from(chunk.bytes).toString()
      }
      expect(heard).toBe('hello')
    }
  })

  it('asks whether the address that is named may come, and closes without a byte who is no proxy or sends no header', async () => {
    const refused: string[] = []
    for (const [says, options] of [['PROXY TCP4 198.51.100.1 192.0.2.1 1 2\r\n', {}], [LINE.toString(), { proxies: '192.0.2.7' }], ['<stream:stream>', {}], ['PROXY TC', {}]] as const) {
      const { port } = await behindProxy({ ...options, refused: why => refused.push(why) })
      const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined)
      const heard: Buffer[] = []
      socket.on('data', bytes => heard.push(bytes))
      await once(socket, 'connect')
      if (says === 'PROXY TC') socket.end(says)
      else socket.write(says)
      await once(socket, 'close')
      expect(heard).toEqual([])
    }
    expect(refused).toEqual(['no proxy of this zone', 'no PROXY header', 'the connection ended in its PROXY header'])
  })
})

async function behindProxy ({ proxies = '127.0.0.1', refused = () => undefined }: { proxies?: string, refused?: (why: string) => unknown } = {}): Promise<{ port: number, accepted: Promise<Accepted> }> {
  const stopping = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Accepted>()
  const at = await listen({
    address: '127.0.0.1', port: 0, admit: address => address.startsWith('203.0.113.'), accepted: resolve, signal: stopping.signal,
    proxied: () => ({ mayProxy: address => address === proxies, refused: (_, why) => refused(why) }),
  })
  cleanUp.push(async () => {
    stopping.abort()
    await at.close()
  })
  return { port: at.port, accepted: promise }
}
