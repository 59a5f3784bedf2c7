// The units, by systemd itself: what it says of them, and what becomes of them where it is the first process of a machine.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT, startMachine, type Machine } from '../test-support/machine.ts'

const UNITS = readdirSync(import.meta.dirname).filter(name => name.endsWith('.service'))
const RUNNING = ['dialtone-control', 'dialtone-probe@inside', 'dialtone-probe@outside', 'dialtone-gateway@edge']
const USERS: Record<string, string> = { control: 'dialtone-control', probe: 'dialtone-probe', gateway: 'dialtone-gateway' }

const DIALTONE = '/opt/dialtone/node_modules/.bin/node /opt/dialtone/apps/cli/src/main.ts'
/** As step 5 of install.md keeps it, and uses it. */
const TOKEN = "export DIALTONE_SERVER=http://127.0.0.1:5280 DIALTONE_TOKEN=$(journalctl --no-pager -o cat -u dialtone-control | sed -n 's/^Token *\\([^ ]*\\).*/\\1/p' | tail -1); (umask 077; echo $DIALTONE_TOKEN > /root/dialtone.token)"
const PAGES = join(ROOT, 'docs/operating')
const FLEET = `kind: Vantage
name: inside
spec: { side: inside, network: a }
---
kind: Vantage
name: outside
spec: { side: outside, network: b }
---
kind: Gateway
name: edge
spec:
  desired: running
  secret: credential:secret
  zones:
    - { name: world, side: external, listen: [{ address: 127.0.0.1, port: 5269 }], certificates: [{ certificate: file:/etc/dialtone/tls/ours.crt, key: file:/etc/dialtone/tls/ours.key }] }
    - { name: office, side: internal, domains: [ours.example], listen: [{ address: 127.0.0.1, port: 5271 }] }
---
kind: Domain
name: ours.example
---
kind: Peer
name: partner.example
`

let machine: Machine
beforeAll(async () => {
  machine = await startMachine({ systemd: true, sees: { '/opt/dialtone': ROOT } })
  const { code, out } = await machine.run(`set -eu
    for app in control probe gateway; do useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin dialtone-$app; done
    cp /opt/dialtone/deploy/systemd/*.service /etc/systemd/system/
    mkdir /etc/dialtone
    cp /opt/dialtone/deploy/systemd/control.json /etc/dialtone/
    /opt/dialtone/node_modules/.bin/node /opt/dialtone/deploy/nats/write-users.ts --folder /etc/dialtone/nats --vantage inside --vantage outside --gateway edge --monitor 127.0.0.1:8222
    (umask 077; openssl rand -base64 32 > /etc/dialtone/gateway-edge.secret)
    mkdir /etc/dialtone/tls
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=ours.example -addext subjectAltName=DNS:ours.example -keyout /etc/dialtone/tls/ours.key -out /etc/dialtone/tls/ours.crt 2> /dev/null
    chgrp dialtone-gateway /etc/dialtone/tls/ours.key; chmod 640 /etc/dialtone/tls/ours.key
    echo DIALTONE_HTTP=127.0.0.1:5291 > /etc/dialtone/probe-outside.env
    mkdir /etc/systemd/system/nats-server.service.d
    cp /opt/dialtone/deploy/systemd/nats-server.conf /etc/systemd/system/nats-server.service.d/dialtone.conf
    printf '#!/bin/sh\nexec ${DIALTONE} "$@"\n' > /usr/local/bin/dialtone; chmod 755 /usr/local/bin/dialtone
    echo 127.0.0.1 nats.example >> /etc/hosts
    systemctl daemon-reload
    systemctl start nats-server ${RUNNING.join(' ')}`)
  expect(code, out).toBe(0)
}, 300_000)
afterAll(() => machine.stop())

it('systemd finds nothing to complain of in them', async () => {
  expect(UNITS.toSorted()).toEqual(['dialtone-control.service', 'dialtone-gateway@.service', 'dialtone-probe@.service'])
  // In the machine, where the programs are in their places.
  expect(await machine.run(`cd /etc/systemd/system; mkdir dialtone-gateway@.service.d; cp /opt/dialtone/deploy/systemd/gateway-port-53.conf dialtone-gateway@.service.d/; systemd-analyze verify ${UNITS.join(' ')} nats-server.service; rm -r dialtone-gateway@.service.d`)).toEqual({ code: 0, out: '' })
})

for (const unit of UNITS) {
  it(`${unit}: exposed below 3.0`, () => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=30', join(import.meta.dirname, unit)], { encoding: 'utf8' })
    expect(exposureIn(said)).toBeLessThan(3)
  })
}

