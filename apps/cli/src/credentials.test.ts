import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateFor } from '@dialtone/zoo'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { datesProblem, domainsIn } from './credentials.ts'
import { domainOf } from './network-words.ts'

const { signal } = new AbortController()
let folder = ''
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dialtone-credentials-')) })
afterAll(() => { rmSync(folder, { recursive: true }) })

it('reads a list of domains with comments, blank lines, CRLF and a byte order mark', async () => {
  expect(await domainsIn(file('\uFEFFa.example\r\n\r\n# none\r\nB.example # two\r\n'), domainOf, signal)).toEqual(['a.example', 'b.example'])
})

it('names file and line of what is no domain', async () => {
  const list = file('a.example\nfoo..bar\n')
  await expect(domainsIn(list, domainOf, signal)).rejects.toThrow(`--from-file '${list}', line 2: 'foo..bar' is no domain`)
})

it('sees that a certificate is out of date, or not yet in it', async () => {
  const names = { dns: ['ours.example'] }
  expect(datesProblem((await certificateFor({ names })).chain)).toBeUndefined()
  expect(datesProblem((await certificateFor({ names, validDays: { from: -90, to: -2 } })).chain)).toMatch(/^ended on \d{4}-\d\d-\d\d$/)
  expect(datesProblem((await certificateFor({ names, validDays: { from: 2, to: 90 } })).chain)).toMatch(/^begins on/)
})

function file (text: string): string {
  const name = join(folder, `${Math.random()}`)
  writeFileSync(name, text)
  return name
}
