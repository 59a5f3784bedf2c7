// The pages for operators that are ours, tried: every resource of configure.md is taken by a control, and what it says of control.json and of credentials is so; every block `run` of secure.md works.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { ROOT, startMachine, type Machine } from './test-support/machine.ts'

const page = (name: string): string => readFileSync(join(ROOT, 'docs/operating', name), 'utf8')
const blocksOf = (text: string, mark: string): string[] => [...text.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm)].filter(([, info]) => info === mark).map(([, , block = '']) => block)
const CLI = '/opt/dialtone/node_modules/.bin/node /opt/dialtone/apps/cli/src/main.ts'

let machine: Machine
beforeAll(async () => {
  machine = await startMachine({ systemd: false, sees: { '/opt/dialtone': ROOT } })
}, 300_000)
afterAll(() => machine.stop())

it('secure.md: its commands work, and a fleet speaks TLS by what they made', { timeout: 400_000 }, async () => {
  const blocks = blocksOf(page('secure.md'), 'sh run')
  expect(blocks).toHaveLength(2)
  const { code, out } = await machine.run(`set -e; cd /opt/dialtone; control_name=dialtone.example.org bus_name=bus.example.org; mkdir -p /etc/dialtone\n${blocks.join('\n')}
    sed -i 's#/var/lib/nats#/run/nats#' $nats/nats-server.conf
    echo 127.0.0.1 $bus_name $control_name >> /etc/hosts
    setsid nats-server -c $nats/nats-server.conf > /run/nats.log 2>&1 &
    echo '{ "listen": { "address": "0.0.0.0", "port": 5280 }, "tls": { "certificate": "'$tls/control.crt'", "key": "'$tls/control.key'" } }' > /run/control.json
    setsid ${CLI} control --bus tls://$bus_name:4222 --bus-ca $nats/ca.crt --bus-seed $nats/control.nk --config /run/control.json --store /run/control.db > /run/control.log 2>&1 &`)
  expect(code, out).toBe(0)
  expect(out).toMatch(/configuration file .* is valid/)
  expect(out).toContain('DNS:dialtone.example.org')
  await machine.until(`${CLI} health https://127.0.0.1:5280/readyz || { tail -3 /run/control.log; false; }`)
  // In the clear, and without the authority, nobody gets in.
  expect((await machine.run(`timeout 20 ${CLI} probe --vantage outside --agent x --bus tls://bus.example.org:4222 --bus-seed /etc/dialtone/nats/probe-outside.nk --state /run/x --http 127.0.0.1:5281 > /run/x.log 2>&1; grep -c 'the bus is reached' /run/x.log`)).out.trim()).toBe('0')
})

it('configure.md: every resource is taken as it stands there', { timeout: 300_000 }, async () => {
  const [block = '', ...others] = blocksOf(page('configure.md'), 'yaml')
  // An exception has to end within a year.
  const resources = block.replace(/until: '[^']+'/, `until: '${new Date(Date.now() + 30 * 86_400_000).toISOString()}'`)
  expect(others).toEqual([])
  const kinds = parseAllDocuments(resources).map(document => (document.toJS() as { kind: string }).kind)
  expect(new Set(kinds)).toEqual(new Set(['Vantage', 'Domain', 'Peer', 'Schedule', 'Exception', 'ManagedServer']))
  const { code, out } = await machine.run(`export DIALTONE_SERVER=https://dialtone.example.org:5280 NODE_EXTRA_CA_CERTS=/etc/dialtone/tls/control.crt DIALTONE_TOKEN=$(sed -n 's/^Token *\\([^ ]*\\).*/\\1/p' /run/control.log)
    cat > /run/fleet.yaml <<'EOF'\n${resources}EOF
    ${CLI} apply -f /run/fleet.yaml --dry-run && ${CLI} apply -f /run/fleet.yaml && ${CLI} get all --format yaml > /run/again.yaml && ${CLI} apply -f /run/again.yaml && ${CLI} token create alice --role operator --days 365 && ${CLI} token delete alice`)
  expect(code, out).toBe(0)
  expect(out).toMatch(/created +Vantage outside/)
})

it('configure.md: control takes its example, and refuses an unknown key by name', { timeout: 400_000 }, async () => {
  const [json = ''] = blocksOf(page('configure.md'), 'json')
  const example: unknown = parse(json)
  const start = async (config: unknown) => await machine.run(`echo '${JSON.stringify(config)}' > /run/example.json; timeout 200 ${CLI} control --bus nats://127.0.0.1:1 --config /run/example.json --listen 127.0.0.1:5299 --store /run/example.db 2>&1 & for i in $(seq 150); do ${CLI} health http://127.0.0.1:5299/healthz > /dev/null && { echo answers; break; }; kill -0 $! 2> /dev/null || break; done; kill $! 2> /dev/null; wait`)
  expect((await start(example)).out).toContain('answers')
  expect((await start({ ...(example as object), colour: 'red' })).out).toMatch(/colour/)
})

it('variables and files that configure.md names are those of the units', () => {
  const units = ['dialtone-control', 'dialtone-probe@', 'dialtone-gateway@'].map(name => readFileSync(join(import.meta.dirname, 'systemd', `${name}.service`), 'utf8')).join('\n')
  const known = new Set(units.match(/DIALTONE_[A-Z]+/g))
  expect(new Set(page('configure.md').match(/^\| `(DIALTONE_[A-Z]+)`/gm)?.map(line => line.slice(3, -1)))).toEqual(known)
  for (const [, file = ''] of units.matchAll(/^EnvironmentFile=-\/etc\/dialtone\/(.+)$/gm)) expect(page('configure.md')).toContain(`${file.replace('-%i', file.startsWith('probe') ? '-VANTAGE' : '-NAME')}\``)
  for (const [place] of units.matchAll(/127\.0\.0\.1:528\d/g)) expect(page('configure.md')).toContain(place)
})

it('what openssl says of the certificate for control fits the page', () => {
  // The name of the command is the same here as there.
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-pages-'))
  try {
    const [block = ''] = blocksOf(page('secure.md'), 'sh run')
    expect(execFileSync('bash', ['-euc', block], { encoding: 'utf8', cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'] ?? '', tls: folder } })).toContain('DNS:dialtone.example.org, DNS:localhost')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
