/**
 * Whose work is what: rendezvous hashing. Every agent scores every domain, the highest score owns it; each agent computes that alone and finds the same.
 * Where an agent goes, only what was its own moves; where one comes, only what it wins.
 */
import { hashOf, mixed } from './hash.ts'

/** What is shared by: the domain of a target. All that is asked of one domain from one vantage is asked by one agent, which alone can keep its budget. */
export function shareKey (target: string): string {
  return target.split(':', 2)[1] ?? target
}

/** Who owns each of the keys. Empty without agents. The order of `agents` does not matter. */
export function owners (keys: Iterable<string>, agents: readonly string[]): Map<string, string> {
  const candidates = [...new Set(agents)].sort().map(name => ({ name, hash: hashOf(name, 1) }))
  const owned = new Map<string, string>()
  if (candidates.length === 0) return owned
  for (const key of keys) {
    const hash = hashOf(key)
    let best = ''
    let highest = -1
    for (const candidate of candidates) {
      const score = mixed(hash ^ candidate.hash)
      if (score > highest) [best, highest] = [candidate.name, score]
    }
    owned.set(key, best)
  }
  return owned
}

/** Those of the targets that are mine. */
export function share (targets: readonly string[], agents: readonly string[], me: string): string[] {
  const owned = owners(new Set(targets.map(shareKey)), agents)
  return targets.filter(target => owned.get(shareKey(target)) === me)
}
