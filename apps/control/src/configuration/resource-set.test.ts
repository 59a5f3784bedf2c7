import { expect, it } from 'vitest'
import type { Resource } from '@dialtone/contracts'
import { differences, resourceSet } from './resource-set.ts'
import { configured } from './test-support.ts'

const domain = (name: string, revision: number): Resource => ({ kind: 'Domain', name, spec: {}, revision, updatedAt: '2026-11-26T12:00:00.000Z', updatedBy: 'test' })

it('keeps each kind sorted by name, and lists kinds in the order of the contracts', () => {
  const set = configured(['Peer', 'b.example'], ['Domain', 'z.example'], ['Peer', 'a.example'], ['Domain', 'a.example'])
  expect(set.list().map(({ kind, name }) => `${kind}/${name}`)).toEqual(['Domain/a.example', 'Domain/z.example', 'Peer/a.example', 'Peer/b.example'])
  expect([set.size, set.get('Peer', 'a.example')?.name, set.get('Domain', 'b.example')]).toEqual([4, 'a.example', undefined])
})

it('a change leaves the set it came from as it was, and shares what it did not touch', () => {
  const before = configured(['Domain', 'a.example'], ['Domain', 'b.example'], ['Schedule', 'default'])
  const after = before.with([domain('c.example', 2)], [{ kind: 'Domain', name: 'a.example' }])
  expect(before.all('Domain').map(({ name }) => name)).toEqual(['a.example', 'b.example'])
  expect(after.all('Domain').map(({ name }) => name)).toEqual(['b.example', 'c.example'])
  expect(after.all('Schedule')).toBe(before.all('Schedule'))
  expect(differences(before, after).map(({ name, before: was, after: is }) => [name, was?.revision, is?.revision])).toEqual([['c.example', undefined, 2], ['a.example', 1, undefined]])
})

it('read again from a document, what did not change is the same object', () => {
  const before = resourceSet([domain('a.example', 1), domain('b.example', 1)])
  const after = resourceSet([domain('a.example', 1), domain('b.example', 2)], before)
  expect(after.get('Domain', 'a.example')).toBe(before.get('Domain', 'a.example'))
  expect(differences(before, after).map(({ name }) => name)).toEqual(['b.example'])
})
