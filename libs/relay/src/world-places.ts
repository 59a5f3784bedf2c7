// Addresses and blocks of an assignment: the shape that its schema asks for is not yet an address. What is none would stop a listener or a guard later, in the middle of something.
import { isIP } from 'node:net'
import type { GatewayAssignment } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { parseCidr } from '@dialtone/net'
import type { ConfigurationProblem } from './seams.ts'

/** Problems with every address and CIDR block that is none. */
export function * badPlaces ({ spec, domains, peers }: GatewayAssignment): Generator<ConfigurationProblem> {
  for (const [at, zone] of (spec.zones ?? []).entries()) {
    const pointer = `/spec/zones/${at}`
    const { responder, components, resolver, sourceAddress } = zone
    yield * addresses(`${pointer}/listen`, zone.listen)
    yield * addresses(`${pointer}/components/accept/listen`, components?.accept?.listen)
    yield * addresses(`${pointer}/responder/listen`, responder?.listen)
    yield * addresses(`${pointer}/responder/forwardTo`, responder?.forwardTo)
    for (const [i, address] of (responder?.gateway.addresses ?? []).entries()) yield * oneAddress(`${pointer}/responder/gateway/addresses/${i}`, address)
    yield * oneAddress(`${pointer}/resolver/address`, resolver?.address)
    yield * oneAddress(`${pointer}/sourceAddress`, sourceAddress)
    yield * blocks(`${pointer}/from`, zone.from)
    yield * blocks(`${pointer}/proxies`, zone.proxies)
    yield * blocks(`${pointer}/allowNets`, zone.allowNets)
    yield * blocks(`${pointer}/responder/clients`, responder?.clients)
  }
  for (const [name, { allowNets }] of Object.entries(domains)) yield * blocks(`/domains/${name}/allowNets`, allowNets)
  for (const [name, { allowNets }] of Object.entries(peers)) yield * blocks(`/peers/${name}/allowNets`, allowNets)
}

function * addresses (pointer: string, places: readonly { address: string }[] = []): Generator<ConfigurationProblem> {
  for (const [i, { address }] of places.entries()) yield * oneAddress(`${pointer}/${i}/address`, address)
}

function * oneAddress (pointer: string, address: string | undefined): Generator<ConfigurationProblem> {
  if (address !== undefined && isIP(address) === 0) yield { pointer, says: `'${address}' is no IPv4 or IPv6 address; write one like 192.0.2.1 or 2001:db8::1` }
}

function * blocks (pointer: string, nets: readonly string[] = []): Generator<ConfigurationProblem> {
  for (const [i, net] of nets.entries()) {
    try {
      parseCidr(net)
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      yield { pointer: `${pointer}/${i}`, says: `'${net}' is no block of addresses; write one like 10.0.0.0/8 or fd00::/8` }
    }
  }
}
