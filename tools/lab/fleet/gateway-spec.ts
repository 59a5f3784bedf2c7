// The gateway that EDGE federates through, as its resource: the world on one side, the server of EDGE on the other, with the gateway as its resolver.
import { join } from 'node:path'
import type { GatewaySpec } from '@dialtone/contracts'
import { EDGE, type World } from '../seams.ts'

/** `folder` holds `gateway.secret`, `edge.crt`, `edge.key` and `root.pem`. */
export function gatewaySpec (world: World, folder: string): GatewaySpec {
  const file = (name: string): string => `file:${join(folder, name)}`
  return {
    desired: 'running', drainSeconds: 5, secret: file('gateway.secret'),
    zones: [
      {
        name: 'world', side: 'external', listen: [{ address: world.gateway.outside, port: 5269 }], certificates: [{ certificate: file('edge.crt'), key: file('edge.key') }],
        anchors: { system: false, given: [file('root.pem')] }, resolver: { address: world.resolver.outside },
      },
      {
        name: 'plant', side: 'internal', domains: [EDGE], listen: [{ address: world.gateway.inside, port: 5269 }], allowNets: [...world.inside.nets],
        responder: {
          listen: [{ address: world.gateway.inside, port: 53 }], clients: [...world.inside.nets],
          gateway: { name: `gateway.${EDGE}`, addresses: [world.gateway.inside], port: 5269 }, forwardTo: [],
        },
      },
    ],
  }
}
