import { startNatsServer } from '@dialtone/testkit'
import { connect } from 'nats'
import { expect, it } from 'vitest'

it('the server is there again on the same port after kill -9, with its disk', async () => {
  const server = await startNatsServer()
  const stored = async (): Promise<number> => {
    const connection = await connect({ servers: server.url })
    const manager = await connection.jetstreamManager()
    await manager.streams.add({ name: 's', subjects: ['s'] })
    await connection.jetstream().publish('s')
    const { state } = await manager.streams.info('s')
    await connection.close()
    return state.messages
  }
  expect(await stored()).toBe(1)
  await server.kill()
  expect(server.pid).toBe(0)
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow()
  await server.start()
  expect(await stored()).toBe(2)
  await server.stop()
})
