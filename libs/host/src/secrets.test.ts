import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readSecret } from './secrets.ts'

const directory = mkdtempSync(join(tmpdir(), 'secrets-'))
writeFileSync(join(directory, 'probe'), 'from a file')
writeFileSync(join(directory, 'large'), Buffer.alloc(300_000))
afterAll(() => rmSync(directory, { recursive: true }))
const environment = { SECRET: 'from the environment', CREDENTIALS_DIRECTORY: directory }

for (const [reference, text] of [[`file:${join(directory, 'probe')}`, 'from a file'], ['credential:probe', 'from a file'], ['env:SECRET', 'from the environment']] as const) {
  it(`reads ${reference.split(':')[0]}:`, async () => expect((await readSecret(reference, environment)).toString()).toBe(text))
}

for (const [name, reference, says, given] of [
  ['a file that is not there', 'file:/nowhere/at/all', 'there is no such file', environment],
  ['a directory', `file:${directory}`, 'it is no file', environment],
  ['a file that is no secret', `file:${join(directory, 'large')}`, 'more than', environment],
  ['a credential outside the directory', 'credential:../probe', 'plain name', environment],
  ['a credential without systemd', 'credential:probe', 'LoadCredential', {}],
  ['a variable that is not set', 'env:OTHER', 'no such variable', environment],
] as const) it(`refuses ${name}, and names the reference`, async () => {
  await expect(readSecret(reference, given)).rejects.toThrow(says)
  await expect(readSecret(reference, given)).rejects.toThrow(reference)
})
