// The gateway in the bench: one process, one external and one internal zone, a policy with limits, its counters on; the sink is an inside
// server that streams go to, or a component that it accepts.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayAssignment } from '@dialtone/contracts'
import { certificateOf, testRoot } from '@dialtone/testkit'
import { ADDRESSES, COMPONENT_SECRET, INSIDE, OUTSIDE } from './names.ts'
import type { Accounts, Program } from './programs.ts'
import { startHelper, type Helper } from './remote.ts'
import type { ServedErrands } from './served.ts'
import type { World } from './world.ts'

export type Attachment = 'server' | 'component'
export type Gateway = Program & {
  helper: Helper<ServedErrands>
  /** What it was told; `desired` and limits may be changed and told again. */
  assignment: GatewayAssignment
}

const COMPONENT_PORT = 5347
/** As bin/dialtone starts it. */
const LAUNCHED = ['--max-semi-space-size=1']
/** For its process: `RELAY_NODE_OPTIONS='--cpu-prof --cpu-prof-dir=DIRECTORY'`. */
const NODE_OPTIONS = process.env['RELAY_NODE_OPTIONS']?.split(' ') ?? []

/** Starts it and tells it its configuration; throws with what it finds wrong there. */
export async function startGateway (world: World, attachment: Attachment): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-relay-'))
  const secret = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return `file:${join(folder, name)}`
  }
  const certificate = await certificateOf('good', INSIDE)
  const assignment = assignmentOf(attachment, {
    external: secret('external', 'the secret of the outside, of more than 128 bits'), internal: secret('internal', 'the secret of the inside, of more than 128 bits'),
    component: secret('component', COMPONENT_SECRET), root: secret('root.pem', await testRoot()),
    certificate: secret('certificate.pem', certificate.chain), key: secret('key.pem', certificate.key),
  })
  const helper = startHelper<ServedErrands>(world.host, join(import.meta.dirname, 'served.ts'), ['--expose-gc', ...LAUNCHED, ...NODE_OPTIONS])
  const stop = async (): Promise<void> => {
    await helper.stop()
    if (existsSync(folder)) rmSync(folder, { recursive: true })
  }
  try {
    await helper.ask('configure', { assignment })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    helper, assignment, stop, pid: helper.pid, outside: { address: ADDRESSES.program, port: 5269 }, logs: () => '',
    attach: async sink => {
      if (attachment === 'component') await sink.ask('component', { server: { address: ADDRESSES.gate, port: COMPONENT_PORT }, name: INSIDE, secret: COMPONENT_SECRET })
      else await sink.ask('server', { place: { address: ADDRESSES.inside, port: 5269 }, authoritative: { address: ADDRESSES.gate, port: 5269 } })
    },
    accounts: async () => accountsOf(await helper.ask('presence', undefined)),
  }
}

/** Throws where its own sum is wrong. */
export function accountsOf ({ stanzas }: Awaited<ReturnType<ServedErrands['presence']>>): Accounts {
  const { accepted, outcomes, queued, onStream } = stanzas
  const sum = Object.values(outcomes).reduce((all, each) => all + each, 0) + queued + onStream
  if (sum !== accepted) throw new Error(`the gateway accepted ${accepted} stanzas and knows of ${sum}: ${JSON.stringify(stanzas)}`)
  const { bounced, expired, 'dropped-by-rule': dropped, 'unknown-fate': unknown } = outcomes
  return { accepted, undelivered: { bounced, expired, dropped, unknown, queued } }
}

type Secrets = Record<'external' | 'internal' | 'component' | 'root' | 'certificate' | 'key', string>

function assignmentOf (attachment: Attachment, secrets: Secrets): GatewayAssignment {
  return {
    v: 1, revision: 1, gateway: 'bench', routes: {}, peers: {},
    spec: {
      desired: 'running', drainSeconds: 30,
      zones: [
        {
          name: 'outside', side: 'external', listen: [{ address: ADDRESSES.program, port: 5269 }], secret: secrets.external, certificates: [{ certificate: secrets.certificate, key: secrets.key }],
          anchors: { system: false, given: [secrets.root] }, resolver: { address: ADDRESSES.resolver }, sourceAddress: ADDRESSES.program, tls: 'optional', dialback: 'always', certificate: 'any',
        },
        {
          name: 'inside', side: 'internal', listen: [{ address: ADDRESSES.gate, port: 5269 }], domains: [INSIDE], secret: secrets.internal, resolver: { address: ADDRESSES.resolver },
          allowNets: [`${ADDRESSES.inside}/32`], sourceAddress: ADDRESSES.gate, tls: 'optional', dialback: 'always', certificate: 'any',
          ...(attachment === 'component' ? { components: { accept: { listen: [{ address: ADDRESSES.gate, port: COMPONENT_PORT }], domains: { [INSIDE]: secrets.component } } } } : {}),
        },
      ],
      // All domains of the outside are at one address here.
      limits: { connections: 10_000, connectionsPerAddress: 10_000, acceptsPerSecond: 100_000 },
    },
    policies: {
      bench: {
        ours: INSIDE, peer: `*.${OUTSIDE}`, action: 'allow', tls: 'optional', dialback: 'always', certificate: 'any', limits: { stanzaBytes: 262_144, bytesPerSecond: 1_000_000_000, stanzasPerSecond: 1_000_000 },
      },
    },
    domains: { [INSIDE]: attachment === 'component' ? {} : { internal: [{ host: ADDRESSES.inside, port: 5269 }], allowNets: [`${ADDRESSES.inside}/32`] } },
  }
}
