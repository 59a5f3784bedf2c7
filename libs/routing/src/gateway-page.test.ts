// docs/operating/gateway.md says what the code does.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PROFILES } from '@dialtone/contracts'
import { GatewayLimits, GatewaySpec } from '@dialtone/contracts/schemas'
import type { LegRules } from './decision.ts'
import { EXTERNAL_LEG, INTERNAL_LEG, PAIR_LIMITS, PRIVATE_NETS, PROFILE_LEGS, limitsOf } from './defaults.ts'
import { MOST_DECISIONS } from './policy-table.ts'

const PAGE = readFileSync(`${import.meta.dirname}/../../../docs/operating/gateway.md`, 'utf8')

function table (heading: string): { head: string[], rows: Map<string, string[]> } {
  const part = PAGE.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const [head = [], , ...lines] = part.split('\n').filter(line => line.startsWith('|')).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
  return { head, rows: new Map(lines.map(([name = '', ...cells]) => [name.replaceAll('`', ''), cells])) }
}

describe('what is demanded of a stream', () => {
  const { head, rows } = table('What is demanded of a stream')
  it('has a column for each side and each profile, and a row for each field', () => {
    expect(head).toEqual(['field', 'external', 'internal', ...PROFILES])
    expect([...rows.keys()].toSorted()).toEqual(Object.keys(EXTERNAL_LEG).filter(field => field !== 'pins').toSorted())
  })
  it.each([...rows])('%s', (field, cells) => {
    const said = (leg: Partial<LegRules>) => String(leg[field as Exclude<keyof LegRules, 'pins'>] ?? '-')
    expect(cells).toEqual([said(EXTERNAL_LEG), said(INTERNAL_LEG), ...PROFILES.map(profile => said(PROFILE_LEGS[profile]))])
  })
})

it('limits of a pair', () => {
  const { waitMs, ...rest } = limitsOf()
  const said = Object.fromEntries([...table('Limits of a pair').rows].map(([name, [value = '']]) => [name, value]))
  expect(said).toEqual({
    bytesPerSecond: 'none', stanzasPerSecond: 'none', ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
    ...Object.fromEntries(Object.entries(waitMs).map(([name, ms]) => [`waitSeconds.${name}`, String(ms / 1000)])),
  })
  expect(limitsOf()).toEqual(PAIR_LIMITS)
})

it('limits of a gateway, as their schema tells them', () => {
  const described = (schema: object) => /default (\d+( MiB)?)/i.exec('description' in schema ? String(schema.description) : '')?.[1] ?? 'none'
  const told = Object.entries(GatewayLimits.properties).map(([name, schema]) => [name, described(schema)])
  expect([...table('Limits of a gateway').rows].map(([name, [value]]) => [name, value])).toEqual(told)
  expect(PAGE).toContain(`\`drainSeconds\` of the gateway: ${described(GatewaySpec.properties.drainSeconds)}.`)
  expect(PAGE).toContain(`kept for ${MOST_DECISIONS} pairs`)
})

it('names the blocks that an internal zone connects to', () => expect(PAGE).toContain(`an internal one to ${PRIVATE_NETS.join(', ')} as well`))

it('names every code that the linter says, and no other', () => {
  const sources = readdirSync(`${import.meta.dirname}/lint`).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts')).map(file => readFileSync(`${import.meta.dirname}/lint/${file}`, 'utf8')).join('')
  const codes = new Set([...sources.matchAll(/finding\('(?:error|warning|notice)', '([a-z-]+)'|code: '([a-z-]+)'/g)].map(([, first, second]) => first ?? second))
  const said = [...table('What the linter says').rows.keys()].flatMap(names => names.split(', '))
  expect(said.toSorted()).toEqual([...codes].toSorted())
})
