import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadResources } from './load.ts'

const { signal } = new AbortController()
let dir = ''
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'dialtone-load-')) })
afterEach(async () => { await rm(dir, { recursive: true }) })

async function file (name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text)
  return join(dir, name)
}

const DOMAIN = 'kind: Domain\nname: ours.example\nspec:\n  internal:\n    - host: 10.0.0.1\n      port: 5269\n'

it('reads documents, lists, JSON and directories alike, and knows where each part was written', async () => {
  const two = await file('a.yaml', `${DOMAIN}---\n- kind: Peer\n  name: a.example\n`)
  await file('b.json', '{ "resources": [ { "kind": "Peer", "name": "b.example", "spec": { "profile": "webex" } } ] }')
  await file('notes.txt', 'nothing of ours')
  const loaded = await loadResources([dir], signal)
  expect(loaded.resources).toEqual([
    { kind: 'Domain', name: 'ours.example', spec: { internal: [{ host: '10.0.0.1', port: 5269 }] } }, { kind: 'Peer', name: 'a.example', spec: {} }, { kind: 'Peer', name: 'b.example', spec: { profile: 'webex' } },
  ])
  expect(loaded.placeOf('/resources/0/spec/internal/0/port')).toBe(`${two}:6:13`)
  expect(loaded.placeOf('/resources/0/spec/unknown')).toBe(`${two}:4:3`)
  expect(loaded.placeOf('/resources/2/spec/profile')).toBe(`${join(dir, 'b.json')}:1:78`)
  expect(loaded.placeOf('/spec/internal/0/port', 'Domain/ours.example')).toBe(`${two}:6:13`)
  expect(loaded.placeOf('/spec', 'Peer/none.example')).toBeUndefined()
  expect(loaded.placeOf('/elsewhere')).toBeUndefined()
})

for (const [name, text, says] of [
  ['no YAML', 'kind: [Domain\nname: x\n', /a\.yaml:\d+:\d+: /],
  ['a key twice', 'kind: Domain\nkind: Peer\nname: a.example\n', /a\.yaml:2:1: Map keys must be unique/],
  ['no name', '\nkind: Domain\nspec: {}\n', /a\.yaml:2:1: a resource needs 'name'/],
  ['a name that is no text', 'kind: Domain\nname: 7\n', /needs 'name', a text/],
  ['a field of another place', 'kind: Peer\nname: a.example\nprofile: webex\n', /a\.yaml:3:10: a resource has 'kind', 'name' and 'spec', and no 'profile'/],
  ['a text alone', 'hello\n', /a\.yaml:1:1: a resource is a map/],
  ['nothing', '# nothing\n', /there is no resource in/],
  ['a key that no server takes', 'kind: Peer\nname: a.example\nspec:\n  __proto__: { role: admin }\n', /a\.yaml:4:3: no field may be called '__proto__'/],
  ['the same twice', `${DOMAIN}---\n${DOMAIN}`, /a\.yaml:8:1: Domain ours\.example is here for the second time; first at .*a\.yaml:1:1/],
  ['two mistakes', 'kind: Domain\n---\nname: x\n', /2 mistakes:\n {2}.*a\.yaml:1:1: .*\n {2}.*a\.yaml:3:1: /],
] as const) {
  it(`names the place of ${name}`, async () => {
    await expect(loadResources([await file('a.yaml', text)], signal)).rejects.toThrow(says)
  })
}

it('is not taken in by references that multiply', async () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nkind: Domain\nname: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`
  const refused = loadResources([await file('a.yaml', bomb)], signal)
  await expect(refused).rejects.toMatchObject({ code: 'configuration' })
  await expect(refused).rejects.toThrow(/a\.yaml:1:1: aliases \(\*name\) repeat too much here/)
  await expect(loadResources([await file('a.yaml', 'kind: Peer\nname: a.example\nspec: &a { note: *a }\n')], signal)).rejects.toMatchObject({ code: 'configuration' })
})

it('takes back what get printed', async () => {
  const loaded = await loadResources([await file('a.yaml', "# revision 3\nkind: Peer\nname: a.example\nspec: {}\nrevision: 3\nupdatedAt: '2026-01-01T00:00:00.000Z'\nupdatedBy: me\n")], signal)
  expect(loaded.resources).toEqual([{ kind: 'Peer', name: 'a.example', spec: {} }])
})
