import { ROLES } from '@dialtone/contracts/schemas'
import type { Role } from '@dialtone/contracts'

/** Who asks: the name and the role of their token. */
export type Actor = { name: string, role: Role, expiresAt?: string }

declare module 'fastify' {
  // Fastify's own types are interfaces, to be added to like this.
  interface FastifyRequest {
    /** Set by `access.authenticate`; null on routes for anyone. */
    actor: Actor | null
  }
  interface FastifyContextConfig {
    /** Who may use this route: the least role, or `anyone`, token or not. A route that does not say is for admins alone. */
    role?: Role | 'anyone'
  }
}

/** viewer < operator < admin. */
export function mayAct (has: Role, needs: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needs)
}
