// The command against servers on loopback that answer, refuse, keep silent, and speak TLS with a certificate of their own.
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { certificateOf, freePort } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { collectingOut } from '../test-support/fake-server.ts'
import { runHealth } from './health.ts'

const { signal } = new AbortController()
const WELL: RequestListener = (request, response) => response.writeHead(request.url === '/readyz' ? 200 : 503).end(request.url === '/readyz' ? 'ready\n' : 'no assignment has come yet\n')

async function served (server: ReturnType<typeof createServer>): Promise<number> {
  const port = await freePort('127.0.0.1')
  await new Promise<void>(resolve => { server.listen(port, '127.0.0.1', resolve) })
  onTestFinished(() => { server.closeAllConnections(); server.close() })
  return port
}

it('200 is well; anything else is not, and is told', async () => {
  const port = await served(createServer(WELL))
  const out = collectingOut()
  expect(await runHealth([`http://127.0.0.1:${port}/readyz`], out, signal, {})).toBe(0)
  expect(await runHealth([], out, signal, { DIALTONE_HEALTH: `http://127.0.0.1:${port}/other` })).toBe(1)
  expect(out.text()).toBe('ready\n503: no assignment has come yet\n')
})

it('nobody there is not well', async () => {
  const out = collectingOut()
  expect(await runHealth([`http://127.0.0.1:${await freePort('127.0.0.1')}/healthz`], out, signal, {})).toBe(1)
  expect(out.text()).toBe('no answer: ECONNREFUSED\n')
})

it('TLS on this host: any certificate will do', async () => {
  const { chain, key } = await certificateOf('good', 'control.example')
  const port = await served(createTlsServer({ cert: chain, key }, WELL))
  expect(await runHealth([`https://127.0.0.1:${port}/readyz`], collectingOut(), signal, {})).toBe(0)
})

it('what is no URL is a usage error', async () => {
  for (const args of [[], ['127.0.0.1:80'], ['http://127.0.0.1/', 'http://127.0.0.1/']]) await expect(runHealth(args, collectingOut(), signal, {})).rejects.toThrow(/health takes one URL/)
})
