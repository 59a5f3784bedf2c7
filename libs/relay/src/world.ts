/**
 * From an assignment to a `World`: every reference read and proved, each zone with keys, certificates, resolver and legs of its own (gateways.md 5.0 I8, 5.12; row D5). All or
 * nothing: what is wrong is told with its place, and whoever asked keeps the world that it has.
 */
import type { GatewayAssignment, GatewayPresence, SecretRef, ZoneSpec } from '@dialtone/contracts'
import { NO_METER, OperatorError, type Clock, type Meter, type Random } from '@dialtone/kernel'
import { DIGEST, certificatesOf, createResolver, secretPrint, secretTextOf, systemResolver, type Resolver } from '@dialtone/net'
import { PRIVATE_NETS, compilePolicy, legOfZone, lintAssignment, type PolicyTable } from '@dialtone/routing'
import { keysOf } from '@dialtone/stream'
import { createMint } from './attach/mint/mint.ts'
import type { ConfigurationProblem, KeyPair, Mint, World, Zone } from './seams.ts'
import { chooserOf, heldCertificate, oddities, type HeldCertificate } from './world-certificates.ts'
import { mostBits, strongSecret, zoneSecret } from './world-secrets.ts'

export type WorldOptions = {
  /** Rejects with an OperatorError that says why. */
  readSecret: (reference: SecretRef) => Promise<Buffer>
  /** For the prints of secrets. */
  salt: string
  clock: Clock
  random: Random
  /** Default one that counts nothing. */
  meter?: Meter
  /** The world that this one replaces: secrets that were made stay, and what changed is told. */
  previous?: World
}
export type WorldFinding = GatewayPresence['findings'][number]
/** `findings`: what works and should be mended. */
export type NewWorld = { world: World, findings: readonly WorldFinding[] }

/** Of one try of a question; UDP is tried twice. */
const DNS_TIMEOUT_MS = 2500
const MADE_SECRET_BYTES = 32
/** Before a private authority ends: its successor has to be trusted on every inside server. */
const AUTHORITY_WARNS_MS = 60 * 24 * 3_600_000

/** Reads everything that the assignment refers to. Resolves with the world, or with all that is wrong, as JSON pointers into the assignment. */
export async function createWorld (assignment: GatewayAssignment, options: WorldOptions): Promise<NewWorld | { problems: readonly ConfigurationProblem[] }> {
  const { clock } = options
  const linted = lintAssignment(assignment, clock.now())
  const problems: ConfigurationProblem[] = linted.filter(({ level }) => level === 'error').map(({ pointer, says }) => ({ pointer, says }))
  const findings: WorldFinding[] = linted.filter(({ level }) => level === 'warning').map(({ says }) => ({ what: 'configuration', unhealthy: false, says: cut(says) }))
  if (problems.length > 0) return { problems }

  const table = compilePolicy(assignment)
  const reading = readingOf(options, problems, findings)
  const master = await secretOf(reading, '/spec/secret', assignment.spec.secret)
  const zones = new Map<string, Zone>()
  const certificateEnds = new Map<string, number>()
  for (const [at, spec] of (assignment.spec.zones ?? []).entries()) {
    const pointer = `/spec/zones/${at}`
    const zone = await zoneIn(reading, pointer, spec, master)
    const held = await certificatesIn(reading, pointer, spec)
    const choose = chooserOf(held, clock.now())
    const mint = await mintIn(reading, pointer, spec)
    // Of ours it makes none: those that are inside know each other by what they have.
    const minted = (domain: string) => domain === '' || table.zoneOf(domain) !== undefined ? undefined : mint?.certificateFor(domain)
    const certificateFor = (domain: string) => choose(domain)?.pair ?? minted(domain) ?? (spec.side === 'internal' ? held[0]?.pair : undefined)
    zones.set(spec.name, { ...zone, certificates: held.map(({ pair }) => pair), certificateFor, ...(mint === undefined ? {} : { mint }) })
    if (spec.side === 'external') checkServed(reading, pointer, spec, servedBy(assignment), choose, certificateEnds)
  }
  const anchors = new Map<string, Zone['anchors']>()
  for (const [name, { anchors: given }] of Object.entries(assignment.policies)) if (given !== undefined) anchors.set(name, await anchorsIn(reading, `/policies/${name}/anchors`, given))
  refuseEqualSecrets(assignment, zones, problems)
  if (problems.length > 0) return { problems }
  const world = worldOf(assignment, table, zones, anchors, certificateEnds, clock)
  return { world, findings }
}

