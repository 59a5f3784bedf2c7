/** What this host has that checks need: secrets, certificates, address families. Read when first needed, and again after a while, so that a change is noticed. */
import { DEEP_TIMEOUTS, certificatesOf, keysOfSecret, matchedCertificate, usableFamilies, type SecretOwner } from '@dialtone/ladder'
import type { SecretRef, VantageSpec } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import type { Keys } from '@dialtone/stream'
import { readSecret } from '@dialtone/host'

export type Keyring = {
  /** Keys of a secret; `domain`: whose it is, which is also the salt of its fingerprint. */
  keysOf: (reference: SecretRef, domain: string, of?: SecretOwner) => Promise<Keys>
  anchorsOf: (anchors: VantageSpec['anchors']) => Promise<{ system: boolean, given: string[] }>
  certificateOf: (probeDomain: VantageSpec['probeDomain']) => Promise<{ certificate: string, key: string } | undefined>
  /** Those that can leave this host, if the vantage does not say. */
  familiesOf: (allowNets: readonly string[]) => (4 | 6)[]
  /** By domain: fingerprints of what could be read. */
  prints: () => Record<string, string>
  /** Why what `configured` refers to could not be used, one sentence each. What nothing refers to any more is forgotten. */
  problems: (configured: unknown) => string[]
}

/** Longer than a deep check, shorter than anybody waits for a changed file. */
const KEPT_MS = 60_000 + DEEP_TIMEOUTS.answer
const MOST_PRINTS = 1000
const FAMILIES_MS = 10_000

export function createKeyring ({ clock, environment }: { clock: Clock, environment: NodeJS.ProcessEnv }): Keyring {
  const kept = new Map<string, { at: number, value: Promise<unknown> }>()
  const prints = new Map<string, string>()
  const problems = new Map<string, { says: string, references: readonly SecretRef[] }>()
  let families: { at: number, own: (4 | 6)[] } = { at: -Infinity, own: [] }
  const once = async <T>(name: string, references: readonly SecretRef[], read: () => Promise<T>): Promise<T> => {
    const known = kept.get(name)
    if (known !== undefined && clock.elapsed() - known.at < KEPT_MS) return await (known.value as Promise<T>)
    const value = read()
    kept.set(name, { at: clock.elapsed(), value })
    try {
      const result = await value
      problems.delete(name)
      return result
    } catch (error) {
      kept.delete(name)
      if (problems.size < 16) problems.set(name, { says: error instanceof Error ? error.message : 'unknown', references })
      throw error
    }
  }
  const text = async (reference: SecretRef, what: string) => (await readSecret(reference, environment, what)).toString('utf8')
  return {
    keysOf: (reference, domain, of = 'prosody') => once(`${domain} ${of} ${reference}`, [reference], async () => {
      const { keys, print } = keysOfSecret(await readSecret(reference, environment), `the secret '${reference}'`, of)
      if (prints.size < MOST_PRINTS || prints.has(domain)) prints.set(domain, print(domain))
      return keys
    }),
    anchorsOf: (anchors = { system: true, given: [] }) => once(`anchors ${anchors.system} ${anchors.given.join(' ')}`, anchors.given, async () => ({
      system: anchors.system,
      given: (await Promise.all(anchors.given.map(async reference => certificatesOf(await text(reference, 'trust anchor'), `'${reference}'`)))).flat(),
    })),
    certificateOf: probeDomain => {
      const { certificate, key } = probeDomain ?? {}
      if (certificate === undefined || key === undefined) return Promise.resolve(undefined)
      return once(`certificate ${certificate} ${key}`, [certificate, key], async () => matchedCertificate({ certificate: await text(certificate, 'certificate'), key: await text(key, 'key') }, { certificate: `the certificate '${certificate}'`, key: `the key '${key}'` }))
    },
    familiesOf: allowNets => {
      // What the interfaces say is the same for all checks of a moment; what is allowed is not.
      if (clock.elapsed() - families.at >= FAMILIES_MS) families = { at: clock.elapsed(), own: usableFamilies([]) }
      return families.own.length === 2 ? families.own : usableFamilies(allowNets, {})
    },
    prints: () => Object.fromEntries(prints),
    problems: configured => {
      if (problems.size === 0) return []
      const wanted = JSON.stringify(configured ?? null)
      for (const [name, { references }] of problems) if (!references.every(reference => wanted.includes(JSON.stringify(reference)))) problems.delete(name)
      return [...problems.values()].map(({ says }) => says)
    },
  }
}
