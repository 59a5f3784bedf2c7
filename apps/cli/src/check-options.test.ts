import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateFor } from '@dialtone/zoo'
import { afterAll, expect, it } from 'vitest'
import { CHECK_OPTIONS, prepare } from './check-options.ts'
import { parse } from './options.ts'

const folder = mkdtempSync(join(tmpdir(), 'dialtone-prepare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('warns of a certificate of ours that is out of date, before anything deep is warned of', async () => {
  const { chain, key } = await certificateFor({ names: { dns: ['ours.example'] }, validDays: { from: -90, to: -2 } })
  writeFileSync(join(folder, 'cert'), chain)
  writeFileSync(join(folder, 'key'), key)
  const { warnings } = await prepared('--cert', join(folder, 'cert'), '--key', join(folder, 'key'), '--as', 'ours.example', '--depth', 'knock')
  expect(warnings).toEqual([expect.stringMatching(/^--cert ended on \d{4}-\d\d-\d\d; it is shown all the same$/), expect.stringMatching(/^a made-up key/)])
})

it('reads the endpoints as they are asked for', async () => {
  expect((await prepared('--endpoint', 'xmpp.pärtner.example:5269')).request.overrides).toEqual([{ host: 'xmpp.xn--prtner-bua.example', port: 5269, kind: 'starttls' }])
})

function prepared (...args: string[]): ReturnType<typeof prepare> {
  return prepare(parse('watch', CHECK_OPTIONS, args).values, ['partner.example'], new AbortController().signal)
}
