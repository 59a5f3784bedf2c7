import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { accepts, freePort, loopbackAddress } from './loopback.ts'

it('gives addresses of the loopback network that no service listens on by habit', () => {
  for (let i = 0; i < 200; i++) expect(loopbackAddress()).toMatch(/^127\.(?!0\.)\d{1,3}\.\d{1,3}\.(?!0$)\d{1,3}$/)
})

it('finds a port that can be listened on, and sees when something does', async () => {
  const address = loopbackAddress()
  const port = await freePort(address)
  expect(await accepts({ address, port })).toBe(false)
  const server = createServer()
  await new Promise<void>(resolve => server.listen(port, address, resolve))
  expect(await accepts({ address, port })).toBe(true)
  await new Promise(resolve => server.close(resolve))
})
