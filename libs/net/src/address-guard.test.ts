import { describe, expect, it } from 'vitest'
import { guarded, parseCidr } from './address-guard.ts'
import { connect } from './connection.ts'
import { createServer } from 'node:net'
import { once } from 'node:events'

describe('S1: addresses that DNS should not name are refused', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '::1', '::', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::'])
    it(address, () => expect(guarded(address, [])).toContain(address))

  for (const address of ['192.0.2.1', '198.51.100.7', '203.0.113.10', '8.8.8.8', '2001:db8::1', '2606:4700::1'])
    it(`but not ${address}`, () => expect(guarded(address, [])).toBeUndefined())

  for (const text of ['127.0.0.001', '999.1.1.1', '0x7f.1', 'localhost', '', '2130706433'])
    it(`and what is no address, whatever is allowed: '${text}'`, () => expect(guarded(text, ['0.0.0.0/0', '::/0'])).toContain('is no address'))

  it('unless the operator allows that network, and only that one', () => {
    expect(guarded('10.1.2.3', ['10.0.0.0/8'])).toBeUndefined()
    expect(guarded('192.168.1.1', ['10.0.0.0/8'])).toContain('private')
    expect(guarded('fd00::1', ['fd00::/8'])).toBeUndefined()
  })

  it('at the connect itself: with the guard opened the attack reaches the server, else nothing is sent', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    let accepted = 0
    server.on('connection', socket => { accepted++; socket.destroy() })
    const { port } = server.address() as { port: number }
    const attempt = { address: '127.0.0.1', port, timeoutMs: 2000, signal: AbortSignal.timeout(5000) }
    const opened = await connect({ ...attempt, allowNets: ['127.0.0.0/8'] })
    expect(opened).toHaveProperty('connection')
    if ('connection' in opened) opened.connection.destroy()
    expect(await connect({ ...attempt, allowNets: [] })).toMatchObject({ failure: { at: 'guard', why: 'address-refused' } })
    server.close()
    expect(accepted).toBe(1)
  })
})

it('reads networks, and says what is wrong with what is none', () => {
  expect(parseCidr('10.0.0.0/8')).toEqual({ address: '10.0.0.0', prefix: 8, family: 'ipv4' })
  expect(parseCidr('::1').prefix).toBe(128)
  for (const text of ['10.0.0.0/33', 'x/8', '10.0.0.0/8/8', '', '10.0.0.0/a']) expect(() => parseCidr(text)).toThrow(/--allow-net/)
})
