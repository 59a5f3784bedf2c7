// The Debian packages that tests against real servers need, and how they get onto a machine without any of their services being started.
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { StartError } from './bootstrap.mjs'

/** What is needed and why. The one list: `npm test -- --list-packages` prints it. */
export const PACKAGES = [
  { name: 'prosody', why: 'the server that most small domains run; checked in every TLS mode' },
  { name: 'lua-unbound', why: 'how Prosody resolves names where Debian installs it, and asks the resolver of a test; without it, a second a question' },
  { name: 'ejabberd', why: 'the server of many large domains; differs from Prosody in most answers' },
  { name: 'jabberd2', why: 'what older Cisco and Sametime gateways descend from; no dialback errors, old habits' },
  { name: 'knot', why: 'serves the test zones, signed ones too' },
  { name: 'unbound', why: 'the validating resolver in front of them' },
  { name: 'iproute2', why: 'network namespaces, where servers of tests have addresses of their own' },
  { name: 'nftables', why: 'the firewall between them' },
  { name: 'prometheus-blackbox-exporter', why: 'the peer of `npm run bench -- check` and `ladder`' },
  { name: 'nats-server', why: 'the bus of a fleet of separate processes' },
  { name: 'prometheus', why: 'scrapes the agents and control in the tests of the fleet' },
  { name: 'prometheus-alertmanager', why: 'receives, groups and inhibits the alerts of the tests' },
  { name: 'systemd', why: 'verifies the units of deploy/systemd' },
  { name: 'curl', why: 'what the pages for operators ask HTTP with' },
  { name: 'bind9-dnsutils', why: 'dig, as the runbooks use it' },
  { name: 'netcat-openbsd', why: 'nc, as the runbooks use it' },
  { name: 'python3', why: 'its Expat judges what the framer accepts' },
  { name: 'python3-slixmpp', why: 'clients of real users on both sides of a gateway' },
  { name: 'go-sendxmpp', why: 'another client, which knows nothing of the first one\'s library' },
  { name: 'openssl', why: 'an independent TLS peer for handshakes and certificates' },
]

/** The users that the services of PACKAGES run as: a new process of one of them is a service that was started. */
const SERVICE_USERS = ['prosody', 'ejabberd', 'epmd', 'jabber', 'knot', 'unbound', 'prometheus', 'nats']
const UNITS = ['prosody', 'ejabberd', 'epmd', 'jabberd', 'jabberd-router', 'jabberd-s2s', 'jabberd-c2s', 'jabberd-sm', 'knot', 'unbound', 'prometheus-blackbox-exporter', 'prometheus', 'prometheus-alertmanager', 'nats-server']
const POLICY = '/usr/sbin/policy-rc.d'
const SAVED = `${POLICY}.before-dialtone`
const MARK = '# written by the Dialtone tests; holder'
const APT = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold']

/** Each package with its installed version, or none. */
export function packages () {
  return PACKAGES.map(entry => ({ ...entry, version: installedVersion(entry.name) }))
}

/** One line a package: name, what is there, why. */
export function describePackages () {
  const listed = packages()
  const width = Math.max(...listed.map(({ name }) => name.length))
  const lines = listed.map(({ name, version, why }) => `${name.padEnd(width)}  ${(version === undefined ? 'would be installed' : `there, ${version}`).padEnd(26)}  ${why}`)
  return [...lines, `npm packages: those of package-lock.json, in node_modules`].join('\n')
}

