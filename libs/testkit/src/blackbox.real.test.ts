import { expect, it } from 'vitest'
import { certificateOf } from './certificates.ts'
import { startBlackbox } from './blackbox.ts'
import { startProsody } from './prosody.ts'

it('probes a direct TLS port and a closed one', async () => {
  const certificate = await certificateOf('good', 'partner.example')
  const prosody = await startProsody({ hosts: ['partner.example'], tls: 'required', certificate, directTls: true })
  const blackbox = await startBlackbox({ serverName: 'partner.example' })
  try {
    const success = async (url: string) => /^probe_success (\d)$/m.exec(await (await fetch(url)).text())?.[1]
    const direct = { address: prosody.address, port: prosody.directTlsPort ?? 0 }
    expect(await success(blackbox.probe('tls', direct))).toBe('1')
    expect(await prosody.logged(/TLS handshake complete \(TLSv1\.[23] with /)).toContain('conn')
    expect(await success(blackbox.probe('tcp', prosody))).toBe('1')
    expect(await success(blackbox.probe('tls', { address: prosody.address, port: 1 }))).toBe('0')
  } finally {
    await Promise.all([blackbox.stop(), prosody.stop()])
  }
})
