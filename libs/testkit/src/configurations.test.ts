import { expect, it } from 'vitest'
import { CONFIGURATIONS } from './configurations.ts'

it('names each row once', () => {
  const names = CONFIGURATIONS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

it('has every server with TLS off, optional and required, and with every certificate', () => {
  for (const server of ['prosody', 'ejabberd', 'jabberd2'] as const) {
    const rows = CONFIGURATIONS.filter(row => row.server === server)
    expect(new Set(rows.map(({ tls }) => tls))).toEqual(new Set(['off', 'optional', 'required']))
    expect(new Set(rows.map(({ certificate }) => certificate))).toEqual(new Set([undefined, 'good', 'expired', 'not-yet-valid', 'wrong-name', 'unknown-ca', 'self-signed']))
  }
})

it('has an unknown host for each server that says so', () => {
  expect(CONFIGURATIONS.filter(({ servesAnother }) => servesAnother).map(({ server }) => server)).toEqual(['prosody', 'ejabberd'])
})
