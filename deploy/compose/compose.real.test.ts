/**
 * What compose.yaml starts, started without an engine: bootstrap.sh as it stands, then every service of ours and NATS and Prometheus with the commands and files of compose.yaml, in one machine in which the
 * names of the services lead to the loopback. Of the two agents, which would listen on one port here, the one inside runs.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT, startMachine, type Machine } from '../test-support/machine.ts'
import { namedVolumes, ownersOfVolumes, userOf, type MountingService } from './volumes.ts'

type Service = MountingService & { command: string[], environment?: Record<string, string>, secrets?: string[], configs?: { source: string, target: string }[] }
const compose = parse(readFileSync(join(import.meta.dirname, 'compose.yaml'), 'utf8'), { merge: true }) as { services: Record<string, Service>, configs: Record<string, { file: string }>, secrets: Record<string, { file: string }> }
const HERE = '/opt/dialtone/deploy/compose'
const SECRETS = '/srv/secrets'
const CLI = ['/opt/dialtone/node_modules/.bin/node', '/opt/dialtone/apps/cli/src/main.ts']

let machine: Machine
beforeAll(async () => {
  machine = await startMachine({ systemd: false, sees: { '/opt/dialtone': ROOT } })
  const files = Object.values(compose.services).flatMap(({ configs = [] }) => configs.map(({ source, target }) => `mkdir -p $(dirname ${target}); cat ${HERE}/${compose.configs[source]?.file} > ${target}`))
  const { code, out } = await machine.run(`set -e
    echo 127.0.0.1 ${Object.keys(compose.services).join(' ')} >> /etc/hosts
    DIALTONE_NODE=${CLI[0]} DIALTONE_SECRETS=${SECRETS} sh ${HERE}/bootstrap.sh
    DIALTONE_NODE=${CLI[0]} DIALTONE_SECRETS=${SECRETS} sh ${HERE}/bootstrap.sh > /dev/null   # again: what is there is kept
    mkdir -p /run/secrets
    ${[...ownersOfVolumes(compose.services)].map(([volume, owner]) => `install -d -m 755 -o ${owner} -g ${owner} /volumes/${volume}`).join('\n')}
    ${Object.entries(compose.secrets).map(([name, { file }]) => `touch /run/secrets/${name}; mount --bind ${file.replace('./secrets', SECRETS)} /run/secrets/${name}`).join('\n')}
    ${files.join('\n')}`)
  expect(code, out).toBe(0)
  expect(out).toContain('token create prometheus --role viewer')
}, 300_000)
afterAll(() => machine.stop())

/** In the background, as the engine does: as its user, without a privilege, in its own environment, with its volumes as a new engine makes them. */
async function start (name: string, program: readonly string[]): Promise<void> {
  const service = compose.services[name]
  if (service === undefined) throw new Error(`no service ${name}`)
  const { command, environment = {} } = service
  const [user, group] = userOf(service).split(':')
  const mounts = namedVolumes(service.volumes).map(({ volume, target }) => `mkdir -p ${target}; mount --bind /volumes/${volume} ${target}; `).join('')
  const quoted = [...program, ...command].map(word => `'${word}'`).join(' ')
  await machine.run(`cat > /run/${name}.sh <<'EOF'
${mounts}exec setpriv --reuid=${user} --regid=${group} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs env -i PATH=/usr/sbin:/usr/bin:/bin HOME=/var/lib/dialtone ${Object.entries(environment).map(([name, value]) => `'${name}=${value}'`).join(' ')} ${quoted}
EOF
setsid unshare --mount sh -e /run/${name}.sh > /run/${name}.log 2>&1 &`)
}

it('becomes healthy from the bus up, and Prometheus sees every app by the token that was made for it', { timeout: 400_000 }, async () => {
  await start('nats', ['nats-server'])
  await machine.until('curl -sf http://127.0.0.1:8222/healthz || { tail -3 /run/nats.log; false; }')
  for (const service of ['control', 'agent-inside', 'gateway']) await start(service, CLI)
  for (const service of ['control', 'agent-inside', 'gateway']) {
    const { environment = {} } = compose.services[service] ?? {}
    await machine.until(`${CLI.join(' ')} health ${environment['DIALTONE_HEALTH']} || { tail -3 /run/${service}.log; false; }`)
  }
  await start('prometheus', ['prometheus', '--web.listen-address=127.0.0.1:9090'])
  const { code, out } = await machine.run(`set -e
    export DIALTONE_SERVER=https://localhost:5280 NODE_EXTRA_CA_CERTS=${SECRETS}/control.crt DIALTONE_TOKEN=$(sed -n 's/^Token *\\([^ ]*\\).*/\\1/p' /run/control.log)
    ${CLI.join(' ')} token create prometheus --role viewer > ${SECRETS}/prometheus.token
    printf 'kind: Vantage\\nname: inside\\nspec: { side: inside, network: office }\\n' | ${CLI.join(' ')} apply -f /dev/stdin`)
  expect(code, out).toBe(0)
  // Both agents of Prometheus's list are the one that runs here.
  const jobs = await machine.until(`curl -s 'http://127.0.0.1:9090/api/v1/query?query=min+by+(job)(up)' | grep -E '"dialtone-control"},"value":\\[[0-9.]+,"1"' | grep -E 'dialtone-agents"},"value":\\[[0-9.]+,"1"' | grep -E 'dialtone-gateways"},"value":\\[[0-9.]+,"1"'`)
  expect(jobs).toContain('dialtone-control')
  // The rules are loaded and none of them fails.
  expect((await machine.run(`curl -s http://127.0.0.1:9090/api/v1/rules | grep -o '"health":"err"' | wc -l`)).out.trim()).toBe('0')
  expect(Number((await machine.run(`curl -s http://127.0.0.1:9090/api/v1/rules | grep -o '"type":"alerting"' | wc -l`)).out)).toBeGreaterThan(10)
})

it('who is not asked to may read no secret', async () => {
  // Compose mounts the files themselves, with owner and mode.
  const { out } = await machine.run(`cd /run/secrets; setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'for file in *; do head -c 1 $file > /dev/null 2>&1 && echo $file; done'`)
  expect(out.trim().split('\n').toSorted()).toEqual(['control.crt', 'prometheus.token'])
})