it('nats-server with our drop-in: exposed below 3.0', async () => {
  expect(exposureIn((await machine.run('systemd-analyze security nats-server')).out)).toBeLessThan(3)
})

it('each becomes ready under its own user, without a privilege, and knows its seed', { timeout: 300_000 }, async () => {
  await machine.until(`${DIALTONE} health http://127.0.0.1:5280/readyz`)
  const { code, out: applied } = await machine.run(`cat > /root/fleet.yaml <<'EOF'
${FLEET}EOF
    ${TOKEN}
    ${DIALTONE} apply -f /root/fleet.yaml`)
  expect(code, applied).toBe(0)
  for (const port of [5281, 5291, 5282]) await machine.until(`${DIALTONE} health http://127.0.0.1:${port}/readyz`)
  for (const unit of RUNNING) {
    const { out } = await machine.run(`pid=$(systemctl show --value -p MainPID ${unit}); stat -c %U /proc/$pid; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status; tr '\\0' ' ' < /proc/$pid/cmdline; grep 'Max open files' /proc/$pid/limits`)
    const [user, ...status] = out.split('\n')
    expect(user?.trim(), unit).toBe(USERS[/dialtone-(\w+)/.exec(unit)?.[1] ?? ''])
    expect(status.join('\n')).toMatch(/CapEff:\s+0+\n.*CapBnd:\s+0+\n.*NoNewPrivs:\s+1\n.*Seccomp:\s+2/s)
    expect(status.join('\n')).toMatch(/Max open files +16384/)
    expect(status.join('\n')).toContain(`/run/credentials/${unit}.service/bus.nk`)
  }
})

it('writes to its state alone, and reads no seed but its own', async () => {
  for (const unit of RUNNING) {
    const inside = (command: string) => machine.run(`pid=$(systemctl show --value -p MainPID ${unit}); nsenter --target $pid --mount -- setpriv --reuid=$(stat -c %u /proc/$pid) --regid=$(stat -c %g /proc/$pid) --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs sh -c '${command}'`)
    const state = `/var/lib/dialtone/${unit.replace(/^dialtone-/, '').replace('@', '-')}`
    expect(await inside(`test -w ${state} && echo writable`)).toMatchObject({ out: 'writable\n' })
    const { out } = await inside('for place in /opt/dialtone /etc/dialtone /var/lib/dialtone /usr /home; do touch $place/mine 2>/dev/null && echo wrote to $place; done; cat /etc/dialtone/nats/*.nk /etc/dialtone/*.secret 2>/dev/null')
    expect(out, unit).toBe('')
    const others = RUNNING.filter(other => other !== unit).map(other => `/run/credentials/${other}.service/bus.nk`)
    expect((await inside(`cat ${others.join(' ')} 2>/dev/null`)).out, unit).toBe('')
  }
})

