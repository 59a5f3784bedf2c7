/** By what a list of resources is narrowed down. Every filter is equality with a field of the spec, `q` a part of the name or note. */
import { Type } from 'typebox'
import { KINDS } from '@dialtone/contracts/schemas'
import type { Kind, Resource } from '@dialtone/contracts'

const text = Type.Optional(Type.String({ minLength: 1, maxLength: 253 }))

/** Fields of each kind that can be filtered by. Of a list: those that have it. */
const FIELDS: { [K in Kind]: readonly string[] } = {
  Domain: ['schedule', 'profile'], Peer: ['schedule', 'profile', 'deep', 'ours'], Vantage: ['side', 'network', 'desired'], Schedule: ['desired'], Exception: ['effect', 'domain', 'peer', 'vantage'],
  ManagedServer: ['vantage', 'agent', 'domains'], Gateway: ['desired'], Policy: ['ours', 'peer', 'action'], Route: ['to'],
}

/** The query of the list of one kind. */
export function listQuery (kind: Kind) {
  return Type.Object({
    q: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Part of the name or of the note' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 400, description: '`next` of the page before' })),
    ...(kind === 'Exception' ? { active: Type.Optional(Type.Enum(['true', 'false'], { description: 'Whether it is in force now' })) } : {}),
    ...Object.fromEntries(FIELDS[kind].map(field => [field, text])),
  }, { additionalProperties: false })
}

/** `now`: milliseconds since the epoch. */
export function filterOf (kind: Kind, query: Readonly<Record<string, unknown>>, now: number): (resource: Resource) => boolean {
  const q = typeof query['q'] === 'string' ? query['q'].toLowerCase() : undefined
  const wanted = FIELDS[kind].filter(field => query[field] !== undefined)
  const active = query['active']
  return resource => {
    const spec = resource.spec as Readonly<Record<string, unknown>>
    if (q !== undefined && !resource.name.includes(q) && !(typeof spec['note'] === 'string' && spec['note'].toLowerCase().includes(q))) return false
    if (resource.kind === 'Exception' && active !== undefined) {
      const { from, until } = resource.spec
      if (((from === undefined || Date.parse(from) <= now) && Date.parse(until) > now) !== (active === 'true')) return false
    }
    return wanted.every(field => {
      const has = spec[field]
      return Array.isArray(has) ? has.includes(query[field]) : has === query[field]
    })
  }
}

/** The path of a kind. */
export function pathOf (kind: Kind): string {
  return `/v1/${KINDS[kind].path}`
}
