/**
 * The policy matrix of gateways.md 9.2: every policy about how a pair is authenticated, every certificate that a server may show, and worlds in which each policy holds for
 * a domain of ours that is numbered like it.
 */
import type { GatewayAssignment, PolicySpec, ZoneSpec } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { DIGEST, RANDOM } from '@dialtone/net'
import { lintAssignment } from '@dialtone/routing'
import { keysOf } from '@dialtone/stream'
import { certificateFor, trustedRoot, type CertificateSpec } from '@dialtone/zoo'
import type { World } from '../seams.ts'
import { createWorld } from '../world.ts'
import { oursAsIn, type Policy, type Shown } from './oracle.ts'

export const PEER = 'partner.example'
/** Of the peer's own server. */
export const PEER_KEYS = keysOf('the secret of the peer, which nobody else has', DIGEST)

/** All of them, whether or not they make sense. */
export const POLICIES: readonly Policy[] = product({
  tls: ['none', 'optional', 'required'], certificate: ['any', 'valid', 'pinned'], dialback: ['never', 'over-tls', 'always'], external: [true, false], withoutDialback: [true, false],
})

/** In a name; `wrong-name` is in another. */
const SPECS: { [S in Exclude<Shown, 'none'>]: (name: string) => CertificateSpec } = {
  valid: name => ({ names: { dns: [name] } }),
  'server-only': name => ({ names: { dns: [name] }, usages: ['serverAuth'] }),
  'client-only': name => ({ names: { dns: [name] }, usages: ['clientAuth'] }),
  expired: name => ({ names: { dns: [name] }, validDays: { from: -30, to: -1 } }),
  'self-signed': name => ({ names: { dns: [name] }, issuer: 'self' }),
  'wrong-name': () => ({ names: { dns: ['stranger.example'] } }),
  'unknown-authority': name => ({ names: { dns: [name] }, issuer: 'unknown' }),
  'other-key': name => ({ names: { dns: [name] }, commonName: 'Another key' }),
}
/** What a peer may show inside TLS. Pins are the keys of all but the last, so that a pin alone is worth nothing. */
export const CERTIFICATES = Object.keys(SPECS) as readonly Exclude<Shown, 'none'>[]

export function shown (which: Exclude<Shown, 'none'>, name: string = PEER): ReturnType<typeof certificateFor> {
  return certificateFor(SPECS[which](name))
}

/** Of the thousands of handshakes, the groups that are quick: what is agreed on makes no difference here. */
export const QUICK = 'X25519'
export const CLOCK = { now: () => Date.now(), elapsed: () => performance.now() }

/** A world with one policy for each of these, and the problems that it has. `certificate`: whether we have one to show. */
export async function worldOf (policies: readonly Policy[], { certificate }: { certificate: boolean }): Promise<World> {
  return await worldFrom(await assignmentOf(policies, certificate))
}

/** A world with one internal zone for each of these policies, which say what a zone can say: servers of the zone have the domain that is named like it. The gateway has a certificate as PEER. */
export async function insideWorldOf (policies: readonly Policy[]): Promise<World> {
  return await worldFrom(await insideAssignmentOf(policies))
}

/** Whether the linter takes a configuration with an internal zone like this. */
export async function isTakenInside (policy: Policy): Promise<boolean> {
  const { assignment } = await insideAssignmentOf([policy])
  return lintAssignment(assignment, Date.now()).every(({ level }) => level !== 'error')
}

type Given = { assignment: GatewayAssignment, files: Record<string, string> }

async function worldFrom (given: Given): Promise<World> {
  const made = await createWorld(given.assignment, {
    salt: 'salt', clock: CLOCK, random: RANDOM,
    readSecret: async reference => {
      const text = given.files[reference]
      if (text === undefined) throw new OperatorError('no-file', `there is no ${reference}`)
      return Buffer.from(text)
    },
  })
  if ('problems' in made) throw new Error(JSON.stringify(made.problems))
  return made.world
}

