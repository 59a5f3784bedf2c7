import { expect, it } from 'vitest'
import { createKeyring } from './keyring.ts'

const clock = { now: () => 0, elapsed: () => 0 }

it('tells what is configured and cannot be used, by what it is, and nothing of what is configured no more', async () => {
  const keyring = createKeyring({ clock, environment: {} })
  const probeDomain = { domain: 'probe.example', secret: 'file:/gone/secret', listen: [], certificate: 'file:/gone/probe.pem', key: 'file:/gone/probe.key' }
  await expect(keyring.certificateOf(probeDomain)).rejects.toThrow("the certificate 'file:/gone/probe.pem' cannot be read")
  await expect(keyring.keysOf('file:/gone/secret', 'probe.example')).rejects.toThrow("the secret 'file:/gone/secret' cannot be read")
  await expect(keyring.anchorsOf({ system: false, given: ['file:/gone/root.pem'] })).rejects.toThrow("the trust anchor 'file:/gone/root.pem' cannot be read")
  expect(keyring.problems({ spec: { probeDomain, anchors: { given: ['file:/gone/root.pem'] } } })).toHaveLength(3)
  expect(keyring.problems({ spec: { probeDomain: { ...probeDomain, certificate: 'file:/gone/other.pem' } } })).toEqual(["the secret 'file:/gone/secret' cannot be read: there is no such file"])
  expect(keyring.problems(undefined)).toEqual([])
})
