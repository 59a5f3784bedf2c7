import { expect, it } from 'vitest'
import type { ConfigurationView, Resource } from '@dialtone/contracts'
import { resourceSet } from '../configuration/resource-set.ts'
import { targetsOfConfiguration } from './targets.ts'

const about = { revision: 1, updatedAt: '2026-03-01T00:00:00.000Z', updatedBy: 'test' }
const RESOURCES: Resource[] = [
  { kind: 'Domain', name: 'ours.example', spec: { internal: [{ host: '192.0.2.5', port: 5269 }] }, ...about },
  { kind: 'Domain', name: 'also.example', spec: {}, ...about },
  { kind: 'Peer', name: 'peer.example', spec: {}, ...about },
  { kind: 'Peer', name: 'also.example', spec: { ours: ['ours.example'] }, ...about },
  { kind: 'Vantage', name: 'in', spec: { side: 'inside' }, ...about },
  { kind: 'Vantage', name: 'out', spec: { side: 'outside' }, ...about },
]

function view (): ConfigurationView & { set: (resources: Resource[]) => void } {
  let [set, revision] = [resourceSet(RESOURCES), 1]
  return {
    get revision () { return revision },
    all: kind => set.all(kind),
    get: (kind, name) => set.get(kind, name),
    onChange: () => () => undefined,
    set: resources => { [set, revision] = [resourceSet(resources), revision + 1] },
  }
}

const shown = (targets: ReturnType<ReturnType<typeof targetsOfConfiguration>>) => targets.map(({ vantage, target }) => `${vantage} ${target.id}`).toSorted()

it('a domain of ours is checked as what it is, and not as a peer of others of ours', () => {
  const targetsOf = targetsOfConfiguration(view())
  expect(shown(targetsOf('ours.example'))).toEqual(['in own-internal:ours.example', 'in own-published:ours.example', 'out own-published:ours.example'])
  expect(shown(targetsOf('also.example'))).toEqual(['in own-published:also.example', 'out own-published:also.example'])
})

it('a peer is checked for each of ours, and for nobody', () => {
  expect(shown(targetsOfConfiguration(view())('peer.example'))).toEqual(['in peer:peer.example:also.example', 'in peer:peer.example:ours.example', 'out control:peer.example'])
})

it('a pair is checked for the one of ours, and for nobody', () => {
  const targetsOf = targetsOfConfiguration(view())
  expect(shown(targetsOf('ours.example', 'peer.example'))).toEqual(['in peer:peer.example:ours.example', 'out control:peer.example'])
  expect(targetsOf('peer.example', 'ours.example')).toEqual([])
  expect(targetsOf('unknown.example')).toEqual([])
})

it('follows the configuration', () => {
  const configuration = view()
  const targetsOf = targetsOfConfiguration(configuration)
  expect(targetsOf('ours.example')).toHaveLength(3)
  configuration.set(RESOURCES.filter(({ kind }) => kind !== 'Vantage'))
  expect(targetsOf('ours.example')).toEqual([])
})
