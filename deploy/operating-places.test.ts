// Where the pages for operators say that something listens or lies is where the units have it. `systemd/units.real.test.ts` types the commands themselves.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const OPERATING = join(ROOT, 'docs/operating')
const pages = readdirSync(OPERATING, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md')).map(name => ({ name, text: readFileSync(join(OPERATING, name), 'utf8') }))
const units = ['dialtone-control.service', 'dialtone-probe@.service', 'dialtone-gateway@.service'].map(name => readFileSync(join(import.meta.dirname, 'systemd', name), 'utf8')).join('\n')

/** One table of ports: of the units, of control's configuration, and of what else stands on such a host. */
const PORTS = {
  app: [...[...units.matchAll(/DIALTONE_HTTP=127\.0\.0\.1:(\d+)/g)].map(([, port = '']) => port), String((JSON.parse(readFileSync(join(import.meta.dirname, 'systemd/control.json'), 'utf8')) as { listen: { port: number } }).listen.port), '5283'],
  nats: ['8222'], prometheus: ['9090'], alertmanager: ['9093'],
}
/** What is asked of whom, by the first part of the path. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  readyz: PORTS.app, metrics: PORTS.app, healthz: [...PORTS.app, ...PORTS.nats], jsz: PORTS.nats, connz: PORTS.nats, varz: PORTS.nats, api: PORTS.prometheus, targets: PORTS.prometheus,
}

it('what is asked over HTTP is asked where it listens', () => {
  expect(PORTS.app.toSorted()).toEqual(['5280', '5281', '5282', '5283'])
  const asked = pages.flatMap(({ name, text }) => [...text.matchAll(/https?:\/\/(?:127\.0\.0\.1|localhost):(\d+)\/([a-z]+)/g)].map(([url, port = '', path = '']) => ({ name, url, port, path })))
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter(({ port, path }) => ASKED[path]?.includes(port) !== true)).toEqual([])
})

it('state lies where the units put it', () => {
  const folders = [...units.matchAll(/^StateDirectory=dialtone\/([a-z]+)/gm)].map(([, folder = '']) => folder)
  expect(folders.toSorted()).toEqual(['control', 'gateway', 'probe'])
  const named = pages.flatMap(({ name, text }) => [...text.matchAll(/\/var\/lib\/dialtone\/([^\s`;,)]+)/g)].map(([path, below = '']) => ({ name, path, below })))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(({ below }) => !folders.some(folder => below.startsWith(folder)))).toEqual([])
  const [, store = ''] = /--store %S(\/\S+\.db)/.exec(units) ?? []
  for (const { path } of named.filter(each => /\.db\b/.test(each.path))) expect(path).toContain(store)
})
