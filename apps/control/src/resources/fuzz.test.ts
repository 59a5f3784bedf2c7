/** Driven by the schemas themselves: what is valid is accepted and read back equal, what is not is refused by the name of its field, and nothing is a 5xx. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TSchema } from 'typebox'
import { KINDS } from '@dialtone/contracts/schemas'
import type { Kind } from '@dialtone/contracts'
import { problemOf, stand, type Stand } from './test-support.ts'

const OURS = ['ours.example', 'xn--bcher-kva.example']
const POOL = { schedule: ['default', 'slow'], vantage: ['in', 'out'], ours: OURS, domain: OURS, domains: OURS, sharesResolverWith: OURS, peer: ['partner.example'] }
const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** Kinds whose fields must go together, which no schema says; with one of each that do. */
const CONFLICTING: Partial<Record<Kind, Json>> = { Gateway: { desired: 'running' }, Policy: { ours: '*', peer: '*', action: 'allow' }, Route: { to: 'far.test', nextHops: [{ host: 'hop.test', port: 5269 }] } }

let api: Stand
beforeAll(async () => {
  api = await stand()
  const { status } = await api.ask('POST', '/v1/apply', { resources: [
    ...OURS.map(name => ({ kind: 'Domain', name, spec: {} })), { kind: 'Peer', name: 'partner.example', spec: {} }, { kind: 'Schedule', name: 'slow', spec: {} },
    { kind: 'Vantage', name: 'in', spec: { side: 'inside' } }, { kind: 'Vantage', name: 'out', spec: { side: 'outside' } },
  ] })
  expect(status).toBe(200)
})
afterAll(() => api.stop())

describe.each(KIND_NAMES)('any %s', kind => {
  const path = `/v1/${KINDS[kind].path}`
  const name = kind === 'Domain' || kind === 'Peer' ? 'fuzzed.test' : 'fuzzed'

  it(`that is valid is accepted and read back equal${CONFLICTING[kind] === undefined ? '' : ', or contradicts the rest and says where'}`, async () => {
    await fc.assert(fc.asyncProperty(specOf(kind), async spec => {
      const put = await api.ask('PUT', `${path}/${name}`, { spec }, (await api.ask('GET', `${path}/${name}`)).status === 200 ? { 'if-match': '*' } : {})
      if (CONFLICTING[kind] !== undefined && put.status === 422) {
        expect(problemOf(put)).toMatchObject({ code: 'configuration-conflict', problems: expect.arrayContaining([expect.objectContaining({ resource: `${kind}/${name}` })]) })
        return
      }
      expect([200, 201], JSON.stringify([spec, put.body])).toContain(put.status)
      expect((await api.ask('GET', `${path}/${name}`)).body.spec).toEqual(spec)
    }), { numRuns: 60, ...(CONFLICTING[kind] === undefined ? {} : { examples: [[CONFLICTING[kind]]] }) })
    expect((await api.ask('GET', `${path}/${name}`)).status).toBe(200)
    await api.ask('DELETE', `${path}/${name}`, undefined, { 'if-match': '*' })
  })

  it('with one thing broken names its field, and is not written', async () => {
    await fc.assert(fc.asyncProperty(specOf(kind), fc.nat(), fc.constantFrom('unknown', 'type', 'missing'), async (spec, seed, how) => {
      const broken = breakOne(KINDS[kind].spec, spec, seed, how)
      if (broken === undefined) return
      const found = problemOf(await api.ask('PUT', `${path}/${name}`, { spec: broken.spec }))
      expect(found.status).toBe(400)
      expect(found.problems?.map(({ pointer }) => pointer), JSON.stringify(broken)).toContain(`/spec${broken.pointer}`)
    }), { numRuns: 60 })
    expect((await api.ask('GET', `${path}/${name}`)).status).toBe(404)
  })
})

it('any JSON at all is answered without a 5xx, and by a problem document where it is refused', async () => {
  await fc.assert(fc.asyncProperty(fc.constantFrom(...KIND_NAMES), fc.json({ maxDepth: 6 }), fc.constantFrom('body', 'spec', 'apply'), async (kind, text, where) => {
    const answer = where === 'apply' ? await api.ask('POST', '/v1/apply?dryRun=true', `{"resources":${text}}`) : await api.ask('PUT', `/v1/${KINDS[kind].path}/any?dryRun=true`, where === 'spec' ? `{"spec":${text}}` : text)
    expect(answer.status).toBeLessThan(500)
    if (answer.status >= 400) problemOf(answer)
  }), { numRuns: 300 })
})

it('any path, query and header is answered without a 5xx', async () => {
  const odd = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom('%', '%00', '..', '*', '%2e%2e', '__proto__', 'constructor'))
  await fc.assert(fc.asyncProperty(fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE' as const), odd, odd, fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), async (method, name, query, header) => {
    const url = `/v1/domains/${encodeURIComponent(name)}?cursor=${encodeURIComponent(query)}&${encodeURIComponent(query)}=1`
    const answer = await api.ask(method, url, method === 'GET' || method === 'DELETE' ? undefined : { spec: {} }, { 'if-match': header, 'x-reason': header })
    expect(answer.status).toBeLessThan(500)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    problemOf(answer)
  }), { numRuns: 200 })
})

type Json = any

