// Brings node_modules to what package-lock.json says, once, however many launchers start at the same time. `npm ci --ignore-scripts`: nothing
// that a package ships is run, and each tarball is held against the lock's digest.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ROOT, STAMP, StartError, WITHOUT_DEV, lockDigest } from './bootstrap.mjs'

const LOCK = join(ROOT, '.cache', 'install.lock')
const TRIES = 3
/** The holder touches its lock this often; one that was not touched for ten times as long belongs to nobody. */
const BEAT_MS = 2000
const LONGEST_WAIT_MS = 10 * 60_000

/** The npm that runs at this moment. */
let child

/** Installs unless another launcher has done so meanwhile, and leaves the stamp. Who does without `dev` takes what somebody's `npm ci --omit=dev` left. */
export async function install (digest, { dev }) {
  const release = await takeLock()
  try {
    const stamp = existsSync(STAMP) ? readFileSync(STAMP, 'utf8').trim() : ''
    if (stamp === digest || (!dev && stamp === digest + WITHOUT_DEV)) return
    const whole = agrees({ dev: true })
    const enough = whole || (!dev && agrees({ dev: false }))
    if (!enough) await npmCi()
    writeFileSync(STAMP, `${lockDigest()}${enough && !whole ? WITHOUT_DEV : ''}\n`)
  } finally {
    release()
  }
}

/** Whether what npm last installed is what the lock says: true after someone's own `npm ci` or `npm install`; without `dev`, after `npm ci --omit=dev` too. */
function agrees ({ dev }) {
  const wanted = readLock(join(ROOT, 'package-lock.json'))
  const there = readLock(join(ROOT, 'node_modules', '.package-lock.json'))
  if (wanted === undefined || there === undefined) return false
  const mayLack = path => wanted[path]?.optional === true && (!meantForUs(wanted[path]) || mayLack(path.slice(0, path.lastIndexOf('/node_modules/'))))
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.link === true || (!dev && (entry.dev === true || entry.devOptional === true) && there[path] === undefined)) return true
    return there[path] === undefined ? mayLack(path) : there[path].version === entry.version
  })
}

function meantForUs ({ os, cpu, libc }) {
  return (os ?? [process.platform]).includes(process.platform) && (cpu ?? [process.arch]).includes(process.arch) && !(libc ?? []).includes('musl')
}

function readLock (file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

async function npmCi () {
  for (let tried = 1; ; tried++) {
    console.error(`dialtone: installing the npm packages of package-lock.json${tried > 1 ? ` (try ${tried} of ${TRIES})` : ''}`)
    const { code, said } = await npm(['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'])
    if (code === 0) return
    const network = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EHOSTUNREACH|ENETUNREACH|E5\d\d)\b/.exec(said)?.[1]
    if (tried < TRIES && !/\b(EUSAGE|EACCES|ENOSPC|E40\d)\b/.test(said)) {
      await new Promise(resolve => setTimeout(resolve, 2000 * tried))
      continue
    }
    throw new StartError(network === undefined
      ? `npm ci failed with exit code ${code}; what it said is above`
      : `npm could not reach its registry (${network}): check the network, the proxy and 'npm config get registry', then run this again`)
  }
}

/** Runs npm with its output on our standard error, and remembers the end of it. */
function npm (args) {
  // Under `npm start` we are told where npm is; otherwise it is found on the PATH.
  const cli = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : undefined
  const [command, first] = cli === undefined ? ['npm', []] : [process.execPath, [cli]]
  return new Promise((resolve, reject) => {
    child = spawn(command, [...first, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const hear = bytes => {
      process.stderr.write(bytes)
      said = (said + bytes).slice(-20_000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', error => reject(new StartError(error.code === 'ENOENT'
      ? 'npm was not found. It is needed once, to install the packages: on Debian, apt-get install npm'
      : `npm does not start: ${error.message}`)))
    child.once('close', code => {
      child = undefined
      resolve({ code, said })
    })
  })
}

async function takeLock () {
  const mine = `${LOCK}.${process.pid}`
  try {
    rmSync(mine, { recursive: true, force: true })
    mkdirSync(mine, { recursive: true })
    writeFileSync(join(mine, 'holder'), JSON.stringify({ pid: process.pid, host: hostname(), at: Date.now() }))
  } catch (error) {
    throw new StartError(`cannot write in ${join(ROOT, '.cache')} (${error.code}): the checkout must be yours to write`)
  }
  const began = Date.now()
  // A folder is renamed onto another only if that one is empty, so the lock appears whole, with its holder, or not at all.
  for (let told = false; !renamed(mine, LOCK);) {
    if (dropIfStale()) continue
    if (!told) console.error('dialtone: another start is installing the npm packages; waiting for it')
    told = true
    if (Date.now() - began > LONGEST_WAIT_MS) throw new StartError(`another start has been installing for ${LONGEST_WAIT_MS / 60_000} minutes; if none is running, remove ${LOCK}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  const beat = setInterval(() => utimesSync(LOCK, new Date(), new Date()), BEAT_MS)
  const free = () => rmSync(LOCK, { recursive: true, force: true })
  // npm may not have heard the signal, and must be gone before another start lays hands on the same folder.
  const interrupted = signal => {
    const leave = () => {
      free()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
    if (child === undefined) {
      leave()
      return
    }
    child.once('close', leave)
    child.kill('SIGTERM')
    setTimeout(() => child?.kill('SIGKILL'), 5000)
  }
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupted)
  return () => {
    clearInterval(beat)
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, interrupted)
    free()
  }
}

/** Removes the lock of a holder that died: its process is gone (same machine), or its lock has not been touched for long. */
function dropIfStale () {
  const holder = readHolder(LOCK)
  if (holder === undefined) return false
  try {
    const untouched = Date.now() - statSync(LOCK).mtimeMs
    const dead = holder.host === hostname() && !alive(holder.pid)
    if (!dead && untouched <= 10 * BEAT_MS) return false
  } catch {
    return false
  }
  const aside = `${LOCK}.stale.${process.pid}`
  if (!renamed(LOCK, aside)) return false
  // Of two that find it stale, the slower may have taken hold of the quicker one's new lock: that goes back.
  if (readHolder(aside)?.at !== holder.at && renamed(aside, LOCK)) return false
  rmSync(aside, { recursive: true, force: true })
  return true
}

function renamed (from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) return false
    throw error
  }
}

function readHolder (lock) {
  try {
    return JSON.parse(readFileSync(join(lock, 'holder'), 'utf8'))
  } catch {
    return undefined
  }
}

function alive (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
