import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SecretOwner } from '@dialtone/ladder'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { afterAll, describe, expect, it } from 'vitest'
import { CHECK_OPTIONS } from './check-options.ts'
import { secretKeys } from './credentials.ts'
import { deepPlan } from './deep-options.ts'
import { parse } from './options.ts'

const folder = mkdtempSync(join(tmpdir(), 'dialtone-secret-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SECRET = 's3cr3tf0rd14lb4ck of more than 128 bits'
const secret = file('secret', `${SECRET}\n`)
const SCOPE = { receiving: 'partner.example', originating: 'ours.example', streamId: 'id1' }

describe('a wrong combination says what to write', () => {
  for (const [args, says] of [
    ['--depth deep', /--depth 'deep' is not known: one of none, probe, shared, knock/],
    [`--secret ${secret}`, /--secret belongs to a deep check: write --depth probe, shared or knock/],
    ['--probe-domain probe.example', /--probe-domain belongs to a deep check/],
    ['--listen 5269', /--listen belongs to a deep check/],
    ['--listen-direct 5270', /--listen-direct belongs to a deep check/],
    ['--public-address 192.0.2.1', /--public-address belongs to a deep check/],
    ['--depth none --verify-peers', /--verify-peers belongs to a deep check/],
    ['--quick', /--quick belongs to a deep check/],
    ['--secret-of ejabberd', /--secret-of belongs to a deep check/],
    [`--depth probe --secret ${secret}`, /write --probe-domain NAME/],
    ['--depth probe --probe-domain probe.example', /--depth probe needs --secret FILE.*openssl rand/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --secret-of cups`, /--secret-of belongs to --depth shared/],
    [`--depth probe --probe-domain Partner.Example --secret ${secret}`, /partner\.example cannot be asked in its own name.*--probe-domain/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --public-address 192.0.2.1`, /--public-address .* needs --listen PORT/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --listen 5269 --public-address here.example`, /--public-address takes an IP address/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --listen-direct 5270`, /--listen-direct needs a certificate: write --cert FILE --key FILE/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --listen mail.example:5269`, /--listen takes an address of this machine/],
    [`--depth probe --probe-domain probe.example --secret ${secret} --listen 70000`, /a port is a number from 0 to 65535/],
    [`--depth probe --probe-domain probe.example --secret ${join(folder, 'nothing')}`, /--secret '.*nothing': there is no such file/],
    [`--depth probe --probe-domain probe.example --secret ${file('empty', '\n')}`, /--secret '.*empty' is empty/],
    [`--depth shared --secret ${secret}`, /--depth shared .* write --as OURS/],
    ['--depth shared --as ours.example', /--depth shared needs --secret FILE: the dialback secret of our real server/],
    [`--depth shared --as ours.example --secret ${secret} --secret-of openfire`, /--secret-of is one of prosody, ejabberd, cups/],
    [`--depth shared --as ours.example --secret ${secret} --probe-domain probe.example`, /--probe-domain belongs to --depth probe/],
    [`--depth shared --as ours.example --secret ${secret} --listen 5269`, /--listen belongs to --depth probe: .* calls back the server of --as/],
    [`--depth shared --as partner.example --secret ${secret}`, /partner\.example cannot be asked in its own name.*--as/],
    ['--depth knock', /--depth knock .* write --as OURS/],
    [`--depth knock --as ours.example --secret ${secret}`, /--secret does not go with --depth knock.*--depth shared/],
    ['--depth knock --as ours.example --public-address 192.0.2.1', /--public-address belongs to --depth probe/],
  ] as const) it(args.replaceAll(folder, ''), () => expect(planOf(args)).rejects.toThrow(says))
})

it('asks nothing deep unless told', async () => {
  expect(await planOf('')).toBeUndefined()
  expect(await planOf('--depth none --as ours.example')).toBeUndefined()
})

it('reads a probe: in whose name, where it listens, how it is reached', async () => {
  const plan = await planOf(`--depth probe --as ours.example --probe-domain Probe.Example --secret ${secret} --listen 127.0.0.1:5269 --listen [::1]:5270 --public-address 192.0.2.1 --quick --verify-peers`)
  expect(plan).toMatchObject({
    deep: { depth: 'probe', as: 'probe.example', publicAddresses: ['192.0.2.1'], quick: true, verifyPeers: true },
    places: [{ address: '127.0.0.1', port: 5269, kind: 'starttls' }, { address: '::1', port: 5270, kind: 'starttls' }],
  })
  expect(plan?.warnings).toEqual([expect.stringMatching(/the listener has no certificate/), expect.stringMatching(/^--verify-peers/)])
})

it('takes --as for the probe\'s domain where no other is named', async () => expect(await planOf(`--depth probe --as ours.example --secret ${secret} --listen 5269`)).toMatchObject({ deep: { as: 'ours.example' }, places: [{ port: 5269 }] }))

it('listens on every address where none is named', async () => expect((await planOf(`--depth probe --as ours.example --secret ${secret} --listen 5269`))?.places[0]?.address).toMatch(/^(::|0\.0\.0\.0)$/))

it('warns before it knocks, and when callbacks cannot be seen', async () => {
  expect(await planOf('--depth knock --as ours.example')).toMatchObject({ deep: { depth: 'knock', as: 'ours.example' }, warnings: [expect.stringMatching(/imposter claims to be ours\.example/)] })
  expect((await planOf('--depth knock --as ours.example'))?.deep).not.toHaveProperty('keys')
  expect((await planOf(`--depth probe --as ours.example --secret ${secret}`))?.warnings).toMatchObject([expect.stringMatching(/^no --listen/)])
  expect((await planOf(`--depth shared --as ours.example --secret ${secret}`))?.warnings).toEqual([])
})

describe('a secret', () => {
  const keyOf = (text: string) => keysOf(text, DIGEST).keyFor(SCOPE)
  it('is the text of the file without its line break', async () => expect((await keysIn(secret)).keys.keyFor(SCOPE)).toBe(keyOf(SECRET)))
  it('keeps every other character', async () => expect((await keysIn(file('spaced', ' a secret with spaces \r\n'))).keys.keyFor(SCOPE)).toBe(keyOf(' a secret with spaces ')))
  it('of CUPS is the text, too', async () => expect((await keysIn(secret, 'cups')).keys.keyFor(SCOPE)).toBe(keyOf(SECRET)))
  it('of ejabberd is the SHA-1 of the cookie, in hex', async () => expect((await keysIn(file('cookie', 'ABCDEFGHIJKLMNOPQRST'), 'ejabberd')).keys.keyFor(SCOPE)).toBe(keyOf('72d0b5cb5ed044b530a9edda9fb86f301f4d04ff')))
  it('below 128 bits is told, and not shown', async () => {
    const { warnings } = await keysIn(file('short', 'hunter2'))
    expect(warnings).toMatchObject([expect.stringMatching(/holds 7 bytes; XEP-0185 wants 128 bits or more/)])
    expect(warnings.join()).not.toContain('hunter2')
    expect((await keysIn(secret)).warnings).toEqual([])
  })
  for (const [name, held, says] of [
    ['with a line too many', `${SECRET}\nand another\n`, /holds more than one line: it must hold the secret alone/],
    ['with a blank line at its end', `${SECRET}\n\n`, /holds more than one line/],
    ['with CRLF twice', `${SECRET}\r\n\r\n`, /holds more than one line/],
    ['with a lone CR', `a secret\rof two lines\n`, /holds more than one line/],
    ['that is no UTF-8', Buffer.from([0xC3, 0x28, 0xFF, 0x0A]), /holds bytes that are no UTF-8: it must hold the secret as text/],
    ['above 4 KiB', 'x'.repeat(4097), /it has more than 4096 bytes: it must hold the secret alone, on one line/],
    ['of line breaks alone', '\n\n', /is empty/],
  ] as const) it(`${name} is refused on one line, and not shown`, async () => {
    const message = await keysIn(file('refused', held)).then(() => 'taken', error => (error as Error).message)
    expect(message).toMatch(says)
    expect(message).not.toMatch(/\n|s3cr3t/)
  })
  it('may have 4 KiB', async () => expect((await keysIn(file('long', 'x'.repeat(4096)))).keys.keyFor(SCOPE)).toBe(keyOf('x'.repeat(4096))))
  it('is in no plan that could be printed', async () => expect(JSON.stringify(await planOf(`--depth shared --as ours.example --secret ${secret}`))).not.toContain('s3cr3t'))
})

function planOf (args: string): ReturnType<typeof deepPlan> {
  return deepPlan(parse('check', CHECK_OPTIONS, args.split(' ').filter(arg => arg !== '')).values, ['partner.example'], new AbortController().signal)
}

function keysIn (path: string, of?: SecretOwner): ReturnType<typeof secretKeys> {
  return secretKeys(path, new AbortController().signal, of)
}

function file (name: string, text: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
