import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BREAKS } from './breaks/index.ts'
import { STANDING } from './world/standing.ts'

const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')

it('lists every break, in order, as `lab list` tells it', () => {
  const listed = /<!-- breaks -->\n(.*)<!-- \/breaks -->/s.exec(readme)?.[1]
  expect(listed).toBe(`| break | what is done |\n|---|---|\n${BREAKS.map(({ name, says }) => `| \`${name}\` | ${says} |\n`).join('')}`)
})

it('lists every domain that is broken for good', () => {
  for (const { domain } of STANDING) expect(readme).toContain(domain)
})