/** Whether the linter takes a configuration with this one policy. */
export async function isTaken (policy: Policy): Promise<boolean> {
  const { assignment } = await assignmentOf([policy], true)
  return lintAssignment(assignment, Date.now()).every(({ level }) => level !== 'error')
}

async function assignmentOf (policies: readonly Policy[], certificate: boolean): Promise<Given> {
  const [own, root, pins] = await Promise.all([certificateFor({ names: { dns: ['*.ours.example'] } }), trustedRoot(), Promise.all(CERTIFICATES.slice(0, -1).map(async which => Buffer.from((await shown(which)).spkiSha256).toString('hex')))])
  const place = { address: '127.0.0.1', port: 0 }
  const common: Pick<ZoneSpec, 'anchors' | 'resolver' | 'allowNets'> = { anchors: { system: false, given: ['file:/root.pem'] }, resolver: { address: '127.0.0.1', port: 9 }, allowNets: ['127.0.0.0/8'] }
  const outside: ZoneSpec = {
    // The policies say all of it, whatever the zone does. A gateway without a certificate may not listen for direct TLS.
    name: 'outside', side: 'external', tls: 'optional', dialback: 'always', listen: [place, ...(certificate ? [{ address: '127.0.0.2', port: 0, kind: 'direct' as const }] : [])], ...common,
    ...(certificate ? { certificates: [{ certificate: 'file:/own.pem', key: 'file:/own.key' }] } : {}),
  }
  const specOf = (policy: Policy): PolicySpec => ({
    ours: oursAsIn(policy), peer: '*', action: 'allow', ...policy, bidi: false, streamManagement: false, limits: { streams: 1000 }, reason: 'a test', ...(policy.certificate === 'pinned' ? { pins } : {}),
  })
  return {
    assignment: {
      v: 1, revision: 1, gateway: 'edge', routes: {}, domains: {}, peers: {},
      spec: { desired: 'running', secret: 'file:/secret', zones: [outside, { name: 'inside', side: 'internal', listen: [], domains: ['*.ours.example'], ...common }] },
      policies: Object.fromEntries(policies.map(policy => [oursAsIn(policy).replaceAll('.', '-'), specOf(policy)])),
    },
    files: { 'file:/root.pem': root, 'file:/own.pem': own.chain, 'file:/own.key': own.key, 'file:/secret': 'e3a5'.repeat(16) },
  }
}

async function insideAssignmentOf (policies: readonly Policy[]): Promise<Given> {
  const { assignment, files } = await assignmentOf([], true)
  const own = await certificateFor({ names: { dns: [PEER] } })
  const { zones: [outside, inside] = [] } = assignment.spec
  if (outside === undefined || inside === undefined) throw new Error('there is no zone')
  const zones = policies.map((policy, at): ZoneSpec => {
    const { tls, dialback, certificate } = policy
    if (certificate === 'pinned') throw new Error('a zone has no pins')
    return {
      ...inside, name: `inside-${at}`, domains: [oursAsIn(policy)], tls, dialback, certificate, certificates: [{ certificate: 'file:/peer.pem', key: 'file:/peer.key' }],
      listen: [{ address: `127.0.${at + 1}.1`, port: 0 }, ...(tls === 'none' ? [] : [{ address: `127.0.${at + 1}.2`, port: 0, kind: 'direct' as const }])],
    }
  })
  return { assignment: { ...assignment, spec: { ...assignment.spec, zones: [outside, ...zones] } }, files: { ...files, 'file:/peer.pem': own.chain, 'file:/peer.key': own.key } }
}

/** One object for each combination of one value of each. */
export function product<T extends Record<string, unknown>> (values: { [K in keyof T]: readonly T[K][] }): T[] {
  return Object.entries<readonly unknown[]>(values).reduce<Record<string, unknown>[]>((all, [name, each]) => all.flatMap(one => each.map(value => ({ ...one, [name]: value }))), [{}]) as T[]
}

/** So many at a time, each once, in order. Rejects with the first that rejects. */
export async function inParallel<T> (items: readonly T[], atOnce: number, run: (item: T, at: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < items.length) {
      const at = next++
      await run(items[at] as T, at)
    }
  }))
}
