/**
 * The commands of the runbooks, as they stand there, where the cause is true: what the page says comes out must come out. The scenes are in `scenes.ts`, the
 * convention in CONTRIBUTING.md.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CAUSES, type Cause } from '@dialtone/contracts'
import { startSite, type OrganisationSite } from '@dialtone/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RUNBOOKS } from './head.ts'
import { definitionsOf, missingFrom, runsOf } from './page.ts'
import { zooScene, type Scene } from './scene.ts'
import { SITE_SCENES, ZOO_SCENES } from './scenes.ts'
import { siteScene } from './site-scenes.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MS = 120_000

describe.concurrent('on loopback', () => {
  for (const [cause, { zoo }] of Object.entries(ZOO_SCENES)) it(`${cause} shows as its page says`, { timeout: MS }, async () => { await proves(cause, await zooScene(zoo)) })
})

describe('in a network with real servers', () => {
  let site: OrganisationSite
  beforeAll(async () => { site = await startSite() }, MS)
  afterAll(async () => { await site?.stop() }, MS)
  for (const [cause, { breaks, values }] of Object.entries(SITE_SCENES)) it(`${cause} shows as its page says`, { timeout: MS }, async () => { await proves(cause, await siteScene(site, breaks, values)) })
})

it('no page has commands to be run and no scene for them, and no scene is without', () => {
  const withScene = new Set([...Object.keys(ZOO_SCENES), ...Object.keys(SITE_SCENES)])
  expect(CAUSES.filter(cause => runsOf(textOf(cause)).length > 0).toSorted()).toEqual([...withScene].toSorted())
})

async function proves (cause: string, scene: Scene): Promise<void> {
  try {
    const page = textOf(cause as Cause)
    const before = [...Object.entries(scene.values).map(([name, value]) => `export ${name}='${value}'`), definitionsOf(page)].join('\n')
    for (const { command, at, expects } of runsOf(page)) {
      const output = await scene.shell(`${before}\n${command.text}`, at)
      expect(missingFrom(output, expects, scene.values), `${cause}.md:${command.line}\n${command.text}printed\n${output}\nand the page expects`).toEqual([])
    }
  } finally {
    await scene.stop()
  }
}

function textOf (cause: Cause): string {
  return readFileSync(join(ROOT, RUNBOOKS, `${cause}.md`), 'utf8')
}
