// Real programs read what is generated: Unbound answers by it, and Knot serves BIND's file, whose format is that of every zone file (RFC 1035 §5).
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startKnot } from '@dialtone/testkit'
import { overUdp } from '../test-support/dns-client.ts'
import { zoneFile } from './zone-file.ts'

const OPTIONS = { gateway: { name: 'gateway.ours.example', addresses: ['192.0.2.20', '2001:db8::20'], port: 5299 }, domains: ['partner.example', 'xn--bcher-kva.example'] }

it('Unbound takes its file without a complaint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-zone-'))
  try {
    const file = join(folder, 'unbound.conf')
    writeFileSync(file, zoneFile('unbound', OPTIONS))
    const { status, stdout, stderr } = spawnSync('/usr/sbin/unbound-checkconf', [file], { encoding: 'utf8' })
    expect({ status, stderr, stdout }).toMatchObject({ status: 0, stderr: '' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('the zone of BIND has the records that it should', async () => {
  // The test's server writes SOA and NS itself.
  const records = zoneFile('bind', OPTIONS).split('\n').filter(line => line !== '' && !/^[;$@]/.test(line))
  const knot = await startKnot({ zones: [{ name: 'xmpp.rpz', records }] })
  try {
    expect((await overUdp(knot, '_xmpp-server._tcp.partner.example.xmpp.rpz', 'SRV')).answers).toMatchObject([{ data: { port: 5299, target: 'gateway.ours.example' } }])
    expect((await overUdp(knot, '_xmpps-server._tcp.xn--bcher-kva.example.xmpp.rpz', 'SRV')).answers).toMatchObject([{ data: { port: 0, target: '.' } }])
    expect((await overUdp(knot, 'gateway.ours.example.xmpp.rpz', 'AAAA')).answers).toMatchObject([{ data: '2001:db8::20' }])
  } finally {
    await knot.stop()
  }
})
