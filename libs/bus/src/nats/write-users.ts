/** The files that NATS servers and their users need: what `deploy/nats/write-users.ts` writes. A key that is there is kept, so that a vantage, a gateway or a node can be added later. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { OperatorError } from '@dialtone/kernel'
import { nkeys } from 'nats'
import { natsAccounts, permissionsFor, type NatsApp } from './permissions.ts'
import { DEFAULT_STORE, SINGLE, proveNodes, serverText, storageFor, type NatsNode, type ServerOptions } from './server-configuration.ts'

export type NatsUsersOptions = ServerOptions & {
  /** Where the files are written; made when it is missing. */
  folder: string
  vantages: readonly string[]
  gateways?: readonly string[]
  /** A cluster of these, three or five; a file for each. Without: one server. */
  nodes?: readonly NatsNode[]
  /** Vantages and gateways that have a seed there and are not named lose it, and their user. Without: they are refused as `left-out`. */
  remove?: boolean
}

/**
 * Writes `nats-server.conf`, or `<node>.conf` for each node of a cluster, and the seeds `control.nk`, `probe-<vantage>.nk`, `gateway-<gateway>.nk` and `system.nk`
 * (all of mode 0600); returns their paths. Throws `bad-key`, `bad-listen`, `bad-node`, `bus-credentials`, `bus-tls` or `left-out`, then nothing but seeds is written; or `unwritable`.
 */
export function writeNatsUsers (options: NatsUsersOptions): string[] {
  try {
    return written(options)
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unwritable(error, options.folder) : error
  }
}

function written ({ folder, vantages: named, gateways: alsoNamed = [], nodes, storeDir = DEFAULT_STORE, remove = false, ...server }: NatsUsersOptions): string[] {
  const [vantages, gateways] = [[...new Set(named)], [...new Set(alsoNamed)]]
  if (nodes !== undefined) proveNodes(nodes)
  const apps: NatsApp[] = [{ app: 'control' }, ...vantages.map(vantage => ({ app: 'probe' as const, vantage })), ...gateways.map(gateway => ({ app: 'gateway' as const, gateway }))]
  const names = [...apps.map(app => permissionsFor(app).user), 'system'] // proves the names before a file is written
  const leftOut = seedsIn(folder).filter(seed => !names.includes(seed))
  if (leftOut.length > 0 && !remove) throw new OperatorError('left-out', `${leftOut.join(', ')} would no longer be known to the bus: name all vantages and gateways, or say that these are to go (--remove)`)
  // Those above belong to others as well: control reads beside it what it is told.
  makeFolder(dirname(resolve(folder)))
  makeFolder(resolve(folder), 0o700)
  proveAlone(folder, 0o002, 'whoever writes there can put seeds of their own in place of these: chmod o-w')
  const keys = names.map(name => ({ file: join(folder, `${name}.nk`), nkey: publicKeyIn(join(folder, `${name}.nk`)) }))
  const shared = keys.find(({ nkey }, at) => keys.findIndex(other => other.nkey === nkey) !== at)
  if (shared !== undefined) throw new OperatorError('bus-credentials', `${shared.file} holds the seed of another user as well, and the server knows each seed once: remove the file to have one made`)
  const [[control, ...others], system] = [keys.slice(0, -1), keys.at(-1)]
  if (control === undefined || system === undefined) return []
  const identities = (of: readonly string[], from: number) => Object.fromEntries(of.map((name, index) => [name, { nkey: others[from + index]?.nkey ?? '' }]))
  const storage = storageFor(vantages.length, gateways.length)
  const options = { ...server, storeDir: resolve(storeDir) }
  const begins = nodes === undefined
    ? [{ name: SINGLE, says: serverText(options, storage) }]
    : nodes.map(node => ({ name: node.name, says: serverText(options, storage, { node, nodes, secret: secretIn(join(folder, 'cluster.secret')) }) }))
  // What an account keeps is counted once for each replica.
  const accounts = natsAccounts({ nkey: control.nkey }, identities(vantages, 0), identities(gateways, vantages.length), { system: { nkey: system.nkey }, storage: { ...storage, fileBytes: begins.length * storage.fileBytes } })
  for (const seed of leftOut) rmSync(join(folder, `${seed}.nk`))
  for (const { name, says } of begins) write(join(folder, `${name}.conf`), `${HEAD}\n${says}\n\n${accounts}`)
  return [...begins.map(({ name }) => join(folder, `${name}.conf`)), ...keys.map(key => key.file)]
}

const HEAD = `# Written by deploy/nats/write-users.ts; run it again instead of changing this. The seeds beside it are secrets: each goes to its app and nowhere else.`

/** Of vantages and gateways, by the names of their users. */
function seedsIn (folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).flatMap(file => /^((?:probe|gateway)-.+)\.nk$/.exec(file)?.[1] ?? []).toSorted() : []
}

/** What was written here for other servers than these: it is not kept up to date any more. */
export function outdatedIn (folder: string, written: readonly string[]): string[] {
  return readdirSync(folder).filter(file => file.endsWith('.conf')).map(file => join(folder, file)).filter(file => !written.includes(file) && readFileSync(file, 'utf8').startsWith(HEAD)).toSorted()
}

/** Of the seed in the file, which is made when it is missing. */
function publicKeyIn (file: string): string {
  if (!existsSync(file)) write(file, `${new TextDecoder().decode(nkeys.createUser().getSeed())}\n`)
  proveAlone(file, 0o007, 'whoever has the seed passes for its app: chmod o-rwx, or remove it to have one made')
  try {
    return nkeys.fromSeed(new TextEncoder().encode(readFileSync(file, 'utf8').trim())).getPublicKey()
  } catch (error) {
    throw new OperatorError('bus-credentials', `there is no nkey seed in ${file} (${error instanceof Error ? error.message : String(error)}); remove the file to have one made`)
  }
}

/** By which the nodes know each other; made when it is missing. */
function secretIn (file: string): string {
  if (!existsSync(file)) write(file, `${randomBytes(24).toString('base64url')}\n`)
  const secret = readFileSync(file, 'utf8').trim()
  if (!/^[\w-]{16,}$/.test(secret)) throw new OperatorError('bus-credentials', `there is no secret of a cluster in ${file}; remove the file to have one made`)
  return secret
}

/** As `recursive` does, but for file systems that answer ENOENT whatever is there, as /proc does: there, Node tries for ever. */
function makeFolder (folder: string, mode?: number): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder, mode === undefined ? {} : { mode })
}

/** Refuses what is open to everybody by one of these bits. A group may be that of the app. */
function proveAlone (path: string, bits: number, why: string): void {
  const mode = statSync(path).mode & 0o777
  if ((mode & bits) !== 0) throw new OperatorError('bus-credentials', `${path} is open to everybody on this host (mode ${mode.toString(8).padStart(4, '0')}), and ${why}`)
}

const WHY: Readonly<Record<string, string>> = { EROFS: 'the file system is read-only', EACCES: 'this user may not', ENOSPC: 'the disk is full', ENOTDIR: 'it, or what it is in, is no folder', EEXIST: 'it is no folder', ENOENT: 'nothing can be made there' }

function unwritable (error: Error, folder: string): OperatorError {
  const code = 'code' in error ? String(error.code) : 'unknown'
  return new OperatorError('unwritable', `${'path' in error ? String(error.path) : folder} cannot be written or read (${WHY[code] ?? code}): name another folder, or let this user write there`)
}

/** Whole or not at all. */
function write (file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
