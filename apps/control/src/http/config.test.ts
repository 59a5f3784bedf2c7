import { describe, expect, it } from 'vitest'
import { isLoopback, parseControlConfig, readControlConfig } from './config.ts'

describe('the configuration of control', () => {
  it('has a default for everything', () => {
    expect(parseControlConfig({})).toMatchObject({ name: 'dialtone', listen: { address: '127.0.0.1', port: 5280 }, store: 'dialtone.db', proxies: [], limits: { bodyBytes: 1_048_576, streams: 2000 } })
    expect(parseControlConfig(undefined).limits.perTokenPerMinute).toBe(1200)
    expect(parseControlConfig({ limits: { streams: 5 } }).limits).toMatchObject({ streams: 5, checks: 50 })
  })

  for (const [name, value, says] of [
    ['an unknown key', { listn: {} }, "/listn is not a field of the configuration; is 'listen' meant?"],
    ['an unknown key below', { listen: { prot: 1 } }, "/listen/prot is not a field of 'listen'; is 'port' meant?"],
    ['a port that is none', { listen: { port: 70_000 } }, /\/listen\/port/],
    ['a number that is text', { limits: { streams: '5' } }, /\/limits\/streams/],
    ['half of tls', { tls: { certificate: '/x.pem' } }, /\/tls/],
    ['no object', [], /object/],
  ] as const) it(`refuses ${name}, and names it`, () => expect(() => parseControlConfig(value)).toThrow(says))

  it('keeps to loopback without TLS', () => {
    for (const address of ['0.0.0.0', '::', '192.0.2.1', '::ffff:192.0.2.1', '128.0.0.1']) {
      expect(() => parseControlConfig({ listen: { address } }), address).toThrow(/tls\.certificate/)
      expect(parseControlConfig({ listen: { address }, tls: { certificate: '/c.pem', key: '/k.pem' } }).listen.address).toBe(address)
    }
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) expect(parseControlConfig({ listen: { address } }).listen.address).toBe(address)
  })

  it('says which file cannot be read', () => {
    expect(() => readControlConfig('/nowhere/control.json')).toThrow(/\/nowhere\/control\.json/)
  })
})

it('knows loopback in every spelling that a socket uses', () => {
  expect(['127.0.0.1', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'].map(isLoopback)).toEqual([true, true, true, true])
  expect(['10.0.0.1', '::2', '127.evil', '', '::ffff:10.0.0.1'].map(isLoopback)).toEqual([false, false, false, false, false])
})
