// `npm test`: installs all that the tests need, runs every lane, adds up what they counted. The last line is the result; the exit code is 1
// if anything was wrong: a test that failed, one that was skipped, a project that counted nothing, a lane that did not end well.
//   -- --lane check|test|real   only these lanes (may be repeated)
//   -- --list-packages          print what would be installed, install nothing
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, StartError, environment, prepare, runtime, stop } from './bootstrap.mjs'
import { describePackages, installPackages } from './debian.mjs'

const LANES = {
  check: { targets: ['typecheck', 'lint'], says: 'types, lint, boundaries' },
  test: { targets: ['test'], says: 'unit tests and scenarios', counts: true },
  real: { targets: ['real'], says: 'real servers', counts: true, args: ['--parallel=1'], debian: true },
}
const USAGE = `usage: npm test [-- [--lane ${Object.keys(LANES).join('|')}]… [--list-packages]]`

try {
  process.exitCode = await main()
} catch (error) {
  stop(error)
}

async function main () {
  const options = readOptions()
  if (options === undefined) return 64
  if (options['list-packages']) {
    console.log(describePackages())
    return 0
  }
  const chosen = Object.entries(LANES).filter(([name]) => options.lane === undefined || options.lane.includes(name))
  const began = Date.now()
  await timed('install', async () => {
    await prepare({ dev: true })
    if (chosen.some(([, { debian }]) => debian)) await installPackages()
  })

  const results = []
  for (const [name, lane] of chosen) results.push(await run(name, lane))

  for (const { name, told } of results) {
    if (told.length > 0) console.log(`\n── ${name}: what was wrong`)
    for (const { short, problem } of told) console.log(`\n${short}: ${problem}`)
  }
  const sum = { passed: 0, failed: 0, skipped: 0 }
  console.log('\nlane    minutes   passed  failed skipped')
  for (const { name, seconds, counts, problems } of results) {
    console.log(`${name.padEnd(6)} ${(seconds / 60).toFixed(2).padStart(8)} ${String(counts.passed).padStart(8)} ${String(counts.failed).padStart(7)} ${String(counts.skipped).padStart(7)}   ${LANES[name].says}`)
    for (const key of Object.keys(sum)) sum[key] += counts[key]
    // What is wrong with a lane as a whole counts as one failure each, so that the last line never says less than the exit code.
    sum.failed += problems.length
  }
  for (const { name, problems } of results) for (const problem of problems) console.log(`${name}: ${problem}`)
  if (sum.skipped > 0) console.log('a skipped test is a failure: mend it or remove it')
  console.log(`all    ${minutes(Date.now() - began).padStart(8)}\n`)
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  return sum.failed + sum.skipped > 0 ? 1 : 0
}

function readOptions () {
  try {
    const { values } = parseArgs({ options: { lane: { type: 'string', multiple: true }, 'list-packages': { type: 'boolean' } } })
    const unknown = values.lane?.find(name => !(name in LANES))
    if (unknown === undefined) return values
    console.error(`there is no lane '${unknown}'\n${USAGE}`)
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`)
  }
  return undefined
}

/** Runs one lane; `told` is what its tests say of what went wrong, `problems` are those that no single test stands for. */
async function run (name, { targets, counts: counting = false, args = [], says }) {
  const projects = projectsWith(targets)
  console.log(`\n── ${name}: ${says}; ${projects.length} projects: ${projects.map(({ short }) => short).join(', ')}`)
  const folder = join(ROOT, '.cache', 'lanes', name)
  if (counting) rmSync(folder, { recursive: true, force: true })
  const began = Date.now()
  const code = await nx(['run-many', '-t', ...targets, '--output-style=stream', ...args])
  const seconds = (Date.now() - began) / 1000
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const problems = []
  const told = []
  if (counting) {
    for (const { short, dir } of projects) {
      const file = join(folder, `${dir}.json`)
      const one = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
      if (one === undefined) problems.push(`${short} has a ${name} lane, and it counted nothing`)
      else if (one.passed + one.failed + one.skipped === 0) problems.push(`${short} has a ${name} lane without a test`)
      for (const key of Object.keys(sum)) sum[key] += one?.[key] ?? 0
      for (const problem of one?.problems ?? []) told.push({ short, problem })
    }
  }
  if (code !== 0 && sum.failed + problems.length === 0) problems.push(`nx ended with exit code ${code}; what failed is above`)
  return { name, seconds, counts: sum, told, problems }
}

/** The projects that declare one of the targets, from their manifests: what must leave counts, whatever Nx did. */
function projectsWith (targets) {
  const folders = ['apps', 'libs'].flatMap(parent => readdirSync(join(ROOT, parent)).map(short => ({ short, dir: `${parent}/${short}` })))
  return [...folders, ...['deploy', 'tools'].map(name => ({ short: name, dir: name }))].filter(({ dir }) => {
    const manifest = join(ROOT, dir, 'package.json')
    return existsSync(manifest) && targets.some(target => target in (JSON.parse(readFileSync(manifest, 'utf8')).nx?.targets ?? {}))
  })
}

/** Nx in a process group of its own, so that an interrupted run leaves none of its tests behind. */
function nx (args) {
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }
  const env = environment({ NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true', ...plain })
  if (plain.FORCE_COLOR === undefined) delete env.NO_COLOR
  return new Promise((resolve, reject) => {
    const child = spawn(runtime(), [join(ROOT, 'node_modules', '.bin', 'nx'), ...args], { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    let interrupted
    const end = signal => {
      interrupted = signal
      killGroup(child.pid, 'SIGTERM')
      setTimeout(() => killGroup(child.pid, 'SIGKILL'), 10_000).unref()
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, end)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, end)
      if (interrupted !== undefined) reject(new StartError(`stopped by ${interrupted}`))
      else resolve(code ?? signal)
    })
  })
}

function killGroup (pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch { /* it has ended */ }
}

async function timed (what, work) {
  const began = Date.now()
  await work()
  console.log(`${what}: ${minutes(Date.now() - began)} minutes`)
}

function minutes (ms) {
  return (ms / 60_000).toFixed(2)
}