function worldOf (assignment: GatewayAssignment, table: PolicyTable, zones: ReadonlyMap<string, Zone>, anchors: ReadonlyMap<string, Zone['anchors']>, certificateEnds: ReadonlyMap<string, number>, clock: Clock): World {
  const external = [...zones.values()].find(({ side }) => side === 'external')
  const { domains, peers } = assignment
  return {
    revision: assignment.revision, assignment, zones, external, certificateEnds,
    zoneOf: domain => {
      const name = table.zoneOf(domain)
      return name === undefined ? undefined : zones.get(name)
    },
    decide: (sides, direction) => table.decide(sides, direction, clock.now()),
    anchorsFor: ({ policy }) => (policy === undefined ? undefined : anchors.get(policy)) ?? external?.anchors ?? SYSTEM_ANCHORS,
    wayTo: table.wayTo,
    allowNetsFor: domain => {
      const way = table.wayTo(domain)
      const from = domains[way?.by === 'internal' ? way.name : domain] ?? peers[domain]
      // Whoever writes an address down means it.
      const written = (way?.hops ?? []).flatMap(({ host }) => /^[0-9.]+$/.test(host) ? [`${host}/32`] : host.includes(':') ? [`${host}/128`] : [])
      return [...new Set([...from?.allowNets ?? [], ...written])]
    },
  }
}

const SYSTEM_ANCHORS: Zone['anchors'] = { system: true, given: [] }

/** What reading the references of one assignment needs; each is read once. `attempt`: what an operator has to mend becomes a problem at its place. */
type Reading = {
  options: WorldOptions
  problems: ConfigurationProblem[]
  findings: WorldFinding[]
  bytes: (reference: SecretRef) => Promise<Buffer>
  attempt: <T>(pointer: string, what: () => Promise<T> | T) => Promise<T | undefined>
}

function readingOf (options: WorldOptions, problems: ConfigurationProblem[], findings: WorldFinding[]): Reading {
  const read = new Map<SecretRef, Promise<Buffer>>()
  return {
    options, problems, findings,
    bytes: reference => {
      const known = read.get(reference) ?? options.readSecret(reference)
      read.set(reference, known)
      return known
    },
    attempt: async (pointer, what) => {
      try {
        return await what()
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error
        problems.push({ pointer, says: error.message })
        return undefined
      }
    },
  }
}

/** The text of a dialback secret; undefined where there is none, or a problem. */
function secretOf ({ attempt, bytes, findings }: Reading, pointer: string, reference: SecretRef | undefined): Promise<string | undefined> {
  return attempt(pointer, async () => {
    if (reference === undefined) return undefined
    const { text, weak } = strongSecret(await bytes(reference), `the secret '${reference}'`)
    if (weak !== undefined) findings.push({ what: 'secret', unhealthy: false, says: cut(weak) })
    return text
  })
}

async function zoneIn (reading: Reading, pointer: string, spec: ZoneSpec, master: string | undefined): Promise<Omit<Zone, 'certificates' | 'certificateFor'>> {
  const { options: { salt, random, previous }, attempt, findings } = reading
  const own = await secretOf(reading, `${pointer}/secret`, spec.secret)
  const given = own ?? (master === undefined ? undefined : zoneSecret(master, spec.name))
  const before = previous?.zones.get(spec.name)
  const kept = given === undefined && before?.secretMade === true ? before : undefined
  const secret = given ?? Buffer.from(random.bytes(MADE_SECRET_BYTES)).toString('hex')
  if (given === undefined && spec.secret === undefined) findings.push({ what: 'secret', unhealthy: false, says: `zone '${spec.name}' has no dialback secret, so one was made for this process: several gateways that answer for the same domains would need one in common, in the gateway's 'secret'` })
  return {
    name: spec.name, side: spec.side, spec,
    keys: kept?.keys ?? keysOf(secret, DIGEST), secretPrint: kept?.secretPrint ?? secretPrint(secret, salt), secretMade: given === undefined,
    componentSecret: await componentSecretsIn(reading, pointer, spec),
    anchors: spec.anchors === undefined ? SYSTEM_ANCHORS : await anchorsIn(reading, `${pointer}/anchors`, spec.anchors),
    resolver: await attempt(`${pointer}/resolver`, () => createResolver({ ...resolverOf(spec), timeoutMs: DNS_TIMEOUT_MS })) ?? NO_RESOLVER,
    allowNets: spec.allowNets ?? (spec.side === 'internal' ? PRIVATE_NETS : []),
    leg: legOfZone(spec),
  }
}

/** Stands where a problem was told; a world with problems is never handed out. */
const NO_RESOLVER: Resolver = { ask: () => Promise.reject(new Error('no resolver')) }

function resolverOf ({ name, resolver }: ZoneSpec): { address: string, port: number } {
  if (resolver !== undefined) return { address: resolver.address, port: resolver.port ?? 53 }
  try {
    return systemResolver()
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('no-resolver', `zone '${name}' names no resolver and the system has none: give the zone a 'resolver'`)
  }
}

async function componentSecretsIn ({ attempt, bytes, findings }: Reading, pointer: string, { components }: ZoneSpec): Promise<Zone['componentSecret']> {
  const secrets = new Map<SecretRef, string>()
  const take = (at: string, reference: SecretRef) => attempt(`${pointer}/components/${at}`, async () => {
    const text = secretTextOf(await bytes(reference), `the component's secret '${reference}'`)
    if (mostBits(text) < 64) findings.push({ what: 'secret', unhealthy: false, says: cut(`the component's secret '${reference}' can be guessed; make one with: openssl rand -base64 32`) })
    secrets.set(reference, text)
  })
  for (const [domain, reference] of Object.entries(components?.accept?.domains ?? {})) await take(`accept/domains/${domain}`, reference)
  for (const [at, { secret }] of (components?.connect ?? []).entries()) await take(`connect/${at}/secret`, secret)
  return reference => {
    const secret = secrets.get(reference)
    if (secret === undefined) throw new Error(`'${reference}' is no secret of a component of this zone`)
    return secret
  }
}

