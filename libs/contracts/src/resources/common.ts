import { Type, type Static } from 'typebox'

export const closed = { additionalProperties: false }

/** A domain in A-label form, lower case. */
export const DomainName = Type.String({ minLength: 1, maxLength: 253, pattern: '^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$', description: 'A domain, as A-labels in lower case' })
/** A name that operators choose: of a vantage, a schedule, a policy. One token of a subject. */
export const Name = Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$', description: 'Lower-case letters, digits and hyphens' })
export const Address = Type.String({ minLength: 2, maxLength: 45, pattern: '^[0-9a-fA-F:.]+$', description: 'An IPv4 or IPv6 address' })
export const Cidr = Type.String({ maxLength: 49, pattern: '^[0-9a-fA-F:.]+/[0-9]{1,3}$', description: 'A CIDR block' })
export const Port = Type.Integer({ minimum: 1, maximum: 65535 })
/** Where a secret is found by who holds it. The secret itself is never written here. */
export const SecretRef = Type.String({ maxLength: 1024, pattern: '^(file:/|credential:|env:).+$', description: "'file:/path', 'credential:NAME' (systemd) or 'env:NAME', read by the process that needs it" })
export type SecretRef = Static<typeof SecretRef>
export const Endpoint = Type.Object({ host: Type.String({ minLength: 1, maxLength: 253 }), port: Port, kind: Type.Optional(Type.Enum(['starttls', 'direct'])) }, closed)
export type Endpoint = Static<typeof Endpoint>
export const Text = (maxLength: number, description?: string) => Type.String({ minLength: 1, maxLength, ...(description === undefined ? {} : { description }) })
export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })
