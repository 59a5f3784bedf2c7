// Where do the peer's own connections come from?
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { listed } from '../dns/asked.ts'
import { addressIn, addressesOf, comesFrom } from './seen.ts'

export const callbackSource = defineDomainCheck({
  id: 's2s.callback-source',
  asks: 'Do the peer’s callbacks come from an address that it publishes?',
  about: 'Evidence only, never a fault: ejabberd dials from the primary address of its route, and NAT changes what is seen. It tells a firewall administrator which address must be let in. A callback belongs to a check by its pair and stream id, not by where it comes from.',
  outcomes: {
    published: { level: 'ok', says: 'calls back from addresses that it publishes' },
    other: { level: 'notice', says: 'calls back from an address that is none of its published ones', remedy: 'Let firewalls and allow-lists know this address too.' },
    'not-known': { level: 'unknown', says: 'calls back, and none of its own addresses is known here' },
  },
  judge: observation => {
    const { deep } = observation
    if (deep === undefined || deep.callbacks.length === 0) return undefined
    const own = addressesOf(observation)
    const sources = [...new Set(deep.callbacks.map(({ source }) => source))].toSorted()
    const strange = sources.filter(source => !comesFrom(source, own))
    if (own.length === 0) return { outcome: 'not-known', detail: shown(sources) }
    return strange.length === 0 ? { outcome: 'published', detail: shown(sources) } : { outcome: 'other', detail: shown(strange) }
  },
})

function shown (sources: readonly string[]): string {
  return listed([...new Set(sources.map(source => quoted(addressIn(source), 60)))], 4)
}
