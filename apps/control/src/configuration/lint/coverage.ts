/** What stays untested with the vantages that there are: every verdict says it of its subject, this says it of the fleet. */
import type { LintFinding } from '@dialtone/contracts'
import { few } from './expectations.ts'
import type { Rule } from './rule.ts'

export const coverage: Rule = function * (resources) {
  const [domains, peers, vantages] = [resources.all('Domain'), resources.all('Peer'), resources.all('Vantage')]
  if (domains.length === 0 && peers.length === 0) return
  const notice = (code: string, says: string): LintFinding => ({ level: 'notice', code, says })
  if (vantages.length === 0) {
    yield { level: 'warning', code: 'no-vantage', says: 'There is no Vantage: nothing is checked' }
    return
  }
  const running = vantages.filter(({ spec }) => spec.desired !== 'paused')
  const inside = running.filter(({ spec }) => spec.side === 'inside')
  const outside = running.filter(({ spec }) => spec.side === 'outside')
  if (inside.length === 0) {
    yield notice('no-inside-vantage', `No inside vantage runs: our servers at their internal addresses, the hairpin${peers.length > 0 ? ', and whether ours reach their peers' : ''} stay untested`)
    const internal = domains.filter(({ spec }) => (spec.internal ?? []).length > 0)
    if (internal.length > 0) yield { level: 'warning', code: 'internal-untested', says: `Internal addresses are configured (${few(internal.map(({ name }) => name))}), and no inside vantage runs that could ask them` }
  }
  if (outside.length === 0) yield notice('no-outside-vantage', "No outside vantage runs: whether others reach us stays untested, and a blocked path cannot be told from a dead peer")
  if (outside.length > 0 && new Set(outside.map(({ name, spec }) => spec.network ?? name)).size === 1) yield notice('one-outside-network', 'All outside vantages stand on one network, which is one witness: what it sees alone cannot be told from a fault of that network')
  const secretless = domains.filter(({ spec }) => spec.secret === undefined)
  if (secretless.length > 0 && peers.length > 0 && !running.some(({ spec }) => spec.probeDomain !== undefined)) {
    yield notice('no-dialback', `No running vantage has a probe domain, and ${secretless.length} of our domains have no secret (${few(secretless.map(({ name }) => name))}): whether dialback works stays untested for them`)
  }
  if (peers.length > 0 && domains.length === 0) yield { level: 'warning', code: 'peers-without-ours', says: 'There are peers and no Domain of ours: no pair is checked' }
}
