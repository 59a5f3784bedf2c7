// The block of README.md that makes the secrets, as it stands there; what it made, asked of openssl and of the NATS server, in the places where the manifests put it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ROOT, startMachine } from '../test-support/machine.ts'

const [, BLOCK = ''] = /^```sh secrets\n([^]*?)^```$/m.exec(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')) ?? []

it('makes all that the cluster is told, and the server takes it', { timeout: 300_000 }, async () => {
  const machine = await startMachine({ systemd: false, sees: { '/opt/dialtone': ROOT } })
  onTestFinished(() => machine.stop())
  expect(BLOCK).not.toBe('')
  const { code, out } = await machine.run(`set -e; cd /opt/dialtone; ns=/run/ns\n${BLOCK}
    mkdir /etc/nats-tls; cp $ns/nats.crt /etc/nats-tls/tls.crt; cp $ns/nats.key /etc/nats-tls/tls.key; cp $ns/ca.crt /etc/nats-tls/
    for node in 0 1 2; do nats-server -t -c $ns/nats/nats-$node.conf; done
    openssl verify -CAfile $ns/ca.crt -purpose sslserver -verify_hostname nats-2.nats $ns/nats.crt
    openssl verify -CAfile $ns/ca.crt -purpose sslclient $ns/nats.crt
    openssl verify -CAfile $ns/ca.crt -purpose sslserver -verify_hostname control.dialtone.svc $ns/control.crt
    find $ns -type f -perm /077`)
  expect(code, out).toBe(0)
  expect(out.match(/configuration file .* is valid/g)).toHaveLength(3)
  expect(out.match(/crt: OK/g)).toHaveLength(3)
  // Nobody else may read any of it.
  expect(out.trim().endsWith('control.crt: OK')).toBe(true)
  for (const [, file = ''] of readFileSync(join(import.meta.dirname, 'README.md'), 'utf8').matchAll(/--from-file=(?:[\w.]+=)?\$ns\/(\S+)/g)) expect((await machine.run(`test -s /run/ns/${file}`)).code, file).toBe(0)
})
