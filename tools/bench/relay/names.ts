// Who is who in the relay benches.

export const INSIDE = 'inside.example'
export const OUTSIDE = 'outside.example'
export const COMPONENT_SECRET = 'the secret of a component'

/** Addresses in the bench's namespace. `program` and `gate`: the two sides of what is measured, towards the outside and towards the inside. */
export const ADDRESSES = { outside: '203.0.113.10', program: '198.51.100.10', gate: '198.51.100.30', inside: '198.51.100.20', resolver: '192.0.2.53' }

/** The outside domain of a pair. */
export function domainOf (pair: number): string {
  return `p${String(pair).padStart(4, '0')}.${OUTSIDE}`
}

export function jidOf (pair: number): string {
  return `user@${domainOf(pair)}/bench`
}
