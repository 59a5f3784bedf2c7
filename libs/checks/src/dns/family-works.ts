// Does each published address family work? (RFC 8305, RFC 6724)
import type { EndpointObservation } from '@dialtone/contracts'
import { defineDomainCheck } from '../check.ts'
import { listed } from './asked.ts'

/** Compares the families over all advertised endpoints. A family that this vantage lacks is not tested, never dead. */
export const familyWorks = defineDomainCheck({
  id: 's2s.family-works',
  asks: 'Do IPv4 and IPv6 both work where both are published?',
  about: 'An endpoint works here when it sends a stream header. A dead family costs every peer a connect time-out that tries it first, and cuts off peers that have no other: an AAAA record whose server does not listen on IPv6 is the usual case.',
  outcomes: {
    both: { level: 'ok', says: 'answers over IPv4 and IPv6' },
    'ipv6-dead': { level: 'warning', says: 'publishes IPv6 addresses where nothing answers, while IPv4 works', suspect: 'peer', remedy: 'Let the server listen on IPv6 and open the firewall for it, or remove the AAAA record.' },
    'ipv4-dead': { level: 'warning', says: 'publishes IPv4 addresses where nothing answers, while IPv6 works', suspect: 'peer', remedy: 'Let the server listen on IPv4 and open the firewall for it, or remove the A record.' },
    neither: { level: 'error', says: 'answers over neither IPv4 nor IPv6', suspect: 'peer' },
    'not-tested': { level: 'unknown', says: 'was not tried over both families from here' },
  },
  judge: ({ endpoints }) => {
    const advertised = endpoints.filter(({ source }) => source !== 'port-probe')
    const [four, six] = ([4, 6] as const).map(family => advertised.filter(endpoint => endpoint.family === family))
    if (four === undefined || six === undefined || four.length === 0 || six.length === 0) return undefined
    if (!four.some(wasTried) || !six.some(wasTried)) return 'not-tested'
    const alive = { four: four.some(answers), six: six.some(answers) }
    if (alive.four && alive.six) return 'both'
    if (!alive.four && !alive.six) return 'neither'
    return alive.four ? { outcome: 'ipv6-dead', detail: addressesOf(six) } : { outcome: 'ipv4-dead', detail: addressesOf(four) }
  },
})

/** We had a route, and were allowed to. */
function wasTried ({ steps }: EndpointObservation): boolean {
  return steps.some(({ outcome, failure }) => outcome === 'ok' || (outcome === 'failed' && failure !== undefined && failure.at !== 'guard' && failure.at !== 'probe'))
}

function answers ({ steps }: EndpointObservation): boolean {
  return steps.some(({ stage, outcome }) => stage === 'header' && outcome === 'ok')
}

function addressesOf (endpoints: readonly EndpointObservation[]): string {
  return listed([...new Set(endpoints.map(({ address }) => address))].sort(), 6)
}
