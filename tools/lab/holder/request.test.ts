import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { FILES } from './protocol.ts'
import { request } from './request.ts'

const directory = mkdtempSync(join(tmpdir(), 'dialtone-request-'))
let server: Server | undefined
afterEach(() => {
  server?.close()
  rmSync(directory, { recursive: true })
})

it('tells a holder that says nothing from one that ends, and from none', async () => {
  const socket = join(directory, FILES.socket)
  writeFileSync(join(directory, FILES.pid), '4711\n')
  const asked = async (): Promise<unknown> => await request(socket, 'GET', '/status', 50)
  expect(await asked().catch((error: unknown) => error)).toMatchObject({ code: 'not-up', message: `the lab is not up. To bring it up: npm run lab -- up --state ${directory}` })
  await expect(request(`${join(directory, FILES.pid)}/socket`, 'GET', '/status')).rejects.toMatchObject({ code: 'not-up' })

  let answers: (to: Socket) => void = () => undefined
  server = createServer(each => each.on('error', () => undefined).once('data', () => answers(each))).listen(socket)
  await once(server, 'listening')
  await expect(asked()).rejects.toMatchObject({ code: 'no-answer', message: expect.stringMatching(/\(process 4711\) did not answer within 0.05 s.* kill -9 4711/) })
  answers = each => each.destroy()
  await expect(asked()).rejects.toMatchObject({ code: 'cut' })
})
