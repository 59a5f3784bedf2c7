/** What the control app is told when it starts. Parsed once; an unknown key is refused by name. */
import { OperatorError } from '@dialtone/kernel'
import { readFileSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { Check, Default } from 'typebox/value'
import { shapeProblems } from '../configuration/shape.ts'

const closed = { additionalProperties: false }

export const ControlConfig = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9 ._-]+$', default: 'dialtone', description: 'Of this installation, as /v1/meta tells it' }),
  instance: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$', default: 'control', description: 'Of this process among several' }),
  listen: Type.Object({
    address: Type.String({ minLength: 2, maxLength: 45, pattern: '^[0-9a-fA-F:.]+$', default: '127.0.0.1', description: 'Without tls: of loopback only' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, default: 5280, description: '0: any free one' }),
  }, { ...closed, default: {} }),
  tls: Type.Optional(Type.Object({ certificate: Type.String({ minLength: 1, description: 'PEM file: the certificate, then its chain' }), key: Type.String({ minLength: 1, description: 'PEM file' }) }, closed)),
  proxies: Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+(/[0-9]{1,3})?$' }), { maxItems: 16, default: [], description: 'Addresses or blocks of reverse proxies whose X-Forwarded-For is believed' }),
  store: Type.String({ minLength: 1, default: 'dialtone.db', description: 'File of what control remembers; may be deleted, and is rebuilt from the bus' }),
  limits: Type.Object({
    bodyBytes: Type.Integer({ minimum: 1024, maximum: 67_108_864, default: 1_048_576 }),
    requestSeconds: Type.Integer({ minimum: 1, maximum: 600, default: 30, description: 'To receive a request' }),
    perTokenPerMinute: Type.Integer({ minimum: 1, default: 1200 }),
    perAddressPerMinute: Type.Integer({ minimum: 1, default: 120, description: 'Without a valid token' }),
    connections: Type.Integer({ minimum: 1, maximum: 100_000, default: 4096 }),
    streams: Type.Integer({ minimum: 0, maximum: 50_000, default: 2000, description: 'Live streams at once' }),
    checks: Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Checks of operators that run at once' }),
  }, { ...closed, default: {} }),
}, closed)
export type ControlConfig = Static<typeof ControlConfig>

/**
 * The configuration, with defaults in place. Throws an OperatorError `bad-config` that names the field, and `needs-tls` where it would listen beyond loopback
 * in clear text.
 */
export function parseControlConfig (value: unknown): ControlConfig {
  const whole = Default(ControlConfig, structuredClone(value ?? {}))
  if (!Check(ControlConfig, whole)) {
    const [problem] = shapeProblems(ControlConfig, whole, '', 'the configuration')
    throw new OperatorError('bad-config', `The configuration of control is not right: ${problem?.pointer} ${problem?.says}. Mend it and start again.`)
  }
  if (whole.tls === undefined && !isLoopback(whole.listen.address)) {
    throw new OperatorError('needs-tls', `Without TLS control listens on loopback alone, and ${whole.listen.address} is not: give tls.certificate and tls.key, or listen on 127.0.0.1 behind a proxy that speaks TLS.`)
  }
  return whole
}

/** Reads a configuration file (JSON). */
export function readControlConfig (file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new OperatorError('bad-config', `The configuration file ${file} cannot be read as JSON: ${(error as Error).message}. Mend it and start again.`)
  }
}

/** 127.0.0.0/8, ::1, and the first written as IPv6. */
export function isLoopback (address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address) || address === '::1' || /^(0{1,4}:){7}0{0,3}1$/.test(address)
}
