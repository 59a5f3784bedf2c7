/** Policies and routes that contradict each other. */
import type { LintFinding, PolicySpec } from '@dialtone/contracts'
import type { Resources } from '../wanted.ts'
import type { Rule } from './rule.ts'

/** Policies that are compared with each other for an undecided crossing: each with each. */
const MOST_COMPARED = 500
const MOST_CROSSINGS = 100

export const gatewayRules: Rule = function * (resources) {
  for (const kind of ['Gateway', 'Policy', 'Route'] as const) {
    const count = resources.all(kind).length
    if (count > 0) yield { level: 'notice', code: 'not-read-yet', says: `${count} ${kind} ${count === 1 ? 'resource is' : 'resources are'} kept and checked, and no gateway of this release reads ${count === 1 ? 'it' : 'them'} yet` }
  }
  yield * policies(resources)
  const routes = new Map<string, string>()
  for (const { name, spec } of resources.all('Route')) {
    const other = routes.get(spec.to)
    if (other !== undefined) yield { level: 'error', code: 'route-twice', resource: `Route/${name}`, pointer: '/spec/to', says: `Route/${name} and ${other} both say where '${spec.to}' goes; put all next hops into one of them` }
    routes.set(spec.to, `Route/${name}`)
  }
}

function * policies (resources: Resources): Generator<LintFinding> {
  const all = resources.all('Policy')
  const byPair = new Map<string, { name: string, spec: PolicySpec }>()
  for (const { name, spec } of all) {
    const pair = `${spec.ours} ${spec.peer}`
    const other = byPair.get(pair)
    if (other === undefined) byPair.set(pair, { name, spec })
    else if (rule(other.spec) === rule(spec)) yield { level: 'warning', code: 'policy-twice', resource: `Policy/${name}`, says: `Policy/${name} and Policy/${other.name} say the same of '${spec.ours}' and '${spec.peer}'; one of them is enough` }
    else yield { level: 'error', code: 'policies-contradict', resource: `Policy/${name}`, pointer: '/spec/action', says: `Policy/${name} (${spec.action}) and Policy/${other.name} (${other.spec.action}) differ about '${spec.ours}' and '${spec.peer}', and neither pattern is more exact; keep one` }
  }
  if (all.length > MOST_COMPARED) {
    yield { level: 'notice', code: 'policies-not-compared', says: `${all.length} policies are too many to compare each with each for crossings; ${MOST_COMPARED} is the most` }
    return
  }
  let crossings = 0
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      if (rule(a.spec) === rule(b.spec) || !crosses(a.spec, b.spec)) continue
      if (++crossings > MOST_CROSSINGS) return
      yield { level: 'warning', code: 'policies-cross', resource: `Policy/${b.name}`, says: `Policy/${a.name} ('${a.spec.ours}', '${a.spec.peer}': ${a.spec.action}) and Policy/${b.name} ('${b.spec.ours}', '${b.spec.peer}': ${b.spec.action}) both fit some pairs, each more exact on one side; write a policy for where they meet` }
    }
  }
}

function rule ({ action, tls, dialback, certificate, pins }: PolicySpec): string {
  return JSON.stringify([action, tls, dialback, certificate, pins])
}

/** Both fit some pair, and neither is the more exact one. */
function crosses (a: PolicySpec, b: PolicySpec): boolean {
  const [ours, peer] = [within(a.ours, b.ours), within(a.peer, b.peer)]
  return (ours === 'narrower' && peer === 'wider') || (ours === 'wider' && peer === 'narrower')
}

function within (a: string, b: string): 'equal' | 'narrower' | 'wider' | 'apart' {
  return a === b ? 'equal' : covers(b, a) ? 'narrower' : covers(a, b) ? 'wider' : 'apart'
}

function covers (wide: string, narrow: string): boolean {
  return wide === '*' || (wide.startsWith('*.') && narrow !== '*' && narrow.replace(/^\*\./, '.').endsWith(wide.slice(1)))
}
