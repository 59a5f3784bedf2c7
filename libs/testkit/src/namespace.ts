// Network namespaces by name: made and removed with `ip`, with an /etc of their own where names are resolved. All of it is synchronous, so
// that it can also be undone while the process ends.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Place } from './loopback.ts'

const ETC = '/etc/netns'
const PATIENCE_MS = 10_000

/** Runs `ip` with these lines, in a namespace or without one; throws with what it said at the first that fails. */
export function ip (lines: readonly string[], namespace?: string): void {
  runInside(['ip', ...(namespace === undefined ? [] : ['-netns', namespace]), '-batch', '-'], lines.join('\n') + '\n')
}

/** Runs nft with a script in a namespace. */
export function nft (namespace: string, script: string): void {
  runInside(['ip', 'netns', 'exec', namespace, 'nft', '-f', '-'], script)
}

/** What a command that reads its input says. */
export function runInside (argv: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0] ?? '', argv.slice(1), { input, encoding: 'utf8', timeout: PATIENCE_MS, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
  if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${error?.message ?? stderr.trim()}`)
  return stdout
}

/**
 * What a program inside sees in place of the machine's own files: no name but those that the resolver knows. `ip netns exec` lays each file
 * over the one in /etc, which must be there.
 */
export function giveNames (namespace: string, resolver: string | undefined): void {
  const files: Record<string, string> = {
    'resolv.conf': `nameserver ${resolver ?? '127.0.0.1'}\n`,
    'hosts': `127.0.0.1 localhost ${hostname()}\n`,
    'nsswitch.conf': 'hosts: files dns\n',
  }
  const folder = folderOf(namespace)
  makeFolders(folder)
  for (const [name, text] of Object.entries(files)) {
    if (existsSync(join('/etc', name))) writeFileSync(join(folder, name), text)
  }
}

/** Removes the namespace and its /etc; nothing happens to what is not there. The namespace itself lives as long as a process in it. */
export function removeNamespace (namespace: string): void {
  if (existsSync(join('/run/netns', namespace))) runInside(['ip', 'netns', 'delete', namespace])
  rmSync(folderOf(namespace), { recursive: true, force: true })
  try {
    rmdirSync(ETC)
  } catch { /* another network's are in it, or it was never there */ }
}

/** A shell command that does the same, for whoever is left when we are not. */
export function removingCommand (namespaces: readonly string[]): string {
  return `for name in ${namespaces.join(' ')}; do ip netns delete $name; rm -rf ${ETC}/$name; done; rmdir ${ETC}`
}

/**
 * Whether something listens at the place in the network namespace of that process, as the kernel lists it: nobody has to connect. False while
 * the process is still in our namespace, or gone.
 */
export function listensIn (pid: number, { address, port }: Place): boolean {
  const here = namespaceOf('self')
  const there = namespaceOf(pid)
  if (there === undefined || there === here) return false
  const at = `${port.toString(16).toUpperCase().padStart(4, '0')} `
  // proc(5): the address is a 32-bit number in the order of this machine, the remote side is zero and the state 0A while it listens.
  const number = Buffer.from(address.split('.').map(Number)).readUInt32LE()
  const hosts = [number.toString(16).toUpperCase().padStart(8, '0'), '00000000']
  return hosts.some(host => read(`/proc/${pid}/net/tcp`).includes(` ${host}:${at}00000000:0000 0A `))
}

function namespaceOf (pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

function read (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function folderOf (namespace: string): string {
  return join(ETC, namespace)
}

/** Another network may remove the empty parent at this very moment. */
function makeFolders (folder: string): void {
  for (let left = 10; ; left--) {
    try {
      mkdirSync(dirname(folder), { recursive: true })
      mkdirSync(folder, { recursive: true })
      return
    } catch (error) {
      if (left === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
