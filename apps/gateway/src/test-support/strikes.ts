// The faults that tests of conservation have in common: what happens to the servers, and what an operator changes for a while.
import type { PolicySpec } from '@dialtone/contracts'
import type { Fault } from './faults.ts'
import type { Change, Scripted } from './federation.ts'

export const KINDS = ['cut-taken-outside', 'cut-taken-inside', 'cut-opened-outside', 'cut-opened-inside', 'peer-killed', 'inside-restarted', 'policy', 'peer-drained', 'retry'] as const
export type Kind = (typeof KINDS)[number]

export type Strikes = {
  /** Resolves when what was broken is whole again. */
  strike: (fault: Fault<Kind>) => Promise<void>
  /** What operators want at this moment. */
  wanted: () => Pick<Change, 'policies' | 'peers'>
}
type Options = {
  federation: Scripted
  /** All say goodbye before they go, with the footer alone: nothing then has an unknown fate. */
  gentle?: boolean
  /** Tells the gateway what is wanted. */
  apply: () => Promise<void>
  retry: () => Promise<void>
}

export function createStrikes ({ federation, gentle = false, apply, retry }: Options): Strikes {
  const policies = new Map<string, PolicySpec>()
  const peers = new Map<string, 'draining' | 'enabled'>()
  /** For a while. */
  const meanwhile = async (ms: number, begin: () => void, end: () => void): Promise<void> => {
    begin()
    await apply()
    await pause(ms)
    end()
    await apply()
  }
  const strike = async ({ kind, picks: [a, b, c] }: Fault<Kind>): Promise<void> => {
    const how = gentle ? 'footer' : (['reset', 'closed', 'goodbye', 'footer'] as const)[b % 4] ?? 'reset'
    const server = (side: 'outside' | 'inside') => federation[side][a % federation[side].length]
    const { ours, peer } = federation.pairs[a % federation.pairs.length] ?? { ours: '', peer: '' }
    const whileMs = 50 + c % 250
    switch (kind) {
      case 'cut-taken-outside': return void server('outside')?.cut('taken', how, c)
      case 'cut-taken-inside': return void server('inside')?.cut('taken', how, c)
      case 'cut-opened-outside': return void server('outside')?.cut('opened', how, c)
      case 'cut-opened-inside': return void server('inside')?.cut('opened', how, c)
      case 'peer-killed':
      case 'inside-restarted': {
        const one = server(kind === 'peer-killed' ? 'outside' : 'inside')
        one?.stop(gentle ? 'footer' : kind === 'peer-killed' ? 'killed' : 'goodbye')
        await pause(whileMs)
        return await one?.start()
      }
      case 'policy': return await meanwhile(whileMs, () => policies.set('fault', policyOf(ours, peer, b)), () => policies.delete('fault'))
      case 'peer-drained': return await meanwhile(whileMs, () => peers.set(peer, 'draining'), () => peers.set(peer, 'enabled'))
      case 'retry': return await retry()
    }
  }
  return { strike, wanted: () => ({ policies: Object.fromEntries(policies), peers: Object.fromEntries(peers) }) }
}

function policyOf (ours: string, peer: string, pick: number): PolicySpec {
  const base = { ours: pick % 2 === 0 ? ours : '*', peer, action: 'allow' } as const
  return ([
    { ...base, action: 'deny' }, { ...base, action: 'hold' }, { ...base, action: 'shadow-deny' }, { ...base, limits: { stanzasPerSecond: 100 } }, { ...base, limits: { queueStanzas: 3 } }, { ...base, direction: 'inbound', action: 'deny' }, { ...base, limits: { stanzaBytes: 300 } },
  ] satisfies PolicySpec[])[pick % 7] ?? base
}

/** How many stanzas each pair has to send by now, so that a machine that has other things to do sends as many in all: a rate for 10 ms, and a bound. */
export function createPace (perTick: number): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const due = Math.floor((now - last) * perTick / 10)
    if (due === 0) return 0
    last = now
    return Math.min(due, perTick * 10)
  }
}

export function pause (ms: number): Promise<void> {
  return new Promise(resolve => { setTimeout(resolve, ms) })
}

/** Looks again and again until it is so; fails with what `says` says when it has not become so in half a minute. */
export async function until (so: () => boolean | Promise<boolean>, says: () => string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!await so()) {
    if (performance.now() > deadline) throw new Error(says())
    await pause(10)
  }
}
