import { OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { createLogger, type LogLevel } from './logger.ts'

it('writes one JSON line with level, time, name, fields and the sentence', () => {
  const { log, lines } = logger('info')
  log.info({ domain: 'a.example', ms: 12 }, 'checked')
  log.debug({}, 'not at this level')
  expect(lines).toHaveLength(1)
  expect(record(lines)).toMatchObject({ level: 'info', name: 'probe', domain: 'a.example', ms: 12, msg: 'checked' })
  expect(record(lines)['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

it('never writes a field that is named like a secret, at any depth', () => {
  const { log, lines } = logger('debug')
  log.warn({ token: 'hush', headers: { Authorization: 'Bearer hush', list: [{ dialbackSecret: 'hush' }] } }, 'refused')
  expect(lines[0]).not.toContain('hush')
  expect(record(lines)).toMatchObject({ token: '(not logged)', headers: { Authorization: '(not logged)', list: [{ dialbackSecret: '(not logged)' }] } })
})

it('writes errors by code and sentence, and what is no data by its kind', () => {
  const { log, lines } = logger('debug')
  const round: Record<string, unknown> = {}
  round['again'] = round
  log.error({ error: new OperatorError('bad-file', 'The file is bad.'), key: Buffer.from('0123'), run: () => undefined, big: 10n, long: 'x'.repeat(9000), round, none: undefined }, 'failed')
  const { error, key, run, big, long, round: cut, ...rest } = record(lines)
  expect([error, key, run, big]).toEqual([{ code: 'bad-file', says: 'The file is bad.' }, '(4 bytes)', '(function)', '10'])
  expect(String(long)).toHaveLength(4001)
  expect(JSON.stringify(cut)).toContain('(deeper)')
  expect(rest).not.toHaveProperty('none')
})

it('keeps a field apart from what every line has', () => {
  const { log, lines } = logger('info')
  log.info({ name: 'cups', level: 9, msg: 'theirs\nand a second line' }, 'ours')
  expect(lines.join('').trim().split('\n')).toHaveLength(1)
  expect(record(lines)).toMatchObject({ name: 'probe', level: 'info', msg: 'ours', name_: 'cups', level_: 9, msg_: 'theirs\nand a second line' })
})

function logger (level: LogLevel) {
  const lines: string[] = []
  return { lines, log: createLogger({ level, name: 'probe', destination: { write: line => { lines.push(line) } } }) }
}

function record (lines: readonly string[]): Record<string, unknown> {
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>
}
