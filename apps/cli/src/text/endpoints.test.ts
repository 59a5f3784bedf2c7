import { DIRECT_LADDER, STARTTLS_LADDER, type EndpointObservation, type Failure } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { terminalOf } from '../terminal.ts'
import { endpointTable } from './endpoints.ts'

const PLAIN = terminalOf({}, { LANG: 'C.UTF-8' })
const WIDE = terminalOf({ isTTY: true, columns: 120 }, { LANG: 'C.UTF-8', NO_COLOR: '1' })
const REFUSED: Failure = { at: 'stream', why: 'stream-error', condition: 'policy-violation', text: 'Your server is not allowed here, and this is a long way of saying so' }

it('puts a usual name above its times where both do not fit in 80 columns', () => {
  expect(endpointTable([endpoint('starttls', 'xmpp.partner.example', '198.51.100.117')], PLAIN)).toEqual([
    '',
    '  STARTTLS endpoints   tcp header features starttls  tls cert features close  ms',
    '  xmpp.partner.example:5269 198.51.100.117',
    '                       3.1    3.1      3.1      3.1  3.1  3.1      3.1   3.1',
  ])
})

it('puts them in one row where they fit', () => {
  expect(endpointTable([endpoint('starttls', '192.0.2.7', '192.0.2.7')], PLAIN)).toEqual([
    '',
    '  STARTTLS endpoints   tcp header features starttls  tls cert features close  ms',
    '  192.0.2.7:5269       3.1    3.1      3.1      3.1  3.1  3.1      3.1   3.1',
  ])
  expect(endpointTable([endpoint('starttls', 'xmpp.partner.example', '198.51.100.117')], WIDE)).toEqual([
    '',
    '  STARTTLS endpoints                         tcp header features starttls  tls cert features close  ms',
    '  xmpp.partner.example:5269 198.51.100.117   3.1    3.1      3.1      3.1  3.1  3.1      3.1   3.1',
  ])
})

it('wraps what the peer said when it failed', () => {
  expect(endpointTable([endpoint('starttls', '192.0.2.7', '192.0.2.7', REFUSED)], PLAIN).slice(-2)).toEqual([
    '  192.0.2.7:5269         ✖    3.1      3.1      3.1  3.1  3.1      3.1   3.1',
    '    ✖ tcp after 3.1 ms: the peer ended the stream: <policy-violation/> "Your\n      server is not allowed here, and this is a long way of saying so"',
  ])
})

it('keeps to 80 columns with IPv6, and with direct TLS', () => {
  const rows = (['starttls', 'direct'] as const).map(kind => endpoint(kind, 'federation.xmpp.partner.example', '2001:db8:1234:5678:9abc:def0:1234:5678', REFUSED))
  for (const line of endpointTable(rows, PLAIN).join('\n').split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
})

function endpoint (kind: 'starttls' | 'direct', target: string, address: string, failure?: Failure): EndpointObservation {
  const steps = (kind === 'direct' ? DIRECT_LADDER : STARTTLS_LADDER).map((stage, at) => ({ stage, atMs: 0, ms: 3.1, ...(at === 0 && failure !== undefined ? { outcome: 'failed', failure } : { outcome: 'ok' }) }))
  return { kind, target, port: 5269, address, family: address.includes(':') ? 6 : 4, source: 'srv', steps } as unknown as EndpointObservation
}
