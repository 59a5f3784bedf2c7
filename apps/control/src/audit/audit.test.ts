import { expect, it } from 'vitest'
import { NO_LOGGER, OperatorError, type Logger } from '@dialtone/kernel'
import type { AuditEntry, Bus } from '@dialtone/contracts'
import { embedded, eventually, problemOf, stand } from '../resources/test-support.ts'
import { createAudit } from './audit.ts'

const clock = { now: () => 0, elapsed: () => 0 }
const entry = (subject: string) => ({ actor: 'a', role: 'operator', action: 'put', subject, outcome: 'done' as const })

it('keeps an entry that the bus does not take, refuses the next write, and delivers it once', async () => {
  const bus = breakable()
  const audit = createAudit({ bus, clock, logger: NO_LOGGER, retryMs: 5 })
  bus.broken = true
  await audit.record(entry('Domain/one.example'))
  await audit.record(entry('Domain/two.example'))
  expect(() => audit.ready()).toThrow('put on record')
  bus.broken = false
  await eventually(() => bus.taken.map(({ subject }) => subject)).toEqual(['Domain/one.example', 'Domain/two.example'])
  await eventually(() => { audit.ready(); return 'ready' }).toBe('ready')
  await audit.stop()
  await bus.stop()
})

it('writes to the log what is left when the bus stays away to the end', async () => {
  const lines: unknown[] = []
  const logger: Logger = { ...NO_LOGGER, error: fields => { lines.push(fields) } }
  const bus = breakable()
  const audit = createAudit({ bus, clock, logger, retryMs: 5 })
  bus.broken = true
  await audit.record(entry('Domain/one.example'))
  await audit.stop()
  expect(lines).toMatchObject([{ entry: { subject: 'Domain/one.example' } }])
  await bus.stop()
})

it('bounds what it keeps: long text is cut, and large values are told by their digest', async () => {
  const bus = breakable()
  const audit = createAudit({ bus, clock, logger: NO_LOGGER })
  await audit.record({ ...entry(`Domain/${'x'.repeat(500)}\n`), says: 'y'.repeat(5000), before: { big: 'z'.repeat(100_000) }, after: { small: 1 }, reason: 'r'.repeat(500) })
  expect(bus.taken[0]?.before).toMatchObject({ leftOut: true, bytes: 100_010 })
  expect(bus.taken[0]?.after).toEqual({ small: 1 })
  expect(bus.taken[0]?.says).toHaveLength(2000)
  expect(bus.taken[0]?.subject.length).toBeLessThanOrEqual(400)
  await audit.stop()
  await bus.stop()
})

it('refuses a write over HTTP before it is made, while the one before is not on record', async () => {
  const bus = breakable()
  const api = await stand({ bus })
  bus.broken = true
  expect((await api.ask('PUT', '/v1/domains/one.example', { spec: {} })).status).toBe(201)
  const refused = problemOf(await api.ask('PUT', '/v1/domains/two.example', { spec: {} }))
  expect(refused).toMatchObject({ status: 503, code: 'audit-unavailable' })
  expect(api.configuration.get('Domain', 'two.example')).toBeUndefined()
  expect((await api.ask('GET', '/v1/domains')).status).toBe(200)
  bus.broken = false
  await eventually(async () => (await api.ask('PUT', '/v1/domains/two.example', { spec: {} })).status).toBe(201)
  expect(bus.taken.map(({ subject }) => subject)).toEqual(['Domain/one.example', 'Domain/two.example'])
  await api.stop()
})

/** A bus whose history can be away while its documents are not. */
function breakable (): Bus & { broken: boolean, taken: AuditEntry[] } {
  const bus = embedded()
  const own: Bus & { broken: boolean, taken: AuditEntry[] } = {
    ...bus, broken: false, taken: [],
    get connected () { return true },
    publish: async (type, key, body, options) => {
      if (own.broken) throw new OperatorError('bus-unreachable', 'away')
      await bus.publish(type, key, body, options)
      own.taken.push(body)
    },
  }
  return own
}
