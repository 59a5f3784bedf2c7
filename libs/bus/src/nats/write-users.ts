/** The files that a NATS server and its users need: what `deploy/nats/write-users.ts` writes. A key that is there is kept, so that a vantage or a gateway can be added later. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OperatorError } from '@dialtone/kernel'
import { nkeys } from 'nats'
import { natsAccounts, permissionsFor, type NatsApp } from './permissions.ts'

export type NatsUsersOptions = {
  /** Where the files are written; made when it is missing. */
  folder: string
  vantages: readonly string[]
  gateways?: readonly string[]
  /** Default 127.0.0.1:4222. Anything but loopback wants TLS, in a file of your own that includes this one. */
  listen?: string
  /** Where JetStream keeps its files. */
  storeDir?: string
}

/** Writes `nats-server.conf`, `control.nk`, `probe-<vantage>.nk` and `gateway-<gateway>.nk` (mode 0600); returns their paths. Throws `bad-key` or `bus-credentials`. */
export function writeNatsUsers ({ folder, vantages, gateways = [], listen = '127.0.0.1:4222', storeDir = '/var/lib/nats/jetstream' }: NatsUsersOptions): string[] {
  if (!/^[A-Za-z0-9.:[\]-]+:\d{1,5}$/.test(listen)) throw new OperatorError('bad-listen', `'${listen}' is no address and port to listen on; give one like 127.0.0.1:4222`)
  const apps: NatsApp[] = [{ app: 'control' }, ...vantages.map(vantage => ({ app: 'probe' as const, vantage })), ...gateways.map(gateway => ({ app: 'gateway' as const, gateway }))]
  const names = apps.map(app => permissionsFor(app).user) // proves the names before a file is written
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const keys = names.map(name => ({ file: join(folder, `${name}.nk`), nkey: publicKeyIn(join(folder, `${name}.nk`)) }))
  const [control, ...others] = keys
  if (control === undefined) return []
  const identities = (of: readonly string[], from: number) => Object.fromEntries(of.map((name, index) => [name, { nkey: others[from + index]?.nkey ?? '' }]))
  const file = join(folder, 'nats-server.conf')
  write(file, `# Written by deploy/nats/write-users.ts; run it again instead of changing this. The seeds beside it are secrets: each goes to its app and nowhere else.
listen: ${JSON.stringify(listen)}
jetstream { store_dir: ${JSON.stringify(resolve(storeDir))} }
# Of what the bus sends nothing is larger.
max_payload: 1MB

${natsAccounts({ nkey: control.nkey }, identities(vantages, 0), identities(gateways, vantages.length))}`)
  return [file, ...keys.map(key => key.file)]
}

/** Of the seed in the file, which is made when it is missing. */
function publicKeyIn (file: string): string {
  if (!existsSync(file)) write(file, `${new TextDecoder().decode(nkeys.createUser().getSeed())}\n`)
  try {
    return nkeys.fromSeed(new TextEncoder().encode(readFileSync(file, 'utf8').trim())).getPublicKey()
  } catch (error) {
    throw new OperatorError('bus-credentials', `there is no nkey seed in ${file} (${error instanceof Error ? error.message : String(error)}); remove the file to have one made`)
  }
}

/** Whole or not at all. */
function write (file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