/** A spec of this kind that means something: names lead somewhere, and fields go together. */
function specOf (kind: Kind): fc.Arbitrary<Json> {
  return arbitraryOf(KINDS[kind].spec, '', kind).map((spec: Json) => {
    if (kind === 'Exception') {
      const { causes, from, domain: ours = 'ours.example', peer, vantage, ...rest } = spec
      const about = rest.effect === 'maintenance' && vantage !== undefined ? { vantage } : { domain: ours, ...(peer === undefined ? {} : { peer }) }
      // At most 366 days, of which the clock of the stand has seen none.
      if (rest.until >= '2027-11-01') rest.until = '2027-10-31T00:00:00.000Z'
      return { ...rest, ...about, ...(from !== undefined && from < rest.until ? { from } : {}), ...(rest.effect === 'accept' ? { causes: causes?.filter((one: string) => one !== 'healthy').length > 0 ? causes.filter((one: string) => one !== 'healthy') : ['unknown'] } : {}) }
    }
    if (kind === 'Policy') {
      // A profile has defaults of its own, with which the rest may never be met.
      const { pins, certificate, tls, profile, ...rest } = spec
      return { ...rest, ...(profile !== undefined && spec.action === 'deny' ? { profile } : {}), ...(pins?.length > 0 ? { pins, certificate: 'pinned' } : certificate === undefined ? {} : { certificate: 'any' }), ...(tls === 'none' && spec.action !== 'deny' ? {} : tls === undefined ? {} : { tls }) }
    }
    if (kind !== 'Vantage') return spec
    const { families: _, probeDomain, ...rest } = spec
    if (probeDomain === undefined) return rest
    const { key, certificate, ...probe } = probeDomain
    return { ...rest, probeDomain: { ...probe, ...(key !== undefined && certificate !== undefined ? { key, certificate } : {}) } }
  })
}

function arbitraryOf (schema: Json, field: string, kind: Kind): fc.Arbitrary<Json> {
  const pool = (kind === 'Policy' || kind === 'Route' || kind === 'Gateway' ? undefined : (POOL as Record<string, string[]>)[field])
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'object': {
      if (schema.patternProperties !== undefined) return fc.dictionary(field === 'pairs' ? fc.tuple(domain, domain).map(pair => pair.join(' ')) : domain, arbitraryOf(Object.values(schema.patternProperties)[0], field, kind), { minKeys: schema.minProperties ?? 0, maxKeys: 4, noNullPrototype: true })
      const model = Object.fromEntries(Object.entries(schema.properties).map(([key, inner]) => [key, arbitraryOf(inner, key === 'domain' && field === 'probeDomain' ? 'probe' : key, kind)]))
      return fc.record(model, { requiredKeys: schema.required ?? [], noNullPrototype: true })
    }
    case 'array': {
      const most = Math.min(schema.maxItems ?? 4, pool?.length ?? 4)
      return (schema.uniqueItems === true ? fc.uniqueArray : fc.array)(arbitraryOf(schema.items, field, kind), { minLength: schema.minItems ?? 0, maxLength: most } as object)
    }
    case 'string': return pool !== undefined ? fc.constantFrom(...pool) : stringOf(schema, field)
    case 'integer': return fc.integer({ min: schema.minimum, max: schema.maximum })
    case 'number': return fc.double({ min: schema.minimum, max: schema.maximum, noNaN: true }).map(number => number === 0 ? 0 : number) // JSON has no -0
    case 'boolean': return fc.boolean()
    default: throw new Error(`no arbitrary for ${JSON.stringify(schema)}`)
  }
}

const label = fc.stringMatching(/^[a-z]([a-z0-9]{0,20}[a-z0-9])?$/)
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => [...labels, 'test'].join('.'))
const address = fc.oneof(fc.ipV4(), fc.ipV6().filter(text => !text.includes('.')))

function stringOf ({ description = '', pattern, format, minLength = 0, maxLength = 100 }: Json, field: string): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.date({ min: new Date('2027-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }).map(date => date.toISOString())
  if (field === 'host' && !description.startsWith('A domain')) return fc.oneof(address, domain)
  if (description.startsWith('A domain, as A-labels')) return domain
  if (description.startsWith('A domain,')) return fc.oneof(domain, domain.map(name => `*.${name}`), fc.constant('*'))
  if (description.startsWith('Lower-case')) return label
  if (description.startsWith('An IPv4')) return address
  if (description.startsWith('A CIDR')) return fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([net, prefix]) => `${net}/${prefix}`)
  if (description.startsWith("'file:")) return fc.constantFrom('file:/etc/dialtone/secret', 'credential:dialback', 'env:SECRET')
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  return fc.string({ unit: 'grapheme', minLength, maxLength }).filter(text => text.length >= minLength && text.length <= maxLength && !/\p{Cc}/u.test(text) && text.isWellFormed())
}

/** One field broken, and the pointer that must be named. */
function breakOne (schema: TSchema, spec: Json, seed: number, how: 'unknown' | 'type' | 'missing'): { spec: Json, pointer: string } | undefined {
  const copy = structuredClone(spec)
  const places = [...objectsOf(schema, copy, '')]
  const place = places[seed % places.length]
  if (place === undefined) return undefined
  const { value, pointer } = place
  if (how === 'unknown') {
    value['unheardOf'] = 1
    return { spec: copy, pointer: `${pointer}/unheardOf` }
  }
  const keys = how === 'missing' ? (place.schema.required ?? []) : Object.keys(value)
  const key = keys[seed % keys.length]
  if (key === undefined) return undefined
  if (how === 'missing') delete value[key]
  else value[key] = null
  return { spec: copy, pointer: `${pointer}/${key}` }
}

function * objectsOf (schema: Json, value: Json, pointer: string): Generator<{ schema: Json, value: Json, pointer: string }> {
  if (schema.type === 'array') for (const [i, item] of value.entries()) yield * objectsOf(schema.items, item, `${pointer}/${i}`)
  if (schema.type !== 'object' || schema.properties === undefined) return
  yield { schema, value, pointer }
  for (const [key, inner] of Object.entries(schema.properties)) if (value[key] !== undefined) yield * objectsOf(inner, value[key], `${pointer}/${key}`)
}
