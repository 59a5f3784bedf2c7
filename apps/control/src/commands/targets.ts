/** What vantages have to check about a domain or a pair, out of the configuration as it is now. */
import type { ConfigurationView, Target } from '@dialtone/contracts'
import { assignmentOf } from '../assign/assignment.ts'

/** Assignments of a large fleet are worth keeping for as long as the configuration stays what it is. */
export function targetsOfConfiguration (configuration: ConfigurationView): (domain: string, peer?: string) => { vantage: string, target: Target }[] {
  let [revision, targets] = [-1, new Map<string, { vantage: string, target: Target }[]>()]
  const byDomain = () => {
    if (revision === configuration.revision) return targets
    targets = new Map()
    for (const vantage of configuration.all('Vantage')) {
      for (const target of assignmentOf(vantage, configuration, configuration.revision).targets) {
        const known = targets.get(target.domain)
        if (known === undefined) targets.set(target.domain, [{ vantage: vantage.name, target }])
        else known.push({ vantage: vantage.name, target })
      }
    }
    revision = configuration.revision
    return targets
  }
  const isOurs = (domain: string) => configuration.get('Domain', domain) !== undefined
  return (domain, peer) => peer === undefined
    // Of a domain of ours: itself, and not what it is to others of ours.
    ? (byDomain().get(domain) ?? []).filter(({ target: { job } }) => !isOurs(domain) || (job !== 'peer' && job !== 'control'))
    // A control is in nobody's interest; it tells a blocked path from a dead peer.
    : (byDomain().get(peer) ?? []).filter(({ target: { ours, job } }) => ours === domain || (job === 'control' && isOurs(domain)))
}
