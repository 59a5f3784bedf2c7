import { expect, it } from 'vitest'
import { checkMachine } from './machine.ts'

const machine = { platform: 'linux', uid: 0, has: () => true }

it('takes a machine that has all of it', () => {
  expect(() => { checkMachine({ withFleets: true }, machine) }).not.toThrow()
})

it('says what is missing, and how to get it', () => {
  expect(() => { checkMachine({ withFleets: true }, { ...machine, platform: 'darwin' }) }).toThrow('the lab needs Linux')
  expect(() => { checkMachine({ withFleets: true }, { ...machine, uid: 1000 }) }).toThrow('the lab needs root')
  const has = (file: string): boolean => !/nats|slixmpp|alertmanager/.test(file)
  expect(() => { checkMachine({ withFleets: true }, { ...machine, has }) }).toThrow(/^missing: \/usr\/lib\/python3\S+slixmpp, \/usr\/sbin\/nats-server, \S+-alertmanager\. Run: apt-get install --no-install-recommends python3-slixmpp nats-server prometheus-alertmanager$/)
  expect(() => { checkMachine({ withFleets: false }, { ...machine, has }) }).toThrow(/^missing: \S+slixmpp\. Run/)
})
