import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { underWay } from './under-way.ts'

it('waits for what was asked, and not for a connection on which nothing was', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  const server = createServer((_, response) => asked.resolve(response))
  const idle = underWay(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const silent = connect(port, '127.0.0.1')
  await once(server, 'connection')
  await idle()
  const answer = fetch(`http://127.0.0.1:${port}/`).then(async response => await response.text())
  const response = await asked.promise
  let over = false
  const ended = (async () => {
    await idle()
    over = true
  })()
  expect(over).toBe(false)
  response.end('done')
  expect(await answer).toBe('done')
  await ended
  silent.destroy()
  server.closeAllConnections()
  server.close()
})
