// Each row of CONFIGURATIONS against the server itself, seen by an independent client: what the row claims about the server is true, by its
// own log line and by the bytes it sent.
import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { CONFIGURATIONS } from './configurations.ts'
import { startConfiguration } from './start-configuration.ts'
import { startJabberd2 } from './jabberd2.ts'
import { certificateOf } from './certificates.ts'
import { look } from './wire.ts'

for (const configuration of CONFIGURATIONS) {
  it(`${configuration.name}: the server's log and its bytes say so`, async () => {
    const { proof } = configuration
    const started = await startConfiguration(configuration)
    try {
      const { server, domain } = started
      const seen = await look({ ...server, to: domain })
      expect(seen.clear).toMatch(proof.wire)
      if (proof.secured === undefined) expect(seen.secured).toBeUndefined()
      else expect(seen.secured).toMatch(proof.secured)
      if (proof.secured !== undefined) expect(seen.certificate?.fingerprint256).toBe(new X509Certificate(started.certificate?.chain ?? '').fingerprint256)
      if (server.directTlsPort !== undefined) {
        const direct = await look({ ...server, port: server.directTlsPort, directTls: true, to: domain })
        expect(direct.clear).toBe('')
        expect(direct.secured).toMatch(proof.secured ?? /nothing/)
        expect(direct.certificate?.fingerprint256).toBe(seen.certificate?.fingerprint256)
      }
      expect(await server.logged(proof.log)).toMatch(proof.log)
    } finally {
      await started.stop()
    }
  })
}

it('jabberd2 answers a stream for a domain that nobody configured', async () => {
  const server = await startJabberd2({ tls: 'off' })
  const seen = await look({ ...server, to: 'nobody.example' })
  expect(seen.clear).toMatch(/from='nobody\.example'.*<stream:features/)
  await server.stop()
})

it('jabberd2 with TLS required says nothing about it', async () => {
  const certificate = await certificateOf('good', 'partner.example')
  const [optional, required] = await Promise.all([startJabberd2({ tls: 'optional', certificate }), startJabberd2({ tls: 'required', certificate })])
  const features = async (server: typeof optional) => /<stream:features.*/.exec((await look({ ...server, to: 'partner.example', starttls: false })).clear)?.[0]
  expect(await features(required)).toBe(await features(optional))
  await Promise.all([optional.stop(), required.stop()])
})