it('the pages for when Dialtone itself is in trouble: each of their commands can be typed where the units run, and shows something', { timeout: 400_000 }, async () => {
  const pages = ['troubleshoot.md', ...readdirSync(join(PAGES, 'runbooks')).filter(name => name.startsWith('Dialtone')).map(name => `runbooks/${name}`)]
  const commands = new Set(pages.flatMap(page => [...readFileSync(join(PAGES, page), 'utf8').matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n')).flatMap(line => line.replace(/ {3,}#.*$/, '').split(/; (?!s\/)/)).map(command => command.trim()).filter(command => command !== '')))
  expect(commands.size).toBeGreaterThan(25)
  // A gateway says every few seconds that it is there.
  await machine.until('export DIALTONE_SERVER=http://127.0.0.1:5280 DIALTONE_TOKEN=$(cat /root/dialtone.token); dialtone explain-route ours.example partner.example; test $? -le 3')
  const wrong: string[] = []
  for (const command of commands) {
    // Of packages that an operator has and this machine need not: sysstat, chrony; timedatectl asks D-Bus, which is not here.
    if (/^(iostat|chronyc|timedatectl)\b/.test(command)) continue
    // Of a log may be asked what is not in it: then the log is what has to be there.
    const asked = command.replace(/^(journalctl .*?) \| grep .*$/, '$1')
    const { code, out } = await machine.run(`export DIALTONE_SERVER=http://127.0.0.1:5280 DIALTONE_TOKEN=$(cat /root/dialtone.token); ${asked}`)
    // 1 to 3 of these are the state of a domain: nobody serves those of this fleet.
    const fine = /^dialtone (overview|describe [a-z]+\.|explain-route)/.test(command) ? [0, 1, 2, 3] : [0]
    if (!fine.includes(code ?? -1) || out.trim() === '') wrong.push(`${command}: ${code}\n${out}`)
  }
  expect(wrong.join('\n')).toBe('')
})

it('backup.md: its script, by night and when control does not answer; its restore, of the store and of everything', { timeout: 400_000 }, async () => {
  const page = readFileSync(join(PAGES, 'backup.md'), 'utf8')
  const block = (mark: string): string => new RegExp(`^\`\`\`sh ${mark}\n([^]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? ''
  const typed = async (script: string): Promise<string> => {
    const { code, out } = await machine.run(`set -e\n${script}`)
    expect(code, out).toBe(0)
    return out
  }
  const unchanged = 'dialtone apply -f /var/backups/dialtone/latest/fleet.yaml --dry-run'
  const ready = `${DIALTONE} health http://127.0.0.1:5280/readyz`
  await typed(`cat > /etc/cron.daily/dialtone-backup <<'EOF'\n${block('nightly')}EOF\nchmod 755 /etc/cron.daily/dialtone-backup; /etc/cron.daily/dialtone-backup; /etc/cron.daily/dialtone-backup`)
  expect(await typed('cd /var/backups/dialtone; ls -A1; ls -1 latest/; find . -perm /077 ! -type l')).toMatch(/^\d\nlatest\ncontrol\.db\nfleet\.yaml\nnats\.tgz\n$/)
  expect(await typed(`${TOKEN}; ${unchanged}`)).toMatch(/would be: 0 created, 0 changed, 5 unchanged, 0 deleted/)

  const sums = 'cd /var/backups/dialtone/latest/ && sha256sum *'
  const before = await typed(sums)
  await typed('systemctl stop dialtone-control')
  expect((await machine.run('/etc/cron.daily/dialtone-backup')).code).not.toBe(0)
  expect(await typed(sums)).toBe(before)

  await typed(block('restore'))
  await machine.until(ready)
  expect(await typed(`${TOKEN}; dialtone token list`)).toContain('admin')

  // The gateway is on another host, as it were. Somebody began with step 3, which made other seeds.
  const [users = '', start = ''] = ['## 3', '## 4'].map(step => /^```sh install(?: systemd)?\n([^]*?)^```$/m.exec(readFileSync(join(PAGES, 'install.md'), 'utf8').split(`\n${step}`)[1] ?? '')?.[1])
  const withGateway = users.replace('--vantage outside', '--vantage outside --gateway edge')
  expect(withGateway).not.toBe(users)
  await typed(`systemctl stop dialtone-control dialtone-probe@inside dialtone-probe@outside nats-server; rm -rf /etc/dialtone/nats /etc/dialtone/control.json /var/lib/nats/* /var/lib/dialtone/{control,probe-inside,probe-outside}\n${users}`)
  await typed(`${block('seeds')}\n${withGateway}\n${start}`)
  await machine.until(ready)
  await typed(block('restore'))
  await machine.until(ready)
  expect(await typed(`${TOKEN}; dialtone apply -f /var/backups/dialtone/latest/fleet.yaml; ${unchanged}`)).toMatch(/^created +Gateway edge[^]*would be: 0 created, 0 changed, 5 unchanged/m)
  // Nobody touched them.
  await machine.until(`${TOKEN}; test $(dialtone agents | grep -cE '(inside|outside) +running') = 2`)
})

it('an address that comes up after the agent is waited for', { timeout: 300_000 }, async () => {
  await machine.run('echo DIALTONE_HTTP=192.0.2.81:5281 > /etc/dialtone/probe-inside.env; systemctl restart dialtone-probe@inside')
  await machine.until('test "$(systemctl show --value -p NRestarts dialtone-probe@inside)" -gt 0')
  expect((await machine.run('journalctl -o cat -u dialtone-probe@inside | tail -20')).out).toMatch(/192\.0\.2\.81/)
  await machine.run('ip address add 192.0.2.81/32 dev lo')
  await machine.until(`${DIALTONE} health http://192.0.2.81:5281/readyz`)
  await machine.run('rm /etc/dialtone/probe-inside.env; systemctl restart dialtone-probe@inside')
  await machine.until(`${DIALTONE} health http://127.0.0.1:5281/readyz`)
})

it('comes again when it is killed, and ends well when it is stopped', { timeout: 300_000 }, async () => {
  await machine.run('systemctl kill -s KILL dialtone-probe@inside')
  await machine.until('test "$(systemctl show --value -p NRestarts dialtone-probe@inside)" = 1 && systemctl is-active dialtone-probe@inside')
  await machine.until(`${DIALTONE} health http://127.0.0.1:5281/readyz`)
  await machine.run('systemctl reload dialtone-gateway@edge')
  const { code, out } = await machine.run(`systemctl stop ${RUNNING.join(' ')}; for unit in ${RUNNING.join(' ')}; do systemctl show --value -p Result -p ExecMainStatus $unit; done`)
  expect(code).toBe(0)
  expect(out.trim().split(/\s+/)).toEqual(RUNNING.flatMap(() => ['success', '0']))
})

it('a mistake that no second try mends is not tried again', { timeout: 300_000 }, async () => {
  await machine.run('echo DIALTONE_OPTIONS=--no-such-option > /etc/dialtone/probe-inside.env; systemctl reset-failed; systemctl start dialtone-probe@inside')
  await machine.until('test "$(systemctl is-failed dialtone-probe@inside)" = failed')
  expect((await machine.run('systemctl show --value -p NRestarts -p ExecMainStatus dialtone-probe@inside')).out.trim().split(/\s+/)).toEqual(['0', '64'])
})

it('a responder on port 53 takes the drop-in, and nothing else', { timeout: 300_000 }, async () => {
  const { code, out } = await machine.run(`set -eu
    mkdir -p /etc/systemd/system/dialtone-gateway@edge.service.d
    cp /opt/dialtone/deploy/systemd/gateway-port-53.conf /etc/systemd/system/dialtone-gateway@edge.service.d/
    systemctl daemon-reload; systemctl start dialtone-gateway@edge
    pid=$(systemctl show --value -p MainPID dialtone-gateway@edge); grep -E '^Cap(Eff|Bnd):' /proc/$pid/status`)
  expect(code, out).toBe(0)
  expect(out).toMatch(/CapEff:\s+0+400\nCapBnd:\s+0+400/)
})

it('secure.md: bus and control speak TLS by its commands and drop-ins, with keys that their units alone see', { timeout: 300_000 }, async () => {
  const page = readFileSync(join(ROOT, 'docs/operating/secure.md'), 'utf8')
  const commands = [...page.matchAll(/^```sh run\n([^]*?)^```$/gm)].map(([, block = '']) => block).join('\n')
  const users = /^.*write-users\.ts.*$/m.exec(commands)?.[0] ?? ''
  const [underSystemd = ''] = /--tls-cert \/run\/credentials\/\S+ --tls-key \/run\/credentials\/[^\s`]+/.exec(page) ?? []
  // An indented block that begins with the name of a file is that file.
  const files = [...page.matchAll(/^ {4}# (\/etc\/\S+)\n((?: {4}.*\n)+)/gm)].map(([, path = '', text = '']) => ({ path, text: text.replaceAll(/^ {4}/gm, '') }))
  expect(files.map(({ path }) => path.split('/').at(-1))).toEqual(['tls.conf', 'control.json', 'tls.conf'])
  const { code, out } = await machine.run(`set -e; cd /opt/dialtone; umask 022; who='--vantage inside --vantage outside --gateway edge'
${commands}
${users.replace(/--tls-cert.*/, underSystemd)}
${files.map(({ path, text }) => `mkdir -p $(dirname ${path})\ncat > ${path} <<'EOF'\n${text}EOF`).join('\n')}
    install -m 644 /etc/dialtone/nats/ca.crt /etc/dialtone/bus-ca.crt
    echo 127.0.0.1 bus.example.org >> /etc/hosts
    printf 'DIALTONE_BUS=tls://bus.example.org:4222\\nDIALTONE_OPTIONS=--bus-ca /etc/dialtone/bus-ca.crt\\n' > /etc/dialtone/control.env
    systemctl daemon-reload; systemctl restart nats-server dialtone-control`)
  expect(code, out).toBe(0)
  expect(underSystemd).not.toBe('')
  await machine.until(`${DIALTONE} health https://127.0.0.1:5280/readyz || { journalctl -n 5 -u dialtone-control -u nats-server; false; }`)
  expect((await machine.run('setpriv --reuid=dialtone-control --regid=dialtone-control --clear-groups cat /etc/dialtone/tls/control.key /etc/dialtone/nats/bus.key 2> /dev/null')).out).toBe('')
})

function exposureIn (said: string): number {
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1])
}