/** Installs what is missing. Throws a StartError that names the command to run where we cannot; `needs` is how it begins on another system. */
export async function installPackages (needs = 'the tests against real servers need Debian 12, the other lanes run anywhere (npm test -- --lane check --lane test)') {
  const missing = packages().filter(({ version }) => version === undefined).map(({ name }) => name)
  if (policyHolder() !== undefined && process.getuid() === 0) await awaitOtherHolder()
  if (missing.length === 0) return
  const byHand = `apt-get install --no-install-recommends ${missing.join(' ')}`
  if (!isDebian()) throw new StartError(`${needs}. Packages that are missing: ${missing.join(', ')}`)
  if (process.getuid() !== 0) throw new StartError(`the tests against real servers need packages that only root can install. Run: sudo ${byHand}`)

  console.log(`installing Debian packages, without starting their services: ${missing.join(', ')}`)
  const before = serviceProcesses()
  let interrupted = ''
  const note = signal => { interrupted = signal }
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, note)
  const restore = await forbidServices()
  process.on('exit', restore)
  try {
    if (!haveIndexes() || apt(['install', '--simulate', '-qq', ...APT, ...missing], 'ignore') !== 0) apt(['update', '-qq'])
    if (apt(['install', '-qq', ...APT, ...missing]) !== 0) {
      // An index that is older than the mirror names files that are gone.
      apt(['update', '-qq'])
      if (apt(['install', '-qq', ...APT, ...missing]) !== 0) throw new StartError(`the packages could not be installed; what apt-get said is above. To try by hand: ${byHand}`)
    }
    keepFromBooting()
  } finally {
    restore()
    process.off('exit', restore)
    await new Promise(resolve => setImmediate(resolve)) // a signal that came while apt-get ran is told now
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, note)
  }
  if (interrupted !== '') throw new StartError(`stopped by ${interrupted} while installing packages`)
  const started = [...serviceProcesses()].filter(([pid]) => !before.has(pid))
  if (started.length > 0) throw new StartError(`installing started services, which it must not: ${started.map(([pid, what]) => `${what} (process ${pid})`).join(', ')}. Stop them and run this again`)
}

function installedVersion (name) {
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], { encoding: 'utf8' })
  const [state, version] = status === 0 ? stdout.split(' ') : []
  return state === 'installed' ? version : undefined
}

function isDebian () {
  try {
    return /^ID(_LIKE)?=.*\bdebian\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function haveIndexes () {
  try {
    return readdirSync('/var/lib/apt/lists').some(name => /_Packages(\.\w+)?$/.test(name))
  } catch {
    return false
  }
}

function apt (args, stdio = 'inherit') {
  return spawnSync('apt-get', args, { stdio: ['ignore', stdio, stdio], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status
}

/** Puts a policy in place by which no package may start a service; what it returns puts the previous one back, once. */
async function forbidServices () {
  await awaitOtherHolder()
  if (lstatSync(POLICY, { throwIfNoEntry: false }) !== undefined) renameSync(POLICY, SAVED)
  writeFileSync(POLICY, `#!/bin/sh\n${MARK} ${process.pid}\nexit 101\n`, { mode: 0o755 })
  let done = false
  return () => {
    if (done) return
    done = true
    putBack()
  }
}

function putBack () {
  rmSync(POLICY, { force: true })
  if (lstatSync(SAVED, { throwIfNoEntry: false }) !== undefined) renameSync(SAVED, POLICY)
}

/** A policy of ours that is still there belongs to a run that is going on, which is waited for, or to one that was killed, which is mended. */
async function awaitOtherHolder () {
  for (let waited = 0; ; waited++) {
    const holder = policyHolder()
    if (holder === undefined) return
    if (!isNode(holder)) return putBack()
    if (waited === 0) console.log(`another run (process ${holder}) is installing packages; waiting for it`)
    if (waited >= 600) throw new StartError(`another run (process ${holder}) has been installing packages for ten minutes; if it is not, remove ${POLICY}`)
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

function policyHolder () {
  try {
    return new RegExp(`^${MARK} (\\d+)$`, 'm').exec(readFileSync(POLICY, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

function isNode (pid) {
  try {
    return pid !== String(process.pid) && /node/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

/** Under systemd a new package is also enabled for the next boot; the tests do not want that either. */
function keepFromBooting () {
  if (existsSync('/run/systemd/system')) spawnSync('systemctl', ['disable', '--quiet', ...UNITS.filter(unit => existsSync(`/lib/systemd/system/${unit}.service`))])
}

function serviceProcesses () {
  const users = new Map(readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':')).filter(([name]) => SERVICE_USERS.includes(name)).map(([name, , uid]) => [uid, name]))
  const found = new Map()
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const user = users.get(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1])
      if (user !== undefined) found.set(pid, `${/^Name:\s+(.*)$/m.exec(status)?.[1]} of user ${user}`)
    } catch { /* it ended while we looked */ }
  }
  return found
}
