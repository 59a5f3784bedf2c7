// What `module=` may say. Closed: a module picks what of a domain is looked at, and nothing else.
import type { EndpointKind } from '@dialtone/contracts'

export type Module = { readonly kind?: EndpointKind, readonly about: string }

/** `s2s_normal` is what Prosody's `prosodyctl check connectivity` asks for, and what the XMPP blackbox exporter calls it. */
export const MODULES: Readonly<Record<string, Module>> = {
  s2s: { about: 'federation by the records of the domain, STARTTLS and direct TLS' },
  s2s_normal: { about: 'the same, as prosodyctl calls it' },
  s2s_starttls: { kind: 'starttls', about: 'its endpoints with STARTTLS alone' },
  s2s_direct: { kind: 'direct', about: 'its endpoints with direct TLS alone' },
}

/** The module, or what to say instead. */
export function moduleOf (name: string | null): Module | { refused: string } {
  const known = `the modules are ${Object.entries(MODULES).map(([module, { about }]) => `${module} (${about})`).join(', ')}`
  if (name === null) return { refused: `the parameter 'module' is missing: ${known}` }
  if (Object.hasOwn(MODULES, name)) return MODULES[name] ?? { refused: known }
  if (/^c2s|client/i.test(name)) return { refused: `Dialtone checks federation between servers and no client connections: ${known}` }
  return { refused: `there is no such module: ${known}` }
}
