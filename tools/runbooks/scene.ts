/**
 * A scene: something to point the commands of a runbook at, in which its cause is true. `values` are the variables of the page; `shell` runs a command as a
 * reader would, and gives all that it printed.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SCENARIOS, certificateFor, startScenario, trustedRoot, type RunningScenario, type Scenario } from '@dialtone/zoo'

export type Scene = {
  values: Readonly<Record<string, string>>
  /** `at`: where in the network, in a scene that has places. */
  shell: (command: string, at?: string) => Promise<string>
  stop: () => Promise<void>
}

/** A command that is not done by then hangs, which no command of a runbook may. */
const SHELL_MS = 45_000

/**
 * A scenario of the zoo. The resolver of a zoo has no usual port, so that `dig` is one that knows it; OpenSSL trusts the root of the zoo. `values` for what the
 * scenario does not say by itself.
 */
export async function zooScene (named: string | Scenario, values: (running: RunningScenario) => Readonly<Record<string, string>> = () => ({})): Promise<Scene> {
  const stopping = new AbortController()
  const running = await startScenario(typeof named === 'string' ? scenario(named) : named, stopping.signal)
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-runbook-'))
  const { resolver, fallbackPort } = running.request
  writeFileSync(join(folder, 'root.pem'), await trustedRoot())
  const shown = await certificateFor({ names: { dns: [running.request.as ?? running.domain] } })
  writeFileSync(join(folder, 'own.pem'), running.request.clientCertificate?.certificate ?? shown.chain)
  writeFileSync(join(folder, 'own.key'), running.request.clientCertificate?.key ?? shown.key, { mode: 0o600 })
  writeDig(folder, { port: resolver.port, resolver: resolver.address })
  return {
    values: {
      RESOLVER: resolver.address, DOMAIN: running.domain, USUAL: String(fallbackPort), CERT: join(folder, 'own.pem'), KEY: join(folder, 'own.key'),
      ...(running.request.as === undefined ? {} : { OURS: running.request.as }), ...await placeOf(running), ...values(running),
    },
    shell: command => run('bash', ['-c', command], { PATH: `${folder}:${process.env['PATH'] ?? ''}`, SSL_CERT_FILE: join(folder, 'root.pem') }),
    stop: async () => {
      await running.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A `dig` for one folder that asks at this port, and this resolver where none is named. */
export function writeDig (folder: string, { port, resolver }: { port: number, resolver: string }): void {
  const file = join(folder, 'dig')
  writeFileSync(file, `#!/bin/sh\ncase " $*" in *' @'*) set -- -p ${port} "$@" ;; *) set -- @${resolver} -p ${port} "$@" ;; esac\nexec /usr/bin/dig +time=5 +tries=2 "$@"\n`)
  chmodSync(file, 0o755)
}

/** Runs it to its end, in a process group of its own. All that it printed, on both. */
export async function run (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(command, [...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8', ...env } })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { out += text })
  try {
    return await new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve(out))
      setTimeout(() => reject(new Error(`still running after ${SHELL_MS} ms: ${args.at(-1) ?? command}\n${out}`)), SHELL_MS).unref()
    })
  } finally {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It ended by itself, with all that it started.
    }
  }
}

/** The first SRV target and its address, as a reader would find them; what the zone does not have is left out. */
async function placeOf ({ domain, request }: RunningScenario): Promise<Record<string, string>> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 })
  resolver.setServers([`${request.resolver.address}:${request.resolver.port}`])
  const records = await resolver.resolveSrv(`_xmpp-server._tcp.${domain}`).catch(() => [])
  const [first, second] = records.filter(({ name }) => name !== '').toSorted((a, b) => a.priority - b.priority)
  const host = first?.name ?? domain
  const address = async (name: string) => (await resolver.resolve4(name).catch(() => []))[0]
  const found = { HOST: host, ADDRESS: await address(host), PORT: String(first?.port ?? request.fallbackPort), SECOND_HOST: second?.name, SECOND: second === undefined ? undefined : await address(second.name) }
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function scenario (name: string): Scenario {
  const found = SCENARIOS.find(each => each.name === name)
  if (found === undefined) throw new TypeError(`the zoo has no scenario '${name}'`)
  return found
}
