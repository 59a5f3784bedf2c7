// The walk-through of the README, section Dialback: every command as it stands there, against two real Prosody. Only the pause for their start is made as
// long as it must be.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT, bash, blocksOf } from './test-support/walk-through.ts'

it('performs a dialback in the name of ours, then one whose callback it hears itself', { timeout: 60_000 }, async () => {
  const readme = readFileSync(resolve(ROOT, 'README.md'), 'utf8')
  const commands = blocksOf(readme, '## Dialback', '## Operating it').filter(block => !block.startsWith('in the name of')).map(block => `${block}\necho "exit $?"\n`).join('\n')
  expect(commands).toContain('\nsleep 2\n')
  const { code, out } = await bash(`trap 'rm -rf "$dir"' EXIT\n${commands.replace('\nsleep 2\n', '\nfor port in 15269 25269; do until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done; done\n')}`, 50_000)
  expect(code).toBe(0)
  const [shared = '', probe = ''] = out.split(/^partner\.example(?= )/m).slice(1)
  expect(shared).toMatch(/^ for ours\.example {2}seen from .*\n● UP/)
  expect(shared).toMatch(/B us ──db:result──► 127\.0\.0\.1:25269 .* s {2}in TLSv1\.3\n {4}us ◄──db:result── valid/)
  expect(shared).toMatch(/^exit 0$/m)
  expect(probe).toMatch(/^ .*\n▲ DEGRADED .*our\s+certificate is not accepted/)
  expect(probe).toMatch(/^exit 1$/m)
  expect(readme).toContain('It prints `▲ DEGRADED … our certificate is not accepted` and ends with exit code 1')
  expect(probe).toMatch(/us ◄──db:verify── 127\.0\.0\.1:\d+ \(TLSv1\.3\) .*we answered: valid\n {4}us ◄──db:result── valid/)
  expect(probe).toMatch(/us ◄────pong───── .*\n +result, on its stream to us/)
})