async function anchorsIn ({ attempt, bytes }: Reading, pointer: string, { system, given }: { system: boolean, given: readonly SecretRef[] }): Promise<Zone['anchors']> {
  const found: string[] = []
  for (const [at, reference] of given.entries()) found.push(...await attempt(`${pointer}/given/${at}`, async () => certificatesOf((await bytes(reference)).toString('utf8'), `the trust anchor '${reference}'`)) ?? [])
  return { system, given: found }
}

async function certificatesIn ({ options, attempt, bytes, findings }: Reading, pointer: string, spec: ZoneSpec): Promise<HeldCertificate[]> {
  const before = new Map(options.previous?.zones.get(spec.name)?.certificates.map(pair => [pair.certificate + pair.key, pair]))
  const found: HeldCertificate[] = []
  for (const [at, { certificate, key }] of (spec.certificates ?? []).entries()) {
    await attempt(`${pointer}/certificates/${at}`, async () => {
      const held: KeyPair = { certificate: (await bytes(certificate)).toString('utf8'), key: (await bytes(key)).toString('utf8') }
      const one = heldCertificate(before.get(held.certificate + held.key) ?? held, { certificate: `the certificate '${certificate}'`, key: `the key '${key}'` })
      for (const { unhealthy, says } of oddities(one, options.clock.now())) findings.push({ what: 'certificate', unhealthy, says: cut(says) })
      found.push(one)
    })
  }
  return found
}

/** The private authority of an internal zone; the one that there is while its files are the same, with what it has made. */
function mintIn ({ options: { clock, random, meter, previous }, attempt, bytes, findings }: Reading, pointer: string, { name, mint }: ZoneSpec): Promise<Mint | undefined> {
  return attempt(`${pointer}/mint`, async () => {
    if (mint === undefined) return undefined
    const authority: KeyPair = { certificate: (await bytes(mint.certificate)).toString('utf8'), key: (await bytes(mint.key)).toString('utf8') }
    const before = previous?.zones.get(name)?.mint
    const same = before?.authority.certificate === authority.certificate && before.authority.key === authority.key
    const made = same && before.ends > clock.now() ? before : createMint({ zone: name, authority, named: `'${mint.certificate}'`, clock, random, meter: meter ?? NO_METER })
    if (made.ends - clock.now() < AUTHORITY_WARNS_MS) findings.push({ what: 'certificate', unhealthy: false, says: cut(`the authority '${mint.certificate}' of zone '${name}' ends at ${new Date(made.ends).toISOString()}: make another, and trust it on the inside servers before`) })
    return made
  })
}

/** Inside domains that are written out, whoever has them: what the outside is told to find here. */
function servedBy ({ spec }: GatewayAssignment): string[] {
  return (spec.zones ?? []).flatMap(({ side, domains = [], components }) => side === 'external' ? [] : [...domains.filter(pattern => !pattern.startsWith('*')), ...Object.keys(components?.accept?.domains ?? {})])
}

/** Rule L8. Where TLS is required, a domain without a certificate can never be reached; elsewhere it is worth a word. */
function checkServed ({ problems, findings }: Reading, pointer: string, spec: ZoneSpec, served: readonly string[], choose: (domain: string) => HeldCertificate | undefined, ends: Map<string, number>): void {
  const { tls } = legOfZone(spec)
  for (const domain of served) {
    const held = choose(domain)
    if (held !== undefined) ends.set(domain, held.facts.notAfter)
    else if (tls === 'required') problems.push({ pointer: `${pointer}/certificates`, says: `no certificate of zone '${spec.name}' has the name ${domain}, which it serves with TLS required: peers refuse what is shown to them; add one with this name` })
    else if (tls === 'optional' && (spec.certificates ?? []).length > 0) findings.push({ what: 'certificate', unhealthy: false, says: cut(`no certificate of zone '${spec.name}' has the name ${domain}: it is served without TLS; add one with this name`) })
  }
}

/** Row D5: a key that was made in one zone must be worth nothing in another. */
function refuseEqualSecrets ({ spec }: GatewayAssignment, zones: ReadonlyMap<string, Zone>, problems: ConfigurationProblem[]): void {
  const byPrint = new Map<string, string>()
  for (const [at, { name }] of (spec.zones ?? []).entries()) {
    const print = zones.get(name)?.secretPrint ?? ''
    const other = byPrint.get(print)
    if (other !== undefined) problems.push({ pointer: `/spec/zones/${at}/secret`, says: `zones '${other}' and '${name}' have the same dialback secret: who learns keys in one could use them in the other; give each its own, or only the gateway a 'secret', of which each zone's is derived` })
    byPrint.set(print, name)
  }
}

/** Presence holds no longer sentences. */
function cut (says: string): string {
  return says.length <= 400 ? says : `${says.slice(0, 399)}…`
}
