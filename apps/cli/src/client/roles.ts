import type { Role } from '@dialtone/contracts'

/** From least to most. Written again here, since the contract's list comes with a validator that a command has no need to load. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin']
