/**
 * A machine of its own, made of this one: the same programs in namespaces of its own, on a root file system whose changes are kept in memory, with nothing of the network but a
 * loopback; if wanted, with systemd as its first process. What is done in it happens nowhere else, and is gone when it ends. For root, as tests that use network namespaces are.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { killGroup, spawnTied } from '@dialtone/testkit'

export const ROOT = resolve(import.meta.dirname, '../..')

export type MachineOptions = {
  /** Whether its first process is systemd, with journal and units, of which none but those that it needs itself are started. */
  systemd: boolean
  /** Folders of ours that it sees, read-only: where there, by where here. */
  sees?: Readonly<Record<string, string>>
}

export type Ran = { code: number | null, out: string }

export type Machine = {
  /** Bash, as root, with everything that a fresh shell has. `out`: both streams. `network`: with ours, for what has to be downloaded. */
  run: (script: string, options?: { timeoutMs?: number, network?: boolean }) => Promise<Ran>
  /** Runs again until it succeeds. Rejects with what it last said. */
  until: (script: string, timeoutMs?: number) => Promise<string>
  stop: () => Promise<void>
}

const READY_MS = 120_000
const RUN_MS = 120_000
const POLL_MS = 100
const NAMESPACES = ['--pid', '--mount', '--cgroup', '--uts', '--ipc', '--net']

/** Resolves when it can be used. Rejects with what stopped it. */
export async function startMachine ({ systemd, sees = {} }: MachineOptions): Promise<Machine> {
  const base = mkdtempSync(join(tmpdir(), 'dialtone-machine-'))
  const outer = spawnTied('/usr/bin/unshare', [...NAMESPACES, '--fork', '--kill-child=KILL', '--propagation', 'private', 'bash', '-euc', bootScript(base, sees, systemd)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = listenTo(outer)
  const stop = async (): Promise<void> => {
    if (outer.exitCode === null && outer.signalCode === null) {
      const gone = once(outer, 'exit')
      killGroup(outer, 'SIGKILL')
      await gone
    }
    // What was in it was mounted in its namespace alone.
    if (existsSync(base)) rmdirSync(base)
  }
  const machine: Machine = {
    run: async (script, { timeoutMs = RUN_MS, network = false } = {}) => {
      const entering = ['--target', String(firstProcessOf(outer)), '--mount', '--pid', '--cgroup', '--uts', '--ipc', ...(network ? [] : ['--net'])]
      const child = spawnTied('/usr/bin/nsenter', [...entering, '--', 'env', '-i', ...shellEnvironment(), 'bash', '-c', `cd /root; ${script}`], { stdio: ['ignore', 'pipe', 'pipe'] })
      return await ended(child, timeoutMs, script)
    },
    until: async (script, timeoutMs = READY_MS) => {
      for (const until = performance.now() + timeoutMs; ;) {
        const { code, out } = await machine.run(script)
        if (code === 0) return out
        if (performance.now() > until) throw new Error(`this did not succeed in time: ${script}\n${out}`)
        await pause(POLL_MS)
      }
    },
    stop,
  }
  try {
    // The mark is left where the new root is in place.
    await machine.until(systemd ? 'test -e /run/dialtone-machine && systemctl is-system-running | grep -E "running|degraded"' : 'test -e /run/dialtone-machine')
    return machine
  } catch (error) {
    await stop()
    throw new Error(`the machine does not start: ${said()}`, { cause: error })
  }
}

function shellEnvironment (): string[] {
  return ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'USER=root', 'LC_ALL=C.UTF-8', 'TERM=dumb', 'SYSTEMD_PAGER=', 'SYSTEMD_COLORS=0']
}

/** The process that stands for the machine: the only child of `unshare`. */
function firstProcessOf (outer: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim().split(' ')[0]) || 0
  } catch {
    return 0
  }
}

/** As containers are set up for systemd (its CONTAINER_INTERFACE): /sys and /proc/sys read-only, so that it leaves the kernel alone; a /dev of its own. */
function bootScript (base: string, sees: Readonly<Record<string, string>>, systemd: boolean): string {
  for (const from of Object.values(sees)) if (!existsSync(from)) mkdirSync(from, { recursive: true })
  return `
# So much room is only said: JetStream reserves what its streams may come to hold.
mount -t tmpfs -o mode=755,size=64g machine ${base}
cd ${base}
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=${base}/upper,workdir=${base}/work root
cd root
# What may be installed here is not there.
rm -rf etc/systemd/system/* etc/dialtone opt/dialtone var/lib/dialtone var/lib/nats usr/local/bin/dialtone
sed -i /^dialtone-/d etc/passwd etc/group etc/shadow etc/gshadow
mount -t proc proc proc
mount -o bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount -o bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr
${Object.entries(sees).map(([there, here]) => `mkdir -p .${there}; mount --bind ${here} .${there}; mount -o remount,bind,ro .${there}`).join('\n')}
mkdir -p mnt/before
pivot_root . mnt/before
umount -l /mnt/before
mount --make-rshared /
hostname machine
ip link set lo up
touch /run/dialtone-machine
${systemd ? 'exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target --show-status=no --log-target=journal' : `exec env -i bash -c 'trap "exit 0" TERM; while :; do sleep 3600 & wait; done'`}
`
}

function listenTo (child: ChildProcess): () => string {
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { out += text })
  return () => out
}

async function ended (child: ChildProcess, timeoutMs: number, script: string): Promise<Ran> {
  const out = listenTo(child)
  const late = setTimeout(() => killGroup(child, 'SIGKILL'), timeoutMs)
  // Not `close`: what the script leaves running keeps the pipes.
  const [code, signal] = await once(child, 'exit') as [number | null, string | null]
  clearTimeout(late)
  await pause(20) // for what is still in the pipes
  if (signal === 'SIGKILL') throw new Error(`this did not end within ${timeoutMs / 1000} s: ${script}\n${out()}`)
  return { code, out: out() }
}
