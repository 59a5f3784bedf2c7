import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { openBlackhole, startDnsServer } from '@dialtone/zoo'
import { expect, it, onTestFinished } from 'vitest'
import { anythingAnswers } from './confirm-uplink.ts'

const allowNets = ['127.0.0.0/8']
const signal = new AbortController().signal

it('a place that accepts, one that refuses, and a resolver that answers are each a way out', async () => {
  const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await anythingAnswers([{ address: '127.0.0.1', port, allowNets }], { controlName: '.' }, signal)).toBe(true)
  server.close()
  await once(server, 'close')
  expect(await anythingAnswers([{ address: '127.0.0.1', port, allowNets }], { controlName: '.' }, signal)).toBe(true)
  const dns = await startDnsServer({ records: [] }, '127.0.0.1', signal)
  onTestFinished(dns.close)
  expect(await anythingAnswers([], { resolver: dns, controlName: 'nothing.example' }, signal)).toBe(true)
})

it('silence everywhere is none, and so is an address that the guard refuses', async () => {
  const hole = await openBlackhole()
  onTestFinished(hole.close)
  const mute = createSocket('udp4').bind(0, '127.0.0.1')
  onTestFinished(() => { mute.close() })
  await once(mute, 'listening')
  const places = [{ ...hole, allowNets }, { address: '127.0.0.1', port: 9, allowNets: [] }]
  expect(await anythingAnswers(places, { resolver: mute.address(), controlName: '.' }, signal, 200)).toBe(false)
})
