// The table of what inside and outside vantages see together: each row with the vantages that prove it, and with one of them alone.
import type { Cause, Confidence, State, Witness } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { chain } from '../test-support/certificates.ts'
import { CLOSED, FEDERATION_OFF, HOST_UNKNOWN, HTTP, INTERNAL, PUBLIC, REFUSED, SILENT, TIMEOUT, UNREACHABLE, clear, domainOf, internal, look, published, reaching, records, stopped, well } from '../test-support/fleet.ts'

type Row = [name: string, witnesses: Witness[], expected: [Cause, State, Confidence?], reach?: Parameters<typeof domainOf>[1]]

const good = [internal('in1'), published('in1'), published('out1')]

describe('with all vantages', () => {
  it.each<Row>([
    ['everything well', good, ['healthy', 'up', 'proved']],
    ['dropped on the way in', [internal('in1'), published('out1', stopped(PUBLIC, TIMEOUT))], ['path.inbound-blocked', 'down', 'proved']],
    ['dropped on the way in, hairpin too', [internal('in1'), published('in1', stopped(PUBLIC, TIMEOUT)), published('out1', stopped(PUBLIC, TIMEOUT))], ['path.inbound-blocked', 'down', 'proved']],
    ['dropped on the way in, while the hairpin works', [published('in1'), published('out1', stopped(PUBLIC, TIMEOUT))], ['path.inbound-blocked', 'down', 'proved']],
    ['refused on the way in', [internal('in1'), published('out1', stopped(PUBLIC, REFUSED))], ['path.inbound-refused', 'down', 'proved']],
    ['a NAT rule that leads to nobody', [internal('in1'), published('out1', stopped(PUBLIC, UNREACHABLE))], ['path.inbound-refused', 'down', 'proved']],
    ['the same, where one of two attempts times out', [internal('in1'), published('out1', stopped(PUBLIC, UNREACHABLE)), published('out2', stopped(PUBLIC, TIMEOUT))], ['path.inbound-refused', 'down', 'proved']],
    ['one address refused, another one silent for all', [internal('in1'), ...['out1', 'out2'].map(vantage => published(vantage, [stopped(PUBLIC, REFUSED), stopped('203.0.113.11', TIMEOUT)]))], ['path.inbound-blocked', 'down', 'proved']],
    ['a service that does not listen', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', stopped(PUBLIC, REFUSED))], ['service.down', 'down', 'proved']],
    ['a service whose host is gone', [internal('in1', stopped(INTERNAL, TIMEOUT)), published('out1', stopped(PUBLIC, TIMEOUT))], ['service.down', 'down', 'proved']],
    ['a service that says that federation is off, everywhere', [internal('in1', stopped(INTERNAL, FEDERATION_OFF)), published('out1', stopped(PUBLIC, FEDERATION_OFF))], ['service.down', 'down', 'proved']],
    ['another box that answers outside while ours is dead', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', clear(PUBLIC))], ['service.wrong-box', 'down', 'likely']],
    ['a gateway with our certificate before a dead service', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1')], ['service.down', 'down', 'likely']],
    ['another box that denies us while ours is dead', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', stopped(PUBLIC, HOST_UNKNOWN))], ['service.wrong-box', 'down', 'likely']],
    ['a web server at our address while ours is dead', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', stopped(PUBLIC, HTTP))], ['service.wrong-box', 'down', 'likely']],
    ['a proxy that takes connections for a dead service', [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', stopped(PUBLIC, CLOSED))], ['service.down', 'down']],
    ['another box that denies us while ours works', [internal('in1'), published('out1', stopped(PUBLIC, HOST_UNKNOWN))], ['service.wrong-box', 'down', 'proved']],
    ['a web server at our address', [internal('in1'), published('out1', stopped(PUBLIC, HTTP))], ['service.wrong-box', 'down', 'proved']],
    ['no hairpin', [internal('in1'), published('in1', stopped(PUBLIC, TIMEOUT)), published('out1')], ['healthy', 'up', 'proved']],
    ['no way out to any peer', [...good, look('peer', 'in1', stopped('198.51.100.11', TIMEOUT, 'partner'))], ['path.outbound-blocked', 'down', 'proved'], { reach: reaching('unreached', 'reached') }],
    ['some peers that fail', good, ['healthy', 'up'], { reach: [...reaching('unreached', 'reached').slice(0, 1), ...reaching('reached', 'reached').slice(1)] }],
    ['a proxy that takes connections and swallows the stream', [internal('in1'), published('out1', stopped(PUBLIC, SILENT))], ['path.interfered', 'down', 'proved']],
    ['a load balancer that closes at once', [internal('in1'), published('out1', stopped(PUBLIC, CLOSED))], ['path.interfered', 'down', 'proved']],
    ['STARTTLS that is taken out on the way', [internal('in1'), published('out1', clear(PUBLIC))], ['path.interfered', 'degraded', 'proved']],
    ['a server in clear, from everywhere', [internal('in1', clear(INTERNAL)), published('out1', clear(PUBLIC))], ['degraded.weak-authentication', 'degraded']],
    ['interception of TLS', [internal('in1'), published('out1', well(PUBLIC, 'ours', { chain: chain('ours', 'unknown-ca', true) }))], ['path.interfered', 'degraded', 'proved']],
    ['a certificate of somebody else at our address', [internal('in1'), published('out1', well(PUBLIC, 'ours', { chain: chain('appliance', 'unknown-ca') }))], ['service.wrong-box', 'degraded', 'proved']],
    ['a node with another valid certificate', [internal('in1'), published('out1', well(PUBLIC, 'ours', { chain: chain('ours', 'trusted', true) }))], ['healthy', 'up', 'proved']],
    ['resolvers that differ', [internal('in1'), published('in1', { endpoints: [well(INTERNAL)], dns: records('ours.example', [INTERNAL]) }), published('out1')], ['dns.split-view', 'degraded', 'proved']],
    ['outside vantages that disagree', [internal('in1'), published('out1'), published('out2', stopped(PUBLIC, TIMEOUT))], ['peer.partition', 'degraded', 'proved']],
    ['two that fail and one that works', [published('out1', stopped(PUBLIC, TIMEOUT)), published('out1-twin', stopped(PUBLIC, TIMEOUT)), published('out2')], ['peer.partition', 'degraded', 'proved']],
    ['a dead node inside beside a good one', [internal('in1', [well(INTERNAL), stopped('10.0.0.11', REFUSED)]), published('out1')], ['degraded.endpoint-dead', 'degraded']],
    ['a service that hangs inside while the world gets through', [internal('in1', stopped(INTERNAL, SILENT)), published('out1')], ['service.silent', 'degraded']],
  ])('%s', (_, witnesses, [cause, state, confidence], given = {}) => {
    expect(domainOf(witnesses, given)).toMatchObject({ cause, state, ...(confidence === undefined ? {} : { confidence }) })
  })
})

describe('with one vantage', () => {
  it.each<Row>([
    ['well from outside', [published('out1')], ['healthy', 'up', 'single-vantage']],
    ['well at the internal address', [internal('in1')], ['unknown', 'unknown', 'likely']],
    ['well inside, at the published address too', [internal('in1'), published('in1')], ['healthy', 'up', 'single-vantage']],
    ['dropped, from outside', [published('out1', stopped(PUBLIC, TIMEOUT))], ['peer.unreachable', 'down', 'single-vantage']],
    ['refused, from outside', [published('out1', stopped(PUBLIC, REFUSED))], ['peer.unreachable', 'down', 'single-vantage']],
    ['a dead service, from inside', [internal('in1', stopped(INTERNAL, REFUSED))], ['service.down', 'down', 'single-vantage']],
    ['a public address that does not answer inside, of a service that does', [internal('in1'), published('in1', stopped(PUBLIC, TIMEOUT))], ['unknown', 'unknown', 'likely']],
    ['silence, from outside', [published('out1', stopped(PUBLIC, SILENT))], ['service.silent', 'down', 'single-vantage']],
    ['somebody who denies us, from outside', [published('out1', stopped(PUBLIC, HOST_UNKNOWN))], ['service.wrong-box', 'down', 'single-vantage']],
    ['no STARTTLS, from outside', [published('out1', clear(PUBLIC))], ['degraded.weak-authentication', 'degraded', 'single-vantage']],
    ['another certificate, from outside', [published('out1', well(PUBLIC, 'ours', { chain: chain('appliance', 'unknown-ca') }))], ['certificate.name-mismatch', 'degraded', 'single-vantage']],
  ])('%s', (_, witnesses, [cause, state, confidence]) => {
    expect(domainOf(witnesses)).toMatchObject({ cause, state, ...(confidence === undefined ? {} : { confidence }) })
  })
})

it('counts who sees the same inside, at the published address', () => {
  const self = well(PUBLIC, 'ours', { chain: chain('ours', 'self-signed') })
  expect(domainOf([published('in1', self), published('out1', self)])).toMatchObject({ cause: 'certificate.self-signed', confidence: 'proved', agreement: { inside: 1, insideAgree: 1, outside: 1, outsideAgree: 1 } })
  expect(domainOf([published('in1'), published('out1')])).toMatchObject({ cause: 'healthy', confidence: 'proved' })
})
